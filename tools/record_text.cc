#include "tools/record_text.h"

#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <set>

#include "tools/table.h"

namespace augstore {

std::string UtcText(int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) return "-";
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

std::string Decimal(double value) { return fmt::format("{:.4f}", value); }

std::string ListText(const std::vector<std::string>& items, const std::string& none) {
  if (items.empty()) return none;
  std::string text;
  for (const std::string& item : items) text += text.empty() ? item : ", " + item;
  return text;
}

std::vector<std::string> AliasesOf(const AliasHistory& history, uint32_t version) {
  std::set<std::string> names;
  for (const AliasMove& move : history.moves) {
    if (history.Find(move.alias) == version) names.insert(move.alias);
  }
  return {names.begin(), names.end()};
}

std::string LayersText(const std::vector<LayerShape>& layers) {
  if (layers.empty()) return "none";
  std::string text = std::to_string(layers.front().in);
  for (const LayerShape& layer : layers) {
    text += fmt::format(" -> {}", layer.out);
    if (layer.residual) text += " +input";
    if (layer.activation == Activation::kRelu) text += " relu";
  }
  return text;
}

Json LayersJson(const std::vector<LayerShape>& layers) {
  Json json = Json::array();
  for (const LayerShape& layer : layers) {
    json.push_back({{"in", layer.in},
                    {"out", layer.out},
                    {"activation", layer.activation == Activation::kRelu ? "relu" : "none"},
                    {"residual", layer.residual}});
  }
  return json;
}

uint64_t MultiplyAdds(const std::vector<LayerShape>& layers) {
  uint64_t sum = 0;
  for (const LayerShape& layer : layers) sum += uint64_t{layer.in} * layer.out;
  return sum;
}

Json CardJson(const Card& card) {
  Json entries = Json::array();
  for (const CardEntry& entry : card.entries) {
    entries.push_back({{"data", entry.data},
                       {"pairs", entry.pairs},
                       {"explained", entry.explained},
                       {"mse", entry.mse},
                       {"identity_mse", entry.identity_mse},
                       {"cosine_before", entry.cosine_before},
                       {"cosine_after", entry.cosine_after},
                       {"dispersion", entry.dispersion}});
  }
  return {{"entries", entries},
          {"train_pairs", card.train_pairs},
          {"seed", card.seed},
          {"train_seconds", card.train_seconds},
          {"multiply_adds", card.multiply_adds},
          {"notes", card.notes}};
}

std::string CardTable(const Card& card) {
  Table table(
      {"data", "pairs", "G", "mse", "identity mse", "cosine before", "after", "dispersion"});
  for (const CardEntry& entry : card.entries) {
    table.Row({entry.data, std::to_string(entry.pairs), Decimal(entry.explained),
               fmt::format("{:.5g}", entry.mse), fmt::format("{:.5g}", entry.identity_mse),
               Decimal(entry.cosine_before), Decimal(entry.cosine_after),
               Decimal(entry.dispersion)});
  }
  return table.ToString();
}

}  // namespace augstore

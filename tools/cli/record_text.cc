#include "tools/cli/record_text.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <set>

#include "tools/cli/progress.h"
#include "tools/cli/table.h"

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
    if (layer.kind == LayerKind::kDiagonal) text += " diagonal";
    if (layer.residual) text += " +input";
    if (layer.activation == Activation::kRelu) text += " relu";
  }
  return text;
}

std::string MapText(const MapShape& map) { return map.values() == 0 ? "none" : map.ToString(); }

Json LayersJson(const std::vector<LayerShape>& layers) {
  Json json = Json::array();
  for (const LayerShape& layer : layers) {
    json.push_back({{"in", layer.in},
                    {"out", layer.out},
                    {"activation", layer.activation == Activation::kRelu ? "relu" : "none"},
                    {"residual", layer.residual},
                    {"kind", layer.kind == LayerKind::kDiagonal ? "diagonal" : "dense"}});
  }
  return json;
}

uint64_t MultiplyAdds(const std::vector<LayerShape>& layers) {
  uint64_t sum = 0;
  for (const LayerShape& layer : layers) sum += layer.weights();
  return sum;
}

Json CardEntryJson(const CardEntry& entry) {
  return {{"data", entry.data},
          {"pairs", entry.pairs},
          {"explained", entry.explained},
          {"explained_low", entry.explained_low},
          {"explained_high", entry.explained_high},
          {"mse", entry.mse},
          {"identity_mse", entry.identity_mse},
          {"cosine_before", entry.cosine_before},
          {"cosine_after", entry.cosine_after},
          {"dispersion", entry.dispersion},
          {"candidates", entry.candidates},
          {"mrr", entry.mrr},
          {"hit1", entry.hit1},
          {"hit5", entry.hit5}};
}

Json CardJson(const Card& card) {
  Json entries = Json::array();
  for (const CardEntry& entry : card.entries) entries.push_back(CardEntryJson(entry));
  Json ladder = Json::array();
  for (const CardRung& rung : card.ladder) {
    ladder.push_back({{"family", rung.family},
                      {"explained", rung.explained},
                      {"explained_low", rung.explained_low},
                      {"explained_high", rung.explained_high},
                      {"mse", rung.mse},
                      {"multiply_adds", rung.multiply_adds},
                      {"train_seconds", rung.train_seconds},
                      {"notes", rung.notes}});
  }
  Json measures = Json::object();
  for (const CardMeasure& measure : card.measures) measures[measure.name] = measure.value;
  return {{"entries", entries},
          {"train_pairs", card.train_pairs},
          {"seed", card.seed},
          {"train_seconds", card.train_seconds},
          {"multiply_adds", card.multiply_adds},
          {"notes", card.notes},
          {"ladder", ladder},
          {"measures", measures}};
}

std::string ExplainedText(double explained, double low, double high) {
  if (low == high) return Decimal(explained);
  return fmt::format("{:.4f} [{:.4f}, {:.4f}]", explained, low, high);
}

std::string CardTable(const Card& card) {
  std::vector<std::string> headers = {"data",         "pairs",  "G",         "mse",
                                      "identity mse", "cosine", "dispersion"};
  const bool ranked = std::ranges::any_of(
      card.entries, [](const CardEntry& entry) { return entry.candidates > 0; });
  if (ranked) headers.insert(headers.end(), {"MRR", "hit@1", "hit@5"});
  Table table(headers);
  for (const CardEntry& entry : card.entries) {
    std::vector<std::string> cells = {
        entry.data,
        std::to_string(entry.pairs),
        ExplainedText(entry.explained, entry.explained_low, entry.explained_high),
        fmt::format("{:.5g}", entry.mse),
        fmt::format("{:.5g}", entry.identity_mse),
        Decimal(entry.cosine_before) + " -> " + Decimal(entry.cosine_after),
        Decimal(entry.dispersion)};
    for (const double value : {entry.mrr, entry.hit1, entry.hit5}) {
      if (ranked) cells.push_back(entry.candidates > 0 ? Decimal(value) : "-");
    }
    table.Row(cells);
  }
  return table.ToString();
}

std::string LadderTable(const Card& card, const std::string& registered) {
  if (card.ladder.empty()) return "";
  Table table({"", "family", "G", "mse", "multiply-adds", "seconds", "notes"});
  for (const CardRung& rung : card.ladder) {
    table.Row({rung.family == registered ? "*" : "", rung.family,
               ExplainedText(rung.explained, rung.explained_low, rung.explained_high),
               fmt::format("{:.5g}", rung.mse), HumanCount(static_cast<double>(rung.multiply_adds)),
               fmt::format("{:.2f}", rung.train_seconds), rung.notes});
  }
  return table.ToString();
}

std::string MeasureTable(const std::vector<CardMeasure>& measures) {
  if (measures.empty()) return "";
  Table table({"measure", "value"});
  for (const CardMeasure& measure : measures) {
    table.Row({measure.name, fmt::format("{:.4g}", measure.value)});
  }
  return table.ToString();
}

}  // namespace augstore

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

std::string Percent(double value) { return fmt::format("{:.1f}%", 100 * value); }

std::string ListText(const std::vector<std::string>& items, const std::string& none) {
  if (items.empty()) return none;
  std::string text;
  for (const std::string& item : items) text += text.empty() ? item : ", " + item;
  return text;
}

Result<std::optional<Versioned<BackboneRecord>>> FindBackbone(Client& client,
                                                              const Digest& digest) {
  AUGSTORE_ASSIGN(auto known, client.List<BackboneRecord>());
  for (auto& entry : known) {
    if (entry.record.digest == digest) return std::optional(std::move(entry));
  }
  return std::optional<Versioned<BackboneRecord>>();
}

std::string BackboneName(Client& client, const Digest& digest) {
  std::string text = fmt::format("digest {}…", digest.Hex().substr(0, 12));
  const auto known = FindBackbone(client, digest);
  if (!known.ok() || !known->has_value()) return text;
  return fmt::format("{} ({})", (*known)->ref(), text);
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

std::string FeatureMapText(const FeatureMapShape& feature_map) {
  return feature_map.values() == 0 ? "none" : feature_map.ToString();
}

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

Json NumberOrNull(bool known, double value) { return known ? Json(value) : Json(nullptr); }

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json CardEntryJson(const CardEntry& entry) {
  return {{"data", entry.data},
          {"pairs", entry.pairs},
          {"r2", entry.r2},
          {"r2_low", entry.r2_low},
          {"r2_high", entry.r2_high},
          {"mse", entry.mse},
          {"identity_mse", entry.identity_mse},
          {"cosine_before", entry.cosine_before},
          {"cosine_after", entry.cosine_after},
          {"dispersion", entry.dispersion},
          {"retrieval_pool", entry.retrieval_pool},
          {"mrr", entry.mrr},
          {"hit1", entry.hit1},
          {"hit5", entry.hit5}};
}

Json MeasuresJson(const std::vector<CardMeasure>& measures) {
  Json json = Json::object();
  for (const CardMeasure& measure : measures) json[measure.name] = measure.value;
  return json;
}

Json CardJson(const Card& card) {
  Json entries = Json::array();
  for (const CardEntry& entry : card.entries) entries.push_back(CardEntryJson(entry));
  Json candidates = Json::array();
  for (const CardCandidate& candidate : card.candidates) {
    candidates.push_back({{"family", candidate.family},
                          {"r2", candidate.r2},
                          {"r2_low", candidate.r2_low},
                          {"r2_high", candidate.r2_high},
                          {"mse", candidate.mse},
                          {"multiply_adds", candidate.multiply_adds},
                          {"train_seconds", candidate.train_seconds},
                          {"notes", candidate.notes}});
  }
  return {{"entries", entries},
          {"train_pairs", card.train_pairs},
          {"seed", card.seed},
          {"train_seconds", card.train_seconds},
          {"multiply_adds", card.multiply_adds},
          {"notes", card.notes},
          {"candidates", candidates},
          {"measures", MeasuresJson(card.measures)}};
}

std::string R2Text(double r2, double low, double high) {
  if (low == high) return Decimal(r2);
  return fmt::format("{:.4f} [{:.4f}, {:.4f}]", r2, low, high);
}

std::string CardTable(const Card& card) {
  std::vector<std::string> headers = {"data",         "pairs",  "G",         "mse",
                                      "identity mse", "cosine", "dispersion"};
  const bool ranked = std::ranges::any_of(
      card.entries, [](const CardEntry& entry) { return entry.retrieval_pool > 0; });
  if (ranked) headers.insert(headers.end(), {"MRR", "hit@1", "hit@5"});
  Table table(headers);
  for (const CardEntry& entry : card.entries) {
    std::vector<std::string> cells = {
        entry.data,
        std::to_string(entry.pairs),
        R2Text(entry.r2, entry.r2_low, entry.r2_high),
        fmt::format("{:.5g}", entry.mse),
        fmt::format("{:.5g}", entry.identity_mse),
        Decimal(entry.cosine_before) + " -> " + Decimal(entry.cosine_after),
        Decimal(entry.dispersion)};
    for (const double value : {entry.mrr, entry.hit1, entry.hit5}) {
      if (ranked) cells.push_back(entry.retrieval_pool > 0 ? Decimal(value) : "-");
    }
    table.Row(cells);
  }
  return table.ToString();
}

std::string CandidatesTable(const Card& card, const std::string& registered) {
  if (card.candidates.empty()) return "";
  Table table({"", "family", "G", "mse", "multiply-adds", "seconds", "notes"});
  for (const CardCandidate& candidate : card.candidates) {
    table.Row({candidate.family == registered ? "*" : "", candidate.family,
               R2Text(candidate.r2, candidate.r2_low, candidate.r2_high),
               fmt::format("{:.5g}", candidate.mse),
               HumanCount(static_cast<double>(candidate.multiply_adds)),
               fmt::format("{:.2f}", candidate.train_seconds), candidate.notes});
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

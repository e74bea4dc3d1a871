// How registry records look in tables and in JSON: what the commands for transforms and heads
// share.
#ifndef AUGSTORE_TOOLS_CLI_RECORD_TEXT_H_
#define AUGSTORE_TOOLS_CLI_RECORD_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "tools/cli/command.h"

namespace augstore {

// "2024-05-01 12:00:00", in UTC.
std::string UtcText(int64_t unix_s);
// Four digits after the point.
std::string Decimal(double value);
// "61.4%" of 0.614.
std::string Percent(double value);
// "a, b", or `none` when there is nothing to list.
std::string ListText(const std::vector<std::string>& items, const std::string& none);

// The backbone that is registered under a digest; none: it is not registered.
Result<std::optional<Versioned<BackboneRecord>>> FindBackbone(Client& client, const Digest& digest);
// "resnet@1 (digest fbc3d81a04b2…)"; the digest alone where it is not registered or the database
// does not answer.
std::string BackboneName(Client& client, const Digest& digest);

// The aliases that point to `version` now, sorted.
std::vector<std::string> AliasesOf(const AliasHistory& history, uint32_t version);

// "512 -> 1024 relu -> 512 +input".
std::string LayersText(const std::vector<LayerShape>& layers);
// "8x8x128", height, width and channels; "none".
std::string FeatureMapText(const FeatureMapShape& feature_map);
Json LayersJson(const std::vector<LayerShape>& layers);
// Multiply-adds for one row.
uint64_t MultiplyAdds(const std::vector<LayerShape>& layers);

// null where nothing was measured, or there is no text.
Json NumberOrNull(bool known, double value);
Json TextOrNull(const std::string& text);
Json CardEntryJson(const CardEntry& entry);
Json MeasuresJson(const std::vector<CardMeasure>& measures);  // {name: value}
Json CardJson(const Card& card);
// A table with one line per entry; ranks where an entry has them.
std::string CardTable(const Card& card);
// G with its interval, where that was measured: "0.5312 [0.5200, 0.5420]".
std::string R2Text(double r2, double low, double high);
// The families that were tried, `registered` marked with '*'; empty when there are none.
std::string CandidatesTable(const Card& card, const std::string& registered);
// The further measures; empty when there are none.
std::string MeasureTable(const std::vector<CardMeasure>& measures);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_RECORD_TEXT_H_

#include "schemas/records/records.h"

#include <array>
#include <utility>

#include "schemas/records/codec.h"
#include "schemas/records/record_codec.h"

namespace augstore {
namespace {

using codec::Builder;
using codec::Offset;
using codec::Reader;

constexpr std::array<std::pair<RecordKind, std::string_view>, 7> kKinds = {{
    {RecordKind::kBackbone, "backbone"},
    {RecordKind::kCollection, "collection"},
    {RecordKind::kTransform, "transform"},
    {RecordKind::kHead, "head"},
    {RecordKind::kAliases, "aliases"},
    {RecordKind::kSpace, "space"},
    {RecordKind::kDraft, "draft"},
}};

}  // namespace

std::string_view RecordKindName(RecordKind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  return "unknown";
}

Result<RecordKind> ParseRecordKind(std::string_view text) {
  for (const auto& [kind, name] : kKinds) {
    if (name == text) return kind;
  }
  return InvalidArgument(
      "'{}' is no kind of record: choose backbone, collection, transform, head or aliases", text);
}

uint32_t AliasHistory::Find(std::string_view alias) const {
  for (auto move = moves.rbegin(); move != moves.rend(); ++move) {
    if (move->alias == alias) return move->version;
  }
  return 0;
}

namespace codec {

Offset<fb::records::LabelColumns> PutLabels(Builder& b, const std::vector<LabelColumn>& labels) {
  if (labels.empty()) return 0;
  std::vector<std::string> names;
  std::vector<std::string> classes;
  std::vector<uint32_t> counts;
  for (const LabelColumn& column : labels) {
    names.push_back(column.name);
    counts.push_back(static_cast<uint32_t>(column.classes.size()));
    classes.insert(classes.end(), column.classes.begin(), column.classes.end());
  }
  const auto name_texts = b.PutTexts(names);
  const auto class_counts = b.PutNumbers(counts);
  const auto class_texts = b.PutTexts(classes);
  return fb::records::CreateLabelColumns(b, name_texts, class_counts, class_texts);
}

std::vector<LabelColumn> ReadLabels(Reader& in, const fb::records::LabelColumns* labels) {
  if (labels == nullptr) return {};
  auto names = in.Texts("labels.names", labels->names(), kMaxLabelColumns, kMaxKeyBytes);
  const auto counts = in.Numbers("labels.class_counts", labels->class_counts(), kMaxLabelColumns);
  auto classes = in.Texts("labels.classes", labels->classes(), kMaxClasses, kMaxKeyBytes);
  in.Equal("labels.class_counts", counts.size(), names.size(), "labels.names");
  uint64_t total = 0;
  for (const uint32_t count : counts) {
    in.AtMost("labels.class_counts", count, kMaxClasses);
    total += count;
  }
  in.Equal("labels.classes", classes.size(), total, "labels.class_counts");
  if (!in.status().ok()) return {};
  std::vector<LabelColumn> result(names.size());
  auto next = classes.begin();
  for (size_t i = 0; i < names.size(); ++i) {
    result[i].name = std::move(names[i]);
    result[i].classes.assign(std::make_move_iterator(next),
                             std::make_move_iterator(next + counts[i]));
    next += counts[i];
  }
  return result;
}

Offset<fb::records::SampleChunk> PutChunk(Builder& b, const SampleChunk& chunk) {
  const auto rows = b.PutNumbers(chunk.rows);
  const auto split_names = b.PutTexts(chunk.split_names);
  const auto splits = b.PutNumbers(chunk.splits);
  std::vector<Offset<fb::records::LabelValues>> columns;
  for (const std::vector<int32_t>& column : chunk.labels) {
    const auto values = b.PutNumbers(column);
    columns.push_back(fb::records::CreateLabelValues(b, values));
  }
  const auto labels = b.PutTables(columns);
  const auto keys = b.PutTexts(chunk.keys);
  return fb::records::CreateSampleChunk(b, kRecordFormat, rows, split_names, splits, labels, keys);
}

SampleChunk ReadChunk(Reader& in, const fb::records::SampleChunk& chunk) {
  SampleChunk result;
  ReadFormat(in, chunk);
  result.rows = in.Numbers("rows", chunk.rows(), kMaxBatchRows);
  result.split_names = in.Texts("split_names", chunk.split_names(), kMaxSplits, kMaxKeyBytes);
  result.splits = in.Numbers("splits", chunk.splits(), kMaxBatchRows);
  result.keys = in.Texts("keys", chunk.keys(), kMaxBatchRows, kMaxKeyBytes);
  in.Equal("splits", result.splits.size(), result.rows.size(), "rows");
  in.Equal("keys", result.keys.size(), result.rows.size(), "rows");
  for (const uint16_t split : result.splits) {
    if (split >= result.split_names.size() && in.status().ok())
      in.Fail("splits",
              fmt::format("names split {}, but there are {}", split, result.split_names.size()));
  }
  if (chunk.labels() == nullptr || !in.AtMost("labels", chunk.labels()->size(), kMaxLabelColumns))
    return result;
  for (const auto* column : *chunk.labels()) {
    result.labels.push_back(in.Numbers("labels", column->values(), kMaxBatchRows));
    in.Equal("labels", result.labels.back().size(), result.rows.size(), "rows");
    for (const int32_t label : result.labels.back()) {
      if (label < -1 && in.status().ok())
        in.Fail("labels", fmt::format("has {}: a class or -1 is needed", label));
    }
  }
  return result;
}

}  // namespace codec

std::string Encode(const BackboneRecord& record) {
  Builder b;
  const auto digest = b.PutDigest(record.digest);
  const auto mean = b.PutNumbers(record.mean);
  const auto stddev = b.PutNumbers(record.stddev);
  const auto source = b.PutText(record.source);
  return b.SealRecord(
      fb::records::CreateBackbone(b, codec::kRecordFormat, digest, record.dim, record.input_height,
                                  record.input_width, mean, stddev, source, record.multiply_adds,
                                  record.created_unix_s, record.feature_map.height,
                                  record.feature_map.width, record.feature_map.channels),
      "AGRB");
}

template <>
Result<BackboneRecord> Decode(std::string_view bytes) {
  BackboneRecord record;
  Reader in = codec::RecordReader("backbone record", bytes);
  if (const auto* t = in.Root<fb::records::Backbone>("AGRB")) {
    codec::ReadFormat(in, *t);
    record.digest = in.OneDigest("digest", t->digest());
    record.dim = t->dim();
    in.AtMost("dim", record.dim, kMaxDim);
    record.input_height = t->input_height();
    record.input_width = t->input_width();
    record.mean = in.Numbers("mean", t->mean(), kMaxChannels);
    record.stddev = in.Numbers("stddev", t->stddev(), kMaxChannels);
    in.Equal("stddev", record.stddev.size(), record.mean.size(), "mean");
    record.source = in.Text("source", t->source(), kMaxTextBytes);
    record.multiply_adds = t->multiply_adds();
    record.created_unix_s = t->created_unix_s();
    record.feature_map = codec::ReadFeatureMapShape(in, *t);
  }
  AUGSTORE_TRY(in.status());
  return record;
}

std::string Encode(const CollectionRecord& record) {
  Builder b;
  const auto backbone = b.PutDigest(record.backbone);
  const auto labels = codec::PutLabels(b, record.labels);
  std::vector<Offset<fb::records::SplitCount>> split_counts;
  for (const SplitCount& split : record.splits) {
    const auto name = b.PutText(split.name);
    split_counts.push_back(fb::records::CreateSplitCount(b, name, split.samples));
  }
  const auto splits = b.PutTables(split_counts);
  const auto digest = b.PutDigest(record.digest);
  const auto source = b.PutText(record.source);
  return b.SealRecord(
      fb::records::CreateCollection(b, codec::kRecordFormat, backbone, record.dim, record.samples,
                                    record.sample_list, labels, splits, digest, source,
                                    record.created_unix_s, static_cast<uint8_t>(record.dtype)),
      "AGRC");
}

template <>
Result<CollectionRecord> Decode(std::string_view bytes) {
  CollectionRecord record;
  Reader in = codec::RecordReader("collection record", bytes);
  if (const auto* t = in.Root<fb::records::Collection>("AGRC")) {
    codec::ReadFormat(in, *t);
    record.backbone = in.OneDigest("backbone", t->backbone());
    record.dim = t->dim();
    in.AtMost("dim", record.dim, kMaxDim);
    record.samples = t->samples();
    record.sample_list = t->sample_list();
    record.labels = codec::ReadLabels(in, t->labels());
    if (t->splits() != nullptr && in.AtMost("splits", t->splits()->size(), kMaxSplits)) {
      for (const auto* split : *t->splits())
        record.splits.push_back(
            {in.Text("splits.name", split->name(), kMaxKeyBytes), split->samples()});
    }
    record.digest = in.OneDigest("digest", t->digest());
    record.source = in.Text("source", t->source(), kMaxTextBytes);
    record.created_unix_s = t->created_unix_s();
    record.dtype = in.OneDtype("dtype", t->dtype());
  }
  AUGSTORE_TRY(in.status());
  return record;
}

std::string Encode(const SampleChunk& chunk) {
  Builder b;
  return b.SealRecord(codec::PutChunk(b, chunk), "AGRS");
}

template <>
Result<SampleChunk> Decode(std::string_view bytes) {
  SampleChunk chunk;
  Reader in = codec::RecordReader("sample chunk", bytes);
  if (const auto* t = in.Root<fb::records::SampleChunk>("AGRS")) chunk = codec::ReadChunk(in, *t);
  AUGSTORE_TRY(in.status());
  return chunk;
}

std::string Encode(const AliasHistory& history) {
  std::vector<std::string> aliases;
  std::vector<std::string> notes;
  std::vector<uint32_t> versions;
  std::vector<int64_t> unix_s;
  std::vector<uint8_t> forced;
  for (const AliasMove& move : history.moves) {
    aliases.push_back(move.alias);
    versions.push_back(move.version);
    notes.push_back(move.note);
    unix_s.push_back(move.unix_s);
    forced.push_back(move.forced);
  }
  Builder b;
  const auto alias_texts = b.PutTexts(aliases);
  const auto version_numbers = b.PutNumbers(versions);
  const auto note_texts = b.PutTexts(notes);
  const auto times = b.PutNumbers(unix_s);
  const auto forces = b.PutNumbers(forced);
  return b.SealRecord(fb::records::CreateAliases(b, codec::kRecordFormat, alias_texts,
                                                 version_numbers, note_texts, times, forces),
                      "AGRA");
}

template <>
Result<AliasHistory> Decode(std::string_view bytes) {
  AliasHistory history;
  Reader in = codec::RecordReader("alias history", bytes);
  if (const auto* t = in.Root<fb::records::Aliases>("AGRA")) {
    codec::ReadFormat(in, *t);
    auto aliases = in.Texts("aliases", t->aliases(), kMaxAliasMoves, kMaxNameBytes);
    const auto versions = in.Numbers("versions", t->versions(), kMaxAliasMoves);
    auto notes = in.Texts("notes", t->notes(), kMaxAliasMoves, kMaxTextBytes);
    const auto unix_s = in.Numbers("unix_s", t->unix_s(), kMaxAliasMoves);
    auto forced = in.Numbers("forced", t->forced(), kMaxAliasMoves);
    if (forced.empty()) forced.resize(aliases.size());
    in.Equal("forced", forced.size(), aliases.size(), "aliases");
    in.Equal("versions", versions.size(), aliases.size(), "aliases");
    in.Equal("notes", notes.size(), aliases.size(), "aliases");
    in.Equal("unix_s", unix_s.size(), aliases.size(), "aliases");
    AUGSTORE_TRY(in.status());
    for (size_t i = 0; i < aliases.size(); ++i)
      history.moves.push_back(
          {std::move(aliases[i]), versions[i], std::move(notes[i]), unix_s[i], forced[i] != 0});
  }
  AUGSTORE_TRY(in.status());
  return history;
}

}  // namespace augstore

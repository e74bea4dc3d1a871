#include "schemas/records/records.h"

#include <array>
#include <utility>

#include "schemas/records/keys.h"
#include "schemas/records/record_fields.h"

namespace augstore {
namespace {

constexpr std::array<std::pair<RecordKind, std::string_view>, 9> kKinds = {{
    {RecordKind::kBackbone, "backbone"},
    {RecordKind::kCollection, "collection"},
    {RecordKind::kTransform, "transform"},
    {RecordKind::kHead, "head"},
    {RecordKind::kAliases, "aliases"},
    {RecordKind::kSpace, "space"},
    {RecordKind::kDraft, "draft"},
    {RecordKind::kKey, "key"},
    {RecordKind::kErasure, "erasure"},
}};

SharedBytes Unowned(std::string_view bytes) {
  return {nullptr, {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}};
}

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

size_t CountViews(const std::vector<ViewSet>& sets) {
  size_t views = 0;
  for (const ViewSet& set : sets) views += set.count;
  return views;
}

std::string_view BackboneFormName(BackboneForm form) {
  return form == BackboneForm::kOptimised ? "optimised" : "frozen";
}

std::string BackboneWay::ToString() const {
  if (empty()) return "unknown";
  return fmt::format("{}, {}, batches of {}", BackboneFormName(form),
                     channels_last ? "channels last" : "planes", batch);
}

uint32_t AliasHistory::Find(std::string_view alias) const {
  for (auto move = moves.rbegin(); move != moves.rend(); ++move) {
    if (move->alias == alias) return move->version;
  }
  return 0;
}

namespace codec {

void CheckFields(Reader& in, const BackboneRecord& m) {
  in.Equal("stddev", m.stddev.size(), m.mean.size(), "mean");
  in.AtMost("feature_map", m.feature_map.values(), kMaxDim);
}

void CheckFields(Reader& in, const ChunkTable& m) {
  in.Equal("numbers", m.numbers.size(), m.size(), "lists");
  in.Equal("samples", m.samples.size(), m.size(), "lists");
  in.Equal("digests", m.digests.size(), m.size(), "lists");
  in.Equal("row_sums", m.row_sums.size(), m.size(), "lists");
  if (!m.viewed.empty()) in.Equal("viewed", m.viewed.size(), m.size(), "lists");
}

void CheckFields(Reader& in, const ChunkSummary& m) {
  in.Equal("images", m.images.size(), m.samples.size(), "samples");
}

void CheckFields(Reader& in, const TransformRecord& m) {
  in.AtMost("feature_map", m.feature_map.values(), kMaxDim);
}

namespace {

// An alias history as it is stored: a vector for each field of its moves.
struct FlatMoves {
  std::vector<std::string> aliases;
  std::vector<uint32_t> versions;
  std::vector<std::string> notes;
  std::vector<int64_t> unix_s;
  std::vector<uint8_t> forced;  // empty: none is
};

void FlatFields(auto& v, auto& m) {
  v.All(kFormat, AtMost(m.aliases, kMaxAliasMoves, kMaxNameBytes),
        AtMost(m.versions, kMaxAliasMoves), AtMost(m.notes, kMaxAliasMoves, kMaxTextBytes),
        AtMost(m.unix_s, kMaxAliasMoves), AtMost(m.forced, kMaxAliasMoves));
}

}  // namespace

template <>
struct Codec<AliasHistory> {
  using Table = fb::records::Aliases;
  static void Fields(TableWriter& v, const AliasHistory& history) {
    FlatMoves flat;
    for (const AliasMove& move : history.moves) {
      flat.aliases.push_back(move.alias);
      flat.versions.push_back(move.version);
      flat.notes.push_back(move.note);
      flat.unix_s.push_back(move.unix_s);
      flat.forced.push_back(move.forced);
    }
    FlatFields(v, std::as_const(flat));
  }
  static void Fields(TableReader& v, AliasHistory& history) {
    FlatMoves flat;
    FlatFields(v, flat);
    const size_t moves = flat.aliases.size();
    if (flat.forced.empty()) flat.forced.resize(moves);
    v.in().Equal("forced", flat.forced.size(), moves, "aliases");
    v.in().Equal("versions", flat.versions.size(), moves, "aliases");
    v.in().Equal("notes", flat.notes.size(), moves, "aliases");
    v.in().Equal("unix_s", flat.unix_s.size(), moves, "aliases");
    for (size_t i = 0; i < moves && v.in().status().ok(); ++i) {
      history.moves.push_back({std::move(flat.aliases[i]), flat.versions[i],
                               std::move(flat.notes[i]), flat.unix_s[i], flat.forced[i] != 0});
    }
  }
};

}  // namespace codec

// `what` goes into errors; `identifier` is the file identifier of the stored value.
#define AUGSTORE_RECORD(T, what, identifier)                                  \
  template <>                                                                 \
  std::string Encode(const T& record) {                                       \
    codec::Builder b;                                                         \
    return b.SealRecord(codec::WriteTable(b, record), identifier);            \
  }                                                                           \
  template <>                                                                 \
  Result<T> Decode(std::string_view bytes) {                                  \
    T record;                                                                 \
    codec::Reader in(what, Unowned(bytes), kMaxRecordBytes, Code::kDataLoss); \
    AUGSTORE_TRY(codec::ReadRoot(in, &record, identifier));                   \
    return record;                                                            \
  }
AUGSTORE_RECORD(BackboneRecord, "backbone record", "AGRB")
AUGSTORE_RECORD(CollectionRecord, "collection record", "AGRC")
AUGSTORE_RECORD(SampleChunk, "sample chunk", "AGRS")
AUGSTORE_RECORD(ChunkTable, "chunk table", "AGRL")
AUGSTORE_RECORD(ChunkSummary, "chunk summary", "AGRM")
AUGSTORE_RECORD(TransformRecord, "transform record", "AGRT")
AUGSTORE_RECORD(HeadRecord, "head record", "AGRH")
AUGSTORE_RECORD(AliasHistory, "alias history", "AGRA")
AUGSTORE_RECORD(KeyRecord, "key record", "AGRK")
AUGSTORE_RECORD(ErasureRecord, "erasure record", "AGRE")
#undef AUGSTORE_RECORD

}  // namespace augstore

#include "tools/compare/trials.h"

#include <algorithm>
#include <utility>

#include "schemas/base/limits.h"
#include "schemas/weights/quantized_rows.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "storage/store/memory_store.h"
#include "storage/store/store.h"

namespace augstore {
namespace {

// Identified by its bytes: the row numbers of `source` mean nothing once its store is made anew.
ContentHash HashRow(std::span<const float> embedding, std::span<const uint8_t> feature_map) {
  const ContentHash hash =
      HashContent({reinterpret_cast<const uint8_t*>(embedding.data()), embedding.size_bytes()});
  if (feature_map.empty()) return hash;
  return DeriveHash(hash, {reinterpret_cast<const char*>(feature_map.data()), feature_map.size()});
}

// Gives every sample the hash under which its row is copied.
Status CopyRows(Trials& trials, bool feature_maps, std::span<const RowId> rows,
                std::span<SampleToWrite> samples) {
  Client& source = trials.source->client();
  AppendRowsRequest request{
      .backbone = trials.space().digest, .images = {}, .embeddings = {}, .feature_maps = {}};
  AUGSTORE_ASSIGN(request.embeddings, FetchRows(source, trials.space(), rows));
  if (feature_maps) {
    AUGSTORE_ASSIGN(const Matrix maps, FetchFeatureMaps(source, trials.space(), rows));
    request.feature_maps = QuantizeRows(maps.view());
  }
  const QuantizedView maps{request.feature_maps.bytes, request.feature_maps.values};
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto map = feature_maps ? maps.row(i) : std::span<const uint8_t>();
    samples[i].image = HashRow(std::as_const(request.embeddings).row(i), map);
    request.images.push_back(samples[i].image);
  }
  AUGSTORE_ASSIGN(const RowIdsReply copies, trials.client().Call<RowIdsReply>(request));
  AUGSTORE_CHECK(copies.rows.size() == samples.size());
  return OkStatus();
}

}  // namespace

Result<Trials> OpenTrials(const CommonFlags& common, const BackboneFlags& backbone,
                          const std::string& folder, bool create) {
  Trials trials;
  trials.show_progress = !common.quiet;
  AUGSTORE_ASSIGN(trials.source,
                  Database::Open(common, create ? StoreAccess::kCreate : StoreAccess::kRead));
  AUGSTORE_ASSIGN(trials.backbone,
                  LazyBackbone::Open(backbone, trials.source->client(), !common.quiet));
  std::unique_ptr<Store> store = NewMemoryStore();
  if (!folder.empty()) {
    AUGSTORE_ASSIGN(store, OpenRocksDbStore(folder, {}));
  }
  AUGSTORE_ASSIGN(trials.own, Database::Over(std::move(store)));
  const std::string& ref = trials.backbone->ref();
  AUGSTORE_TRY(trials.client().Add(RecordKind::kBackbone, ref.substr(0, ref.find('@')),
                                   Encode(trials.space())));
  return trials;
}

Result<std::string> CopyCollection(Trials& trials, const std::string& name,
                                   const std::vector<std::string>& classes,
                                   std::vector<SampleToWrite> samples, std::span<const RowId> rows,
                                   bool feature_maps) {
  AUGSTORE_CHECK(rows.size() == samples.size());
  for (size_t begin = 0; begin < samples.size(); begin += kSegmentRows) {
    const size_t count = std::min<size_t>(kSegmentRows, samples.size() - begin);
    AUGSTORE_TRY(CopyRows(trials, feature_maps, rows.subspan(begin, count),
                          std::span(samples).subspan(begin, count)));
  }
  const BeginDraftRequest begin{.collection = name,
                                .backbone = trials.space().digest,
                                .labels = {{"label", classes}},
                                .start_empty = true,
                                .source = "trials"};
  AUGSTORE_ASSIGN(const WrittenCollection written,
                  WriteCollection(trials.client(), begin, samples));
  return written.ref;
}

Result<std::string> CopyTransform(Trials& trials, const std::string& ref) {
  Client& source = trials.source->client();
  AUGSTORE_ASSIGN(const auto original, source.Get<TransformRecord>(ref));
  AUGSTORE_ASSIGN(const auto known, trials.client().List<TransformRecord>(original.name));
  for (const auto& entry : known) {
    if (entry.record.weights == original.record.weights) return entry.ref();
  }
  AUGSTORE_ASSIGN(const TransformWeights weights, source.GetWeights(original.ref()));
  AUGSTORE_ASSIGN(const uint32_t version,
                  trials.client().Add(RecordKind::kTransform, original.name,
                                      Encode(original.record), weights.ToSafetensors()));
  return original.name + "@" + std::to_string(version);
}

void AddMatrix(const Matrix& matrix, DigestBuilder* digest) {
  digest->AddU64(matrix.rows())
      .AddBytes({reinterpret_cast<const uint8_t*>(matrix.data()),
                 matrix.rows() * matrix.cols() * sizeof(float)});
}

}  // namespace augstore

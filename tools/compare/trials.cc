#include "tools/compare/trials.h"

#include <algorithm>
#include <utility>

#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "schemas/weights/quantized_rows.h"
#include "server/service.h"
#include "storage/catalog/catalog.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "storage/store/memory_store.h"
#include "storage/store/store.h"
#include "tools/cli/local_channel.h"

namespace augstore {
namespace {

class LocalTrials : public Trials {
 public:
  Status Start(std::unique_ptr<Store> store) {
    store_ = std::move(store);
    AUGSTORE_ASSIGN(catalog_, Catalog::Open(store_.get()));
    service_ = std::make_unique<Service>(catalog_.get(), ServiceOptions{});
    AUGSTORE_ASSIGN(client_, Client::Open(LocalChannels(service_.get())));
    return OkStatus();
  }
  Client& client() override { return *client_; }

 private:
  // Each uses the one above it.
  std::unique_ptr<Store> store_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Client> client_;
};

// Identified by its bytes: the row numbers of `source` mean nothing once its store is made anew.
ContentHash HashRow(std::span<const float> embedding, std::span<const uint8_t> feature_map) {
  const ContentHash hash =
      HashContent({reinterpret_cast<const uint8_t*>(embedding.data()), embedding.size_bytes()});
  if (feature_map.empty()) return hash;
  return DeriveHash(hash, {reinterpret_cast<const char*>(feature_map.data()), feature_map.size()});
}

// Gives every sample the number of its row's copy.
Status CopyRows(Client& source, Client& target, const BackboneRecord& backbone, bool feature_maps,
                std::span<SampleToWrite> samples) {
  std::vector<RowId> rows;
  for (const SampleToWrite& sample : samples) rows.push_back(sample.row);
  AppendRowsRequest request{
      .backbone = backbone.digest, .images = {}, .embeddings = {}, .feature_maps = {}};
  AUGSTORE_ASSIGN(request.embeddings, FetchRows(source, backbone, rows));
  if (feature_maps) {
    AUGSTORE_ASSIGN(const Matrix maps, FetchFeatureMaps(source, backbone, rows));
    request.feature_maps = QuantizeRows(maps.view());
  }
  const QuantizedView maps{request.feature_maps.bytes, request.feature_maps.values};
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto map = feature_maps ? maps.row(i) : std::span<const uint8_t>();
    request.images.push_back(HashRow(std::as_const(request.embeddings).row(i), map));
  }
  AUGSTORE_ASSIGN(const RowIdsReply copies, target.Call<RowIdsReply>(request));
  AUGSTORE_CHECK(copies.rows.size() == samples.size());
  for (size_t i = 0; i < rows.size(); ++i) samples[i].row = copies.rows[i];
  return OkStatus();
}

}  // namespace

Result<std::unique_ptr<Trials>> Trials::Open(const std::string& folder,
                                             const LazyBackbone& backbone) {
  std::unique_ptr<Store> store = NewMemoryStore();
  if (!folder.empty()) {
    AUGSTORE_ASSIGN(store, OpenRocksDbStore(folder, {.create = true}));
  }
  auto trials = std::make_unique<LocalTrials>();
  AUGSTORE_TRY(trials->Start(std::move(store)));
  const std::string name = backbone.ref().substr(0, backbone.ref().find('@'));
  AUGSTORE_TRY(trials->client().Add(RecordKind::kBackbone, name, Encode(backbone.record())));
  return std::unique_ptr<Trials>(std::move(trials));
}

Result<std::string> CopyCollection(Client& source, Trials& trials, const BackboneRecord& backbone,
                                   const std::string& name, const std::vector<std::string>& classes,
                                   std::vector<SampleToWrite> samples, bool feature_maps) {
  for (size_t begin = 0; begin < samples.size(); begin += kSegmentRows) {
    const size_t count = std::min<size_t>(kSegmentRows, samples.size() - begin);
    AUGSTORE_TRY(CopyRows(source, trials.client(), backbone, feature_maps,
                          std::span(samples).subspan(begin, count)));
  }
  const BeginDraftRequest begin{.collection = name,
                                .backbone = backbone.digest,
                                .labels = {{"label", classes}},
                                .replace = true,
                                .source = "trials"};
  AUGSTORE_ASSIGN(const WrittenCollection written,
                  WriteCollection(trials.client(), begin, samples));
  return written.ref;
}

Result<std::string> CopyTransform(Client& source, Trials& trials, const std::string& ref) {
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

}  // namespace augstore

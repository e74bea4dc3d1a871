#include "engine/streams/stream.h"

#include <algorithm>
#include <cmath>
#include <list>
#include <map>
#include <set>
#include <utility>

#include "engine/streams/shuffle_order.h"
#include "engine/streams/transform_choice.h"
#include "engine/streams/view_choice.h"
#include "engine/transforms/precision.h"
#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "schemas/base/thread_annotations.h"
#include "schemas/wire/batch.h"

namespace augstore {
namespace {

constexpr uint64_t kSamplesPerRead = 65536;
constexpr size_t kCachedModels = 64;
// Two wide ids and a label.
constexpr uint64_t kMostBytesOfSample = 2 * sizeof(uint64_t) + sizeof(int32_t);
// The version of the rules in this file and in stream_batch.cc. Change it whenever the bytes of a
// spec's batches change: it is part of the fingerprint that a resuming client compares.
constexpr uint64_t kStreamFormat = 4;

template <typename T, typename Name>
std::string NamesOf(const std::vector<T>& items, Name name) {
  std::string text;
  for (const T& item : items) text += (text.empty() ? "'" : ", '") + name(item) + "'";
  return text.empty() ? "none" : text;
}

std::string SplitNames(const CollectionRecord& collection) {
  return NamesOf(collection.splits, [](const SplitCount& split) { return split.name; });
}

// The index of the label column, or -1 when none is asked for and there is none.
Result<int> FindLabelColumn(const CollectionRecord& collection, const std::string& name) {
  if (name.empty()) return collection.labels.empty() ? -1 : 0;
  for (size_t i = 0; i < collection.labels.size(); ++i) {
    if (collection.labels[i].name == name) return static_cast<int>(i);
  }
  return NotFound(
      "there is no label column '{}' in this collection: it has {}", name,
      NamesOf(collection.labels, [](const LabelColumn& column) { return column.name; }));
}

Result<uint64_t> CountSamples(const CollectionRecord& collection, const std::string& split) {
  if (split.empty()) return collection.samples;
  for (const SplitCount& count : collection.splits) {
    if (count.name == split) return count.samples;
  }
  return NotFound("there is no split '{}' in this collection: it has {}", split,
                  SplitNames(collection));
}

// Adds the samples of `chunk`, whose first is number `begin`, that are in `split`.
void AddSamples(const SampleChunk& chunk, SampleId begin, const std::string& split,
                int label_column, const ViewNumbers& views, SampleTable* table) {
  const auto named = std::find(chunk.split_names.begin(), chunk.split_names.end(), split);
  if (!split.empty() && named == chunk.split_names.end()) return;
  const auto wanted = static_cast<size_t>(named - chunk.split_names.begin());
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (!split.empty() && chunk.splits[i] != wanted) continue;
    table->samples.Add(begin + i);
    table->rows.Add(chunk.rows[i]);
    for (const uint16_t view : views) {
      table->views[view].Add(chunk.views[view * chunk.size() + i]);
    }
    table->labels.push_back(label_column < 0 ? -1
                                             : chunk.labels[static_cast<size_t>(label_column)][i]);
  }
}

}  // namespace

Result<std::shared_ptr<const SampleTable>> LoadSampleTable(Catalog& catalog, MemoryBudget& memory,
                                                           const CollectionRecord& collection,
                                                           const std::string& split,
                                                           const std::string& label_column,
                                                           const ViewNumbers& views,
                                                           const Cancellation& cancellation) {
  AUGSTORE_ASSIGN(const int column, FindLabelColumn(collection, label_column));
  AUGSTORE_ASSIGN(const uint64_t count, CountSamples(collection, split));
  AUGSTORE_ASSIGN(const SpaceInfo space,
                  catalog.store()->FindSpace(collection.backbone, collection.dtype));
  auto table = std::make_shared<SampleTable>();
  if (!views.empty()) table->views.resize(CountViews(collection.views));
  const uint64_t most = count * (kMostBytesOfSample + views.size() * sizeof(RowId));
  AUGSTORE_ASSIGN(MemoryBudget::Share share, memory.TakeNow(most, "a sample table"));
  table->space = space.id;
  table->dim = collection.dim;
  table->dtype = collection.dtype;
  if (column >= 0) table->classes = collection.labels[static_cast<size_t>(column)].classes;
  table->samples.Reserve(count);
  table->rows.Reserve(count);
  for (const uint16_t view : views) table->views[view].Reserve(count);
  table->labels.reserve(count);
  for (SampleId begin = 0; begin < collection.samples;) {
    AUGSTORE_TRY(cancellation.Check());
    AUGSTORE_ASSIGN(const SampleChunk chunk,
                    catalog.GetSamples(collection, begin, kSamplesPerRead));
    if (chunk.size() == 0) break;
    AddSamples(chunk, begin, split, column, views, table.get());
    begin += chunk.size();
  }
  if (table->samples.size() != count) {
    return DataLoss(
        "a sample list holds {} samples of split '{}' where its collection has {}: run `augstore "
        "verify`",
        table->samples.size(), split, count);
  }
  uint64_t bytes = table->samples.bytes() + table->rows.bytes() + count * sizeof(int32_t);
  for (const IdList& rows : table->views) bytes += rows.bytes();
  share.ShrinkTo(std::min(most, bytes));
  return WithShare(std::shared_ptr<const SampleTable>(std::move(table)), std::move(share));
}

struct ModelCache::State {
  Catalog* catalog;
  MemoryBudget* memory;
  Mutex mutex;
  std::map<RecordKey, std::weak_ptr<const TransformModel>> known AUGSTORE_GUARDED_BY(mutex);
  // The last used first.
  std::list<std::pair<RecordKey, TransformModelPtr>> recent AUGSTORE_GUARDED_BY(mutex);

  // The transform of `key` if it is alive; it becomes the last used.
  TransformModelPtr Find(const RecordKey& key) AUGSTORE_REQUIRES(mutex) {
    const auto found = known.find(key);
    TransformModelPtr model = found == known.end() ? nullptr : found->second.lock();
    if (model != nullptr) Touch(key, model);
    return model;
  }

  void Touch(const RecordKey& key, const TransformModelPtr& model) AUGSTORE_REQUIRES(mutex) {
    recent.remove_if([&](const auto& item) { return item.first == key; });
    recent.emplace_front(key, model);
    if (recent.size() > kCachedModels) recent.pop_back();
  }
};

ModelCache::ModelCache(Catalog* catalog, MemoryBudget* memory) : state_(std::make_unique<State>()) {
  state_->catalog = catalog;
  state_->memory = memory;
}
ModelCache::~ModelCache() = default;

MemoryBudget& ModelCache::memory() { return *state_->memory; }

bool ModelCache::DropOldest() {
  TransformModelPtr dropped;  // goes without the lock, as it returns its memory
  const MutexLock lock(state_->mutex);
  if (state_->recent.empty()) return false;
  dropped = std::move(state_->recent.back().second);
  state_->recent.pop_back();
  return true;
}

Result<TransformModelPtr> ModelCache::Get(const RecordKey& key) {
  {
    const MutexLock lock(state_->mutex);
    if (TransformModelPtr model = state_->Find(key)) return model;
  }
  AUGSTORE_ASSIGN(TransformWeights weights, state_->catalog->GetWeights(key));
  AUGSTORE_ASSIGN(TransformModelPtr loaded, MakeTransformModel(std::move(weights), state_->memory));
  const MutexLock lock(state_->mutex);
  if (TransformModelPtr model = state_->Find(key)) return model;
  std::erase_if(state_->known, [](const auto& item) { return item.second.expired(); });
  state_->known[key] = loaded;
  state_->Touch(key, loaded);
  return loaded;
}

Result<PinnedChain> ResolveChain(Catalog& catalog, ModelCache& models, const Digest& backbone,
                                 const ChainRef& chain, Precision precision) {
  if (chain.steps.size() > kMaxChainLength) {
    return InvalidArgument("chain '{}' has {} transforms: use at most {}", chain.ToString(),
                           chain.steps.size(), kMaxChainLength);
  }
  PinnedChain pinned;
  ChainRef versions;
  AUGSTORE_ASSIGN(versions.view, CanonicalView(chain.view));
  for (const ChainStep& asked : chain.steps) {
    AUGSTORE_ASSIGN(const Versioned<TransformRecord> transform,
                    ChooseTransform(catalog, asked.transform, backbone));
    AUGSTORE_ASSIGN(TransformModelPtr model,
                    models.Get({RecordKind::kTransform, transform.name, transform.version}));
    AUGSTORE_TRY(CheckPrecision(precision, transform.ref(), *model, transform.record.card));
    std::optional<OpPattern> pattern;
    if (!asked.ops.empty()) {
      AUGSTORE_ASSIGN(pattern, OpPattern::Parse(asked.ops));
    }
    // Canonical, so that equal chains have equal texts.
    const std::string ops = pattern.has_value() ? pattern->ToString() : "";
    AUGSTORE_ASSIGN(TransformStep step, MakeStep(transform.ref(), std::move(model),
                                                 std::move(pattern), asked.with_noise));
    pinned.steps.push_back(std::move(step));
    pinned.weights.push_back(transform.record.weights);
    versions.steps.push_back({{transform.name, transform.version, ""}, ops, asked.with_noise});
  }
  AUGSTORE_TRY(CheckFeatureMapsComeFirst(pinned.steps).WithContext(chain.ToString()));
  if (chain.view.has_value() && ReadsFeatureMap(pinned.steps)) {
    return InvalidArgument(
        "{}: a spatial transform reads the feature map of the image, which views do not have",
        chain.ToString());
  }
  pinned.view = versions.view;
  pinned.text = versions.ToString();
  return pinned;
}

namespace {

Status CheckSizes(const StreamSpec& spec) {
  if (spec.batch_size == 0 || spec.batch_size > kMaxBatchRows) {
    return InvalidArgument("batch_size {} is not in 1 .. {}", spec.batch_size, kMaxBatchRows);
  }
  if (spec.world_size == 0 || spec.world_size > kMaxWorldSize) {
    return InvalidArgument("world_size {} is not in 1 .. {}", spec.world_size, kMaxWorldSize);
  }
  if (spec.rank >= spec.world_size) {
    return InvalidArgument("rank {} is not below world_size {}", spec.rank, spec.world_size);
  }
  return OkStatus();
}

// A short text may ask for many ops of a conditional transform, each a matrix of its own.
Status CheckNetworkBytes(const std::vector<ResolvedChain>& chains) {
  std::set<const Network*> counted;
  uint64_t bytes = 0;
  for (const ResolvedChain& chain : chains) {
    for (const TransformStep& step : chain.steps) {
      for (const OpLayer& layer : step.op_layers) {
        if (!counted.insert(layer.network.get()).second) continue;
        bytes += layer.network->layers.MultiplyAdds() * sizeof(float);
      }
    }
  }
  if (bytes <= kMaxPolicyNetworkBytes) return OkStatus();
  return ResourceExhausted(
      "the ops of this policy need {} MiB of affine maps: at most {} MiB are possible; ask for "
      "fewer "
      "different ops",
      bytes >> 20, kMaxPolicyNetworkBytes >> 20);
}

// Sets chains, the pinned policy and the transforms' digests.
Status ResolvePolicy(Catalog& catalog, ModelCache& models,
                     const Versioned<CollectionRecord>& collection, Stream* stream) {
  AUGSTORE_ASSIGN(const PolicySpec policy, ParsePolicy(stream->info.spec.policy));
  if (policy.entries.size() > kMaxChains) {
    return InvalidArgument("a policy of {} chains: use at most {}", policy.entries.size(),
                           kMaxChains);
  }
  PolicySpec pinned;
  for (const PolicyEntry& entry : policy.entries) {
    AUGSTORE_ASSIGN(PinnedChain chain, ResolveChain(catalog, models, collection.record.backbone,
                                                    entry.chain, stream->info.spec.precision));
    const auto same = std::find(stream->info.chains.begin(), stream->info.chains.end(), chain.text);
    if (same != stream->info.chains.end()) {
      pinned.entries[static_cast<size_t>(same - stream->info.chains.begin())].weight +=
          entry.weight;
      continue;
    }
    AUGSTORE_ASSIGN(ChainRef reference, ParseChain(chain.text));
    pinned.entries.push_back({std::move(reference), entry.weight});
    stream->info.chains.push_back(chain.text);
    for (const Digest& digest : chain.weights) {
      auto& all = stream->info.transforms;
      if (std::find(all.begin(), all.end(), digest) == all.end()) all.push_back(digest);
    }
    AUGSTORE_ASSIGN(std::vector<uint16_t> views, ViewsOf(collection, chain.view));
    stream->chains.push_back({std::move(chain.text), std::move(chain.steps), std::move(views), 0});
    AUGSTORE_TRY(CheckNetworkBytes(stream->chains));
  }
  double total = 0;
  for (const PolicyEntry& entry : pinned.entries) total += entry.weight;
  if (!std::isfinite(total)) {
    return InvalidArgument("the weights of policy '{}' add up to infinity: use smaller ones",
                           stream->info.spec.policy);
  }
  stream->info.spec.policy = pinned.ToString();
  double sum = 0;
  for (size_t i = 0; i < stream->chains.size(); ++i) {
    sum += pinned.entries[i].weight;
    const double threshold = std::ldexp(sum / total, 64);
    stream->chains[i].threshold =
        threshold < 0x1p64 ? static_cast<uint64_t>(threshold) : UINT64_MAX;
  }
  stream->chains.back().threshold = UINT64_MAX;
  return OkStatus();
}

Status CountSteps(StreamReply* info) {
  const StreamSpec& spec = info->spec;
  const uint64_t batch = spec.batch_size;
  const uint64_t world = spec.world_size;
  uint64_t total = (info->samples + batch - 1) / batch;
  if (spec.drop_last) {
    total = info->samples / batch / world * world;
    if (total == 0) {
      return InvalidArgument(
          "drop_last leaves no batch: {} samples are fewer than {} ranks of {} each; use a smaller "
          "batch_size, or keep the "
          "last batches",
          info->samples, world, batch);
    }
  }
  info->steps = total > spec.rank ? (total - spec.rank + world - 1) / world : 0;
  return OkStatus();
}

Digest Fingerprint(const StreamReply& info) {
  const StreamSpec& spec = info.spec;
  DigestBuilder builder;
  builder.AddText("augstore stream").AddU64(kStreamFormat);
  builder.AddText(spec.collection).AddBytes(info.collection_digest.bytes);
  builder.AddText(spec.split).AddText(spec.label_column).AddText(spec.policy);
  builder.AddU64(info.transforms.size());
  for (const Digest& transform : info.transforms) builder.AddBytes(transform.bytes);
  builder.AddU64(spec.seed).AddU64(spec.batch_size).AddU64(spec.world_size);
  builder.AddU64(spec.shuffle)
      .AddU64(spec.drop_last)
      .AddU64(spec.shuffle_window)
      .AddU64(static_cast<uint64_t>(spec.dtype))
      .AddU64(static_cast<uint64_t>(spec.precision))
      .AddU64(info.dim)
      .AddU64(info.samples);
  return builder.Finish();
}

}  // namespace

Result<std::shared_ptr<const Stream>> ResolveStream(Catalog& catalog, ModelCache& models,
                                                    const StreamSpec& spec,
                                                    const Cancellation& cancellation) {
  AUGSTORE_TRY(CheckSizes(spec));
  AUGSTORE_ASSIGN(const Versioned<CollectionRecord> collection,
                  catalog.Get<CollectionRecord>(spec.collection));
  AUGSTORE_TRY(CheckBatchSize(spec.batch_size, collection.record.dim));
  auto stream = std::make_shared<Stream>();
  StreamReply& info = stream->info;
  info.spec = spec;
  info.spec.collection = collection.ref();
  info.collection_digest = collection.record.digest;
  info.dim = collection.record.dim;
  AUGSTORE_TRY(ResolvePolicy(catalog, models, collection, stream.get()));
  const auto column = FindLabelColumn(collection.record, spec.label_column);
  AUGSTORE_TRY(column.ok() ? OkStatus() : column.status().WithContext(collection.ref()));
  if (column.value() >= 0) {
    info.spec.label_column = collection.record.labels[static_cast<size_t>(column.value())].name;
  }
  const auto table = LoadSampleTable(catalog, models.memory(), collection.record, spec.split,
                                     spec.label_column, ViewsOf(*stream), cancellation);
  AUGSTORE_TRY(table.ok() ? OkStatus() : table.status().WithContext(collection.ref()));
  stream->table = table.value();
  AUGSTORE_TRY(CheckHasViews(*stream->table, ViewsOf(*stream), spec.split, cancellation)
                   .WithContext(collection.ref()));
  info.classes = stream->table->classes;
  info.samples = stream->table->samples.size();
  if (info.samples == 0) {
    return InvalidArgument("{} has no samples in split '{}': it has {}", collection.ref(),
                           spec.split, SplitNames(collection.record));
  }
  // Equal orders have equal fingerprints.
  info.spec.shuffle_window =
      spec.shuffle ? WholeWindow(info.samples, spec.shuffle_window) : uint64_t{0};
  AUGSTORE_TRY(CountSteps(&info));
  info.fingerprint = Fingerprint(info);
  return std::shared_ptr<const Stream>(std::move(stream));
}

}  // namespace augstore

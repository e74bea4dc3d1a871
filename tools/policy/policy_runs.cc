#include "tools/policy/policy_runs.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/kernels/tile_engine.h"
#include "engine/math/counter_rng.h"
#include "tools/head/head_predictor.h"

namespace augstore {
namespace {

constexpr uint32_t kReadRows = 4096;

}  // namespace

HoldoutIndex IndexHoldout(const std::vector<SampleId>& samples, const std::vector<int32_t>& labels,
                          double fraction, uint64_t seed) {
  std::map<int32_t, std::vector<std::pair<uint64_t, SampleId>>> classes;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (labels[i] < 0) continue;
    classes[labels[i]].emplace_back(PhiloxU64(seed, RngUse::kSplit, samples[i], 0), samples[i]);
  }
  HoldoutIndex held_out;
  for (auto& [label, draws] : classes) {
    if (draws.size() < 2) continue;
    std::ranges::sort(draws);
    const auto wanted =
        static_cast<size_t>(std::llround(fraction * static_cast<double>(draws.size())));
    const size_t count = std::clamp<size_t>(wanted, 1, draws.size() - 1);
    for (size_t i = 0; i < count; ++i) held_out.emplace(draws[i].second, held_out.size());
  }
  return held_out;
}

std::unique_ptr<BatchSource> WithoutHeldOut(std::unique_ptr<BatchStream> stream,
                                            const HoldoutIndex* held_out,
                                            std::function<void(uint64_t)> on_rows) {
  auto hide = [held_out, on_rows = std::move(on_rows),
               labels = std::vector<int32_t>()](Batch batch) mutable -> Result<Batch> {
    labels.assign(batch.labels.begin(), batch.labels.end());
    for (size_t i = 0; i < labels.size(); ++i) {
      if (held_out->contains(batch.samples[i])) labels[i] = -1;
    }
    batch.labels = labels;
    on_rows(batch.size());
    return batch;
  };
  return StreamSource(std::move(stream), std::move(hide));
}

PolicyRuns::PolicyRuns(Client* client, PolicyRunsOptions options)
    : client_(client), options_(std::move(options)), engine_(NewTileEngine()) {}

Result<std::unique_ptr<PolicyRuns>> PolicyRuns::Open(Client* client,
                                                     const PolicyRunsOptions& options) {
  std::unique_ptr<PolicyRuns> runs(new PolicyRuns(client, options));
  AUGSTORE_TRY(runs->ChooseSamples());
  for (uint32_t view = 0; view < options.validation_views; ++view)
    AUGSTORE_TRY(runs->LoadView(view));
  return runs;
}

Status PolicyRuns::ChooseSamples() {
  const bool own_split = !options_.validation_split.empty();
  StreamSpec spec = options_.spec;
  spec.policy = "identity";
  AUGSTORE_ASSIGN(const StreamReply training, client_->Call<StreamReply>(OpenStreamRequest{spec}));
  split_samples_ = training.samples;
  if (training.classes.size() < 2) {
    return FailedPrecondition(
        "{} has {} classes: a classifier needs at least 2; ingest the images with labels, or name "
        "another --label-column",
        training.spec.collection, training.classes.size());
  }
  options_.trainer.dim = training.dim;
  options_.trainer.classes = static_cast<uint32_t>(training.classes.size());
  options_.spec.collection = training.spec.collection;

  UseValidation(&spec);
  spec.batch_size = kReadRows;
  spec.shuffle = false;
  AUGSTORE_ASSIGN(const std::unique_ptr<BatchStream> stream, client_->OpenStream(spec));
  std::vector<SampleId> samples;
  std::vector<int32_t> labels;
  for (const Result<Batch>& batch : stream->Epoch(0)) {
    if (!batch.ok()) return batch.status();
    samples.insert(samples.end(), batch->samples.begin(), batch->samples.end());
    labels.insert(labels.end(), batch->labels.begin(), batch->labels.end());
  }
  if (own_split) {
    for (size_t i = 0; i < samples.size(); ++i) {
      if (labels[i] >= 0) held_out_.emplace(samples[i], held_out_.size());
    }
  } else {
    held_out_ = IndexHoldout(samples, labels, options_.fraction, options_.seed);
  }
  if (held_out_.size() < 2) {
    return FailedPrecondition(
        "{} of the {} samples of split '{}' of {} can serve for validation: choose a split or a "
        "label "
        "column with more labels",
        held_out_.size(), samples.size(), spec.split, training.spec.collection);
  }
  return OkStatus();
}

void PolicyRuns::UseValidation(StreamSpec* spec) const {
  if (!options_.validation_split.empty()) spec->split = options_.validation_split;
  if (!options_.validation_collection.empty()) spec->collection = options_.validation_collection;
}

Status PolicyRuns::LoadView(uint32_t view) {
  StreamSpec spec = options_.spec;
  UseValidation(&spec);
  spec.policy = options_.validation_policy;
  spec.seed = options_.seed;
  spec.batch_size = kReadRows;
  spec.shuffle = false;
  AUGSTORE_ASSIGN(const std::unique_ptr<BatchStream> stream, client_->OpenStream(spec));
  Matrix embeddings(held_out_.size(), options_.trainer.dim);
  labels_.assign(held_out_.size(), -1);
  for (const Result<Batch>& batch : stream->Epoch(view)) {
    if (!batch.ok()) return batch.status();
    for (size_t i = 0; i < batch->size(); ++i) {
      const auto found = held_out_.find(batch->samples[i]);
      if (found == held_out_.end()) continue;
      std::ranges::copy(batch->embeddings.row(i), embeddings.row(found->second).begin());
      labels_[found->second] = batch->labels[i];
    }
  }
  if (std::ranges::any_of(labels_, [](int32_t label) { return label < 0; })) {
    return Internal("a stream of {} left out samples that it had before", spec.collection);
  }
  views_.push_back(std::move(embeddings));
  return OkStatus();
}

Status PolicyRuns::Score(Layers head, std::span<float> hits) {
  AUGSTORE_ASSIGN(const NetworkPtr network, MakeNetwork(std::move(head)));
  std::ranges::fill(hits, 0.0f);
  for (const Matrix& view : views_) {
    for (size_t begin = 0; begin < labels_.size(); begin += kReadRows) {
      const size_t count = std::min<size_t>(kReadRows, labels_.size() - begin);
      Matrix logits(count, options_.trainer.classes);
      AUGSTORE_TRY(engine_->Apply(network, view.view().Slice(begin, count), logits.view()));
      for (size_t i = 0; i < count; ++i) {
        const auto row = logits.row(i);
        if (std::ranges::max_element(row) - row.begin() == labels_[begin + i])
          hits[begin + i] += 1.0f / static_cast<float>(views_.size());
      }
    }
  }
  return OkStatus();
}

Result<std::vector<Matrix>> PolicyRuns::Train(const PolicyTrainRequest& request,
                                              const std::function<void(uint64_t)>& on_rows) {
  std::vector<Matrix> hits;
  for (size_t i = 0; i < options_.learning_rates.size(); ++i)
    hits.emplace_back(request.seeds, labels_.size());
  const uint64_t heads = options_.learning_rates.size();
  // Samples of another collection have numbers of their own.
  const bool apart = !options_.validation_collection.empty();
  const HoldoutIndex none;
  HeadRunsOptions runs{.trainer = options_.trainer,
                       .epochs = request.epochs,
                       .test_every = 0,
                       .show_progress = false,
                       .label = ""};
  for (uint32_t s = 0; s < request.seeds; ++s) {
    StreamSpec spec = options_.spec;
    spec.policy = request.candidate->policy;
    if (!request.candidate->collection.empty()) spec.collection = request.candidate->collection;
    spec.seed = request.first_seed + s;
    AUGSTORE_ASSIGN(runs.trainer.heads,
                    HeadGrid(options_.learning_rates, {options_.weight_decay}, {spec.seed}, 0));
    AUGSTORE_ASSIGN(std::unique_ptr<BatchStream> stream, client_->OpenStream(spec));
    const auto source = WithoutHeldOut(std::move(stream), apart ? &none : &held_out_,
                                       [&](uint64_t rows) { on_rows(rows * heads); });
    AUGSTORE_ASSIGN(HeadRunsReport report, TrainHeads(*source, {}, runs, {}));
    for (size_t h = 0; h < heads; ++h)
      AUGSTORE_TRY(Score(std::move(report.heads[h]), hits[h].row(s)));
  }
  return hits;
}

}  // namespace augstore

// Training heads for a policy search on one part of a split and testing them on the rest of it.
#ifndef AUGSTORE_TOOLS_POLICY_POLICY_RUNS_H_
#define AUGSTORE_TOOLS_POLICY_POLICY_RUNS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/client.h"
#include "engine/heads/head_trainer.h"
#include "engine/kernels/engine.h"
#include "tools/head/head_runs.h"
#include "tools/policy/policy_search.h"

namespace augstore {

// The position of each held-out sample among all of them.
using HoldoutIndex = std::unordered_map<SampleId, size_t>;

// Holds out `fraction` of the samples of each class, rounded: the samples with the lowest draws of
// (seed, RngUse::kSplit, sample), so that adding other samples does not move them. Of a class with
// two or more samples at least one is held out and one is not; samples without a label are not held
// out.
HoldoutIndex IndexHoldout(const std::vector<SampleId>& samples, const std::vector<int32_t>& labels,
                          double fraction, uint64_t seed);

// The batches of `stream`, with label -1 for held-out samples, which HeadTrainer leaves out.
// `on_rows` is called with the rows of each batch.
std::unique_ptr<BatchSource> WithoutHeldOut(std::unique_ptr<BatchStream> stream,
                                            const HoldoutIndex* held_out,
                                            std::function<void(uint64_t)> on_rows);

struct PolicyRunsOptions {
  StreamSpec spec;             // of training; policy and seed are filled in
  HeadTrainerOptions trainer;  // arch and optimizer; the rest is filled in
  std::vector<double> learning_rates;
  double weight_decay = 1e-4;
  uint64_t seed = 0;             // of the held-out part
  double fraction = 0.2;         // held out of spec.split
  std::string validation_split;  // validate on this one instead
  // The collection of that split, all of whose samples are for validation; empty: spec.collection.
  std::string validation_collection;
  std::string validation_policy = "identity";  // how validation samples are shown
  uint32_t validation_views = 1;               // with draws of their own
};

// Thread safety: none.
class PolicyRuns {
 public:
  // Reads the validation embeddings. Errors: kFailedPrecondition (no labels, one class), those of
  // OpenStream.
  static Result<std::unique_ptr<PolicyRuns>> Open(Client* client, const PolicyRunsOptions& options);

  // The TrainPolicy of SearchPolicies. Each seed is one pass over the stream with that seed, in
  // which the heads of all learning rates train: seeds differ in initial weights, order and draws,
  // and their spread is that of training again. `on_rows` is called with rows x heads. Errors:
  // kUnavailable "interrupted" after Ctrl-C, those of OpenStream and TrainHeads.
  Result<std::vector<Matrix>> Train(const PolicyTrainRequest& request,
                                    const std::function<void(uint64_t)>& on_rows);

  uint64_t split_samples() const { return split_samples_; }
  size_t validation_samples() const { return labels_.size(); }

 private:
  PolicyRuns(Client* client, PolicyRunsOptions options);
  Status ChooseSamples();
  void UseValidation(StreamSpec* spec) const;
  Status LoadView(uint32_t view);
  // Sets `hits` to the part of the views of each validation sample in which the head is right.
  Status Score(Layers head, std::span<float> hits);

  Client* client_;
  PolicyRunsOptions options_;
  uint64_t split_samples_ = 0;
  HoldoutIndex held_out_;
  std::vector<int32_t> labels_;  // of the validation samples
  std::vector<Matrix> views_;    // their embeddings
  std::unique_ptr<Engine> engine_;
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_POLICY_POLICY_RUNS_H_

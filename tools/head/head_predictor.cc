#include "tools/head/head_predictor.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/kernels/tile_engine.h"
#include "tools/cli/record_text.h"
#include "tools/collection/proven_transform.h"

namespace augstore {
namespace {

Result<TransformStep> LoadStep(Client& client, const LoadedHead& head, const ChainStep& asked,
                               ChainStep* pinned) {
  AUGSTORE_ASSIGN(const auto transform,
                  GetTransform(client, asked.transform.ToString(), head.record.backbone));
  if (transform.record.backbone != head.record.backbone) {
    return FailedPrecondition(
        "transform {} is for backbone {}, and head {} was trained on embeddings of backbone {}: "
        "use transforms of the head's backbone",
        transform.ref(), BackboneName(client, transform.record.backbone), head.ref,
        BackboneName(client, head.record.backbone));
  }
  AUGSTORE_ASSIGN(TransformWeights weights, client.GetWeights(transform.ref()));
  AUGSTORE_ASSIGN(TransformModelPtr model, MakeTransformModel(std::move(weights)));
  std::optional<OpPattern> ops;
  if (!asked.ops.empty()) {
    AUGSTORE_ASSIGN(ops, OpPattern::Parse(asked.ops));
  }
  *pinned = {{transform.name, transform.version, ""}, ops ? ops->ToString() : "", asked.with_noise};
  return MakeStep(transform.ref(), std::move(model), std::move(ops), asked.with_noise);
}

bool Draws(const TransformStep& step) {
  return step.with_noise || (step.ops.has_value() && !step.ops->fixed());
}

}  // namespace

Result<LoadedHead> LoadHead(Client& client, const std::string& ref) {
  AUGSTORE_ASSIGN(const auto head, client.Get<HeadRecord>(ref));
  AUGSTORE_ASSIGN(Layers layers, client.GetLayers(head.ref()));
  if (layers.dim_in() != head.record.dim || layers.dim_out() != head.record.classes.size()) {
    return DataLoss(
        "head {} maps {} to {} values, and its record says {} to {} classes: run `augstore verify`",
        head.ref(), layers.dim_in(), layers.dim_out(), head.record.dim, head.record.classes.size());
  }
  AUGSTORE_ASSIGN(NetworkPtr network, MakeNetwork(std::move(layers)));
  return LoadedHead{head.ref(), head.record, std::move(network)};
}

Status CheckBackbone(Client& client, const LoadedHead& head, const Digest& backbone,
                     const std::string& what) {
  if (head.record.backbone == backbone) return OkStatus();
  return FailedPrecondition(
      "head {} was trained on embeddings of backbone {}, and {} has those of backbone {}: use "
      "embeddings of the head's backbone, or train a head for this one",
      head.ref, BackboneName(client, head.record.backbone), what, BackboneName(client, backbone));
}

Status CheckSplit(const Client::Versioned<CollectionRecord>& collection, const std::string& flag,
                  const std::string& split) {
  std::vector<std::string> names;
  for (const SplitCount& known : collection.record.splits) {
    if (split.empty() || known.name == split) return OkStatus();
    names.push_back(known.name);
  }
  return NotFound("{}: collection {} has no split '{}'; it has: {}", flag, collection.ref(), split,
                  ListText(names, "none"));
}

void Softmax(MatrixView p) {
  for (size_t i = 0; i < p.rows; ++i) {
    const auto row = p.row(i);
    if (row.empty()) continue;
    const double max = *std::ranges::max_element(row);
    double sum = 0;
    for (const float value : row) sum += std::exp(value - max);
    for (float& value : row) value = static_cast<float>(std::exp(value - max) / sum);
  }
}

void AddTestTimeFlags(Command* command, TestTimeFlags* flags) {
  command->AddFlag("--tta", &flags->policy,
                   "Test-time augmentation: average over the views of this policy, such as "
                   "identity:2,hflip:1; 'trained': the policy that the head was trained with");
  command
      ->AddFlag("--tta-draws", &flags->draws, "Views of each chain that draws magnitudes or errors")
      .Range(1u, 1024u);
  command->AddFlag("--tta-seed", &flags->seed, "Seed of those draws");
}

HeadPredictor::HeadPredictor(const LoadedHead& head) : head_(head), engine_(NewTileEngine()) {}

Result<std::unique_ptr<HeadPredictor>> HeadPredictor::Open(Client& client, const LoadedHead& head,
                                                           const TestTimeFlags& flags) {
  std::unique_ptr<HeadPredictor> predictor(new HeadPredictor(head));
  predictor->seed_ = flags.seed;
  if (flags.policy.empty()) {
    predictor->chains_.emplace_back();
    return predictor;
  }
  const std::string text =
      flags.policy == "trained" ? head.record.lineage.stream.policy : flags.policy;
  AUGSTORE_ASSIGN(const PolicySpec policy, ParsePolicy(text));
  PolicySpec pinned;
  for (const PolicyEntry& entry : policy.entries) {
    AUGSTORE_TRY(predictor->AddChain(client, entry, flags, &pinned));
  }
  double total = 0;
  for (const Chain& chain : predictor->chains_) total += chain.weight;
  if (!std::isfinite(total)) {
    return InvalidArgument("the weights of policy '{}' add up to infinity: use smaller ones", text);
  }
  for (Chain& chain : predictor->chains_) chain.weight /= total * chain.draws;
  predictor->policy_ = pinned.ToString();
  return predictor;
}

Status HeadPredictor::AddChain(Client& client, const PolicyEntry& entry, const TestTimeFlags& flags,
                               PolicySpec* pinned) {
  if (entry.chain.view.has_value()) {
    return InvalidArgument(
        "'{}' reads stored views, which a prediction does not: name a --tta policy of transforms",
        entry.chain.ToString());
  }
  Chain chain;
  chain.weight = entry.weight;
  ChainRef versions;
  for (const ChainStep& asked : entry.chain.steps) {
    ChainStep& version = versions.steps.emplace_back();
    AUGSTORE_ASSIGN(TransformStep step, LoadStep(client, head_, asked, &version));
    if (Draws(step)) chain.draws = flags.draws;
    chain.steps.push_back(std::move(step));
  }
  if (ReadsFeatureMap(chain.steps)) {
    return InvalidArgument(
        "transform {} reads feature maps, which a prediction does not: name a --tta policy of "
        "transforms that read the embedding alone",
        versions.steps.front().transform.ToString());
  }
  pinned->entries.push_back({std::move(versions), entry.weight});
  chains_.push_back(std::move(chain));
  return OkStatus();
}

size_t HeadPredictor::views() const {
  size_t views = 0;
  for (const Chain& chain : chains_) views += chain.draws;
  return views;
}

Status HeadPredictor::Predict(ConstMatrixView z, std::span<const SampleId> ids, MatrixView p) {
  Matrix view(z.rows, z.cols);
  Matrix own(z.rows, p.cols);
  std::fill_n(p.data, p.rows * p.cols, 0.0f);
  for (const Chain& chain : chains_) {
    for (uint64_t draw = 0; draw < chain.draws; ++draw) {
      AUGSTORE_TRY(
          ApplyChain(*engine_, chain.steps, {seed_, draw, ids}, {z}, view.view(), &scratch_));
      AUGSTORE_TRY(engine_->Apply(head_.network, std::as_const(view).view(), own.view()));
      Softmax(own.view());
      const auto weight = static_cast<float>(chain.weight);
      for (size_t i = 0; i < p.rows * p.cols; ++i) p.data[i] += weight * own.data()[i];
    }
  }
  return OkStatus();
}

}  // namespace augstore

// augstore head ls | show | eval
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "schemas/base/names.h"
#include "tools/cli/delete_command.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/cli/table.h"
#include "tools/head/head_predictor.h"

namespace augstore {
namespace {

using NamedHead = Versioned<HeadRecord>;

struct ReadFlags {
  CommonFlags common;
  std::string ref;
};

Json HeadJson(const NamedHead& head) {
  const HeadRecord& record = head.record;
  const HeadLineage& lineage = record.lineage;
  const StreamSpec& stream = lineage.stream;
  const bool tested = record.test_samples > 0;
  Json transforms = Json::array();
  for (const Digest& digest : lineage.transforms) transforms.push_back(digest.Hex());
  return {{"ref", head.ref()},
          {"name", head.name},
          {"version", head.version},
          {"arch", record.arch},
          {"dim", record.dim},
          {"classes", record.classes},
          {"layers", LayersJson(record.layers)},
          {"backbone", record.backbone.Hex()},
          {"weights", record.weights.Hex()},
          {"train_loss", record.train_loss},
          {"test_accuracy", NumberOrNull(tested, record.test_accuracy)},
          {"test_loss", NumberOrNull(tested, record.test_loss)},
          {"test_split", record.test_split},
          {"test_samples", record.test_samples},
          {"lineage",
           {{"collection", stream.collection},
            {"collection_digest", lineage.collection_digest.Hex()},
            {"split", stream.split},
            {"policy", stream.policy},
            {"transforms", transforms},
            {"label_column", stream.label_column},
            {"seed", lineage.seed},
            {"stream_seed", stream.seed},
            {"epochs", lineage.epochs},
            {"batch_size", stream.batch_size},
            {"optimizer", lineage.optimizer},
            {"lr", lineage.learning_rate},
            {"weight_decay", lineage.weight_decay},
            {"init", lineage.init},
            {"shuffle_window", stream.shuffle_window},
            {"dtype", DtypeName(stream.dtype)},
            {"precision", PrecisionName(stream.precision)}}},
          {"created_unix_s", record.created_unix_s}};
}

Status List(const ReadFlags& flags, Client& client) {
  if (!flags.ref.empty()) {
    AUGSTORE_TRY(ValidateName(flags.ref));
    AUGSTORE_TRY(client.Get<HeadRecord>(flags.ref));
  }
  AUGSTORE_ASSIGN(const auto heads, client.List<HeadRecord>(flags.ref));
  Table table({"head", "arch", "collection", "split", "policy", "lr", "seed", "accuracy",
               "tested on", "loss", "train loss"});
  Json list = Json::array();
  for (const NamedHead& head : heads) {
    const HeadRecord& record = head.record;
    const HeadLineage& lineage = record.lineage;
    const StreamSpec& stream = lineage.stream;
    const bool tested = record.test_samples > 0;
    table.Row({head.ref(), record.arch, stream.collection, stream.split, stream.policy,
               fmt::format("{:g}", lineage.learning_rate), std::to_string(lineage.seed),
               tested ? Percent(record.test_accuracy) : "-", tested ? record.test_split : "-",
               tested ? Decimal(record.test_loss) : "-", Decimal(record.train_loss)});
    list.push_back(HeadJson(head));
  }
  Emit(flags.common, {{"heads", list}},
       heads.empty() ? "no heads: `augstore head train` or `head fit` makes one\n"
                     : table.ToString());
  return OkStatus();
}

std::string HeadText(Client& client, const NamedHead& head) {
  const HeadRecord& record = head.record;
  const HeadLineage& lineage = record.lineage;
  const StreamSpec& stream = lineage.stream;
  std::string text =
      fmt::format("{}\n  arch        {} ({})\n  classes     {}\n  collection  {} (digest {})\n",
                  head.ref(), record.arch, LayersText(record.layers), record.classes.size(),
                  stream.collection, lineage.collection_digest.Hex());
  text += fmt::format("  split       {}, labels {}\n  policy      {}\n",
                      stream.split.empty() ? "all samples" : stream.split,
                      stream.label_column.empty() ? "of the first column" : stream.label_column,
                      stream.policy);
  text += fmt::format(
      "  training    {} epochs, batch size {}, {}, lr {}, weight decay {}, seed {}, stream seed "
      "{}\n",
      lineage.epochs, stream.batch_size, lineage.optimizer, lineage.learning_rate,
      lineage.weight_decay, lineage.seed, stream.seed);
  if (stream.dtype != Dtype::kF32 || stream.precision != Precision::kF32) {
    text += fmt::format("  stream      sent in {}, transforms in {}\n", DtypeName(stream.dtype),
                        PrecisionName(stream.precision));
  }
  if (!lineage.init.empty()) text += fmt::format("  started from {}\n", lineage.init);
  text += fmt::format("  train loss  {:.4f}\n", record.train_loss);
  if (record.test_samples > 0) {
    text += fmt::format("  test        accuracy {}, loss {:.4f} on {} samples of {}\n",
                        Percent(record.test_accuracy), record.test_loss, record.test_samples,
                        record.test_split);
  } else {
    text += fmt::format("  test        none\n");
  }
  text += fmt::format("  backbone    {}\n  weights     {}\n  created     {} UTC\n",
                      BackboneName(client, record.backbone), record.weights.Hex(),
                      UtcText(record.created_unix_s));
  return text;
}

Status Show(const ReadFlags& flags, Client& client) {
  AUGSTORE_ASSIGN(const NamedHead head, client.Get<HeadRecord>(flags.ref));
  Emit(flags.common, HeadJson(head), HeadText(client, head));
  return OkStatus();
}

struct EvalFlags {
  CommonFlags common;
  std::string ref;
  StreamSpec spec;
  TestTimeFlags tta;
};

// How a head does on the samples of a stream, class by class.
class Evaluation {
 public:
  // Classes are matched by name: another collection may number them differently.
  Evaluation(const LoadedHead& head, const StreamReply& info) : head_(head), info_(info) {
    const auto& known = head.record.classes;
    for (const std::string& name : info.classes) {
      const auto found = std::find(known.begin(), known.end(), name);
      outputs_.push_back(found == known.end() ? -1 : static_cast<int32_t>(found - known.begin()));
    }
    samples_.resize(info.classes.size());
    correct_.resize(info.classes.size());
  }

  // `p`: the head's softmax of the batch.
  Status Add(const Batch& batch, ConstMatrixView p) {
    for (size_t i = 0; i < batch.size(); ++i) {
      if (batch.labels[i] < 0) continue;
      const auto label = static_cast<size_t>(batch.labels[i]);
      const int32_t output = label < outputs_.size() ? outputs_[label] : -1;
      if (output < 0) return UnknownClass(batch.samples[i], label);
      const auto row = p.row(i);
      ++samples_[label];
      correct_[label] += std::ranges::max_element(row) - row.begin() == output ? 1 : 0;
      loss_ -= std::log(std::max(static_cast<double>(row[static_cast<size_t>(output)]), 1e-30));
    }
    return OkStatus();
  }

  uint64_t samples() const { return Sum(samples_); }
  double accuracy() const {
    return static_cast<double>(Sum(correct_)) / static_cast<double>(samples());
  }
  double loss() const { return loss_ / static_cast<double>(samples()); }

  Json PerClass() const {
    Json list = Json::array();
    for (size_t c = 0; c < samples_.size(); ++c) {
      const double accuracy = static_cast<double>(correct_[c]) /
                              static_cast<double>(std::max<uint64_t>(samples_[c], 1));
      list.push_back({{"class", info_.classes[c]},
                      {"samples", samples_[c]},
                      {"accuracy", NumberOrNull(samples_[c] > 0, accuracy)}});
    }
    return list;
  }

 private:
  static uint64_t Sum(const std::vector<uint64_t>& counts) {
    uint64_t sum = 0;
    for (const uint64_t count : counts) sum += count;
    return sum;
  }

  Status UnknownClass(SampleId sample, size_t label) const {
    const std::string name =
        label < info_.classes.size() ? info_.classes[label] : std::to_string(label);
    return FailedPrecondition(
        "sample {} of {} has class '{}', which head {} does not know (it was trained on {} classes "
        "of {}): evaluate it on a collection with those classes, or train a new head",
        sample, info_.spec.collection, name, head_.ref, head_.record.classes.size(),
        head_.record.lineage.stream.collection);
  }

  const LoadedHead& head_;
  const StreamReply& info_;
  std::vector<int32_t> outputs_;  // class of the collection -> output of the head; -1: unknown
  std::vector<uint64_t> samples_;
  std::vector<uint64_t> correct_;
  double loss_ = 0;
};

Status RunStream(BatchStream& stream, const LoadedHead& head, bool show, HeadPredictor* predictor,
                 Evaluation* evaluation) {
  Progress progress("eval", "samples", stream.info().samples, show);
  uint64_t done = 0;
  for (const Result<Batch>& batch : stream.Epoch(0)) {
    if (!batch.ok()) return batch.status();
    Matrix p(batch->size(), head.record.classes.size());
    AUGSTORE_TRY(predictor->Predict(batch->embeddings, batch->samples, p.view()));
    AUGSTORE_TRY(evaluation->Add(*batch, p.view()));
    progress.Update(done += batch->size());
    if (Interrupted()) return InterruptedStatus("evaluating changes nothing: run it again");
  }
  return OkStatus();
}

void Print(const CommonFlags& common, const LoadedHead& head, const StreamReply& info,
           const Evaluation& evaluation, const HeadPredictor& predictor) {
  Json json = {{"head", head.ref},
               {"collection", info.spec.collection},
               {"split", info.spec.split},
               {"test_accuracy", evaluation.accuracy()},
               {"test_loss", evaluation.loss()},
               {"samples", evaluation.samples()},
               {"per_class", evaluation.PerClass()}};
  std::string text;
  if (!predictor.policy().empty()) {
    json.update({{"tta", predictor.policy()}, {"views", predictor.views()}});
    text = fmt::format("averaged over {} views of {}\n", predictor.views(), predictor.policy());
  }
  text +=
      fmt::format("{} on {} of {}: accuracy {}, loss {:.4f}, {} samples\n\n", head.ref,
                  info.spec.split.empty() ? "all samples" : info.spec.split, info.spec.collection,
                  Percent(evaluation.accuracy()), evaluation.loss(), evaluation.samples());
  Table table({"class", "samples", "accuracy"});
  for (const Json& entry : json["per_class"]) {
    if (entry["samples"] == 0) continue;
    table.Row({entry["class"].get<std::string>(), std::to_string(entry["samples"].get<uint64_t>()),
               Percent(entry["accuracy"].get<double>())});
  }
  Emit(common, json, text + table.ToString());
}

Status Eval(const EvalFlags& flags, Client& client) {
  AUGSTORE_ASSIGN(const LoadedHead head, LoadHead(client, flags.ref));
  AUGSTORE_ASSIGN(const auto collection, client.Get<CollectionRecord>(flags.spec.collection));
  AUGSTORE_TRY(
      CheckBackbone(client, head, collection.record.backbone, "collection " + collection.ref()));
  AUGSTORE_ASSIGN(const auto stream, client.OpenStream(flags.spec));
  Evaluation evaluation(head, stream->info());
  AUGSTORE_ASSIGN(const auto predictor, HeadPredictor::Open(client, head, flags.tta));
  AUGSTORE_TRY(RunStream(*stream, head, !flags.common.quiet, predictor.get(), &evaluation));
  if (evaluation.samples() == 0) {
    return FailedPrecondition(
        "none of the {} samples of {} has a label: `augstore head predict` needs none",
        stream->info().samples, collection.ref());
  }
  Print(flags.common, head, stream->info(), evaluation, *predictor);
  return OkStatus();
}

void AddEvalFlags(Command* command, EvalFlags* flags) {
  flags->spec.batch_size = 1024;
  flags->spec.shuffle = false;
  command->AddFlag("head", &flags->ref, "name or name@version").Required();
  command
      ->AddFlag("--collection", &flags->spec.collection, "Collection, such as cifar10 or cifar10@2")
      .Required();
  command->AddFlag("--split", &flags->spec.split, "One split (default: all samples)");
  command->AddFlag("--label-column", &flags->spec.label_column,
                   "Label column (default: the first)");
  command->AddFlag("--policy", &flags->spec.policy, "Test on augmented embeddings instead");
  command->AddFlag("--stream-seed", &flags->spec.seed, "Seed of the policy's draws");
  AddTestTimeFlags(command, &flags->tta);
}

}  // namespace

void AddHeadReadCommands(Command* group) {
  AddCommand<ReadFlags>(
      group, "ls", "List heads with their test accuracy", "augstore head ls --store db",
      [](Command* command, ReadFlags* flags) {
        command->AddFlag("name", &flags->ref, "Only the versions of this head");
      },
      List);
  AddCommand<ReadFlags>(
      group, "show", "Show one head: architecture, lineage, metrics",
      "augstore head show cifar10@3 --store db --json",
      [](Command* command, ReadFlags* flags) {
        command->AddFlag("head", &flags->ref, "name or name@version").Required();
      },
      Show);
  AddCommand<EvalFlags>(group, "eval", "Test a head on a labelled split, class by class",
                        "augstore head eval cifar10@3 --collection cifar10 --split test --store db",
                        AddEvalFlags, Eval);
  AddDeleteCommand(group, RecordKind::kHead, "Its weights go with it.");
}

}  // namespace augstore

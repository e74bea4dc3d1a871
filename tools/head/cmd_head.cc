// augstore head ls | show | eval
#include "tools/head/cmd_head.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "schemas/base/names.h"
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

Json NumberOrNull(bool known, double value) { return known ? Json(value) : Json(nullptr); }

Status List(const ReadFlags& flags) {
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  Client& client = database->client();
  if (!flags.ref.empty()) {
    AUGSTORE_TRY(ValidateName(flags.ref));
    AUGSTORE_TRY(client.Get<HeadRecord>(RecordKind::kHead, flags.ref));
  }
  AUGSTORE_ASSIGN(const auto heads, client.List<HeadRecord>(RecordKind::kHead, flags.ref));
  Table table({"head", "arch", "collection", "split", "policy", "accuracy", "loss", "train loss"});
  Json list = Json::array();
  for (const NamedHead& head : heads) {
    const HeadRecord& record = head.record;
    const bool tested = record.test_samples > 0;
    table.Row({head.ref(), record.arch, record.lineage.stream.collection,
               record.lineage.stream.split, record.lineage.stream.policy,
               tested ? Decimal(record.test_accuracy) : "-",
               tested ? Decimal(record.test_loss) : "-", Decimal(record.train_loss)});
    list.push_back(HeadJson(head));
  }
  if (flags.common.json) {
    PrintJson({{"heads", list}});
  } else if (heads.empty()) {
    fmt::print("no heads: `augstore head train` or `head fit` makes one\n");
  } else {
    fmt::print("{}", table.ToString());
  }
  return OkStatus();
}

void PrintHead(const NamedHead& head) {
  const HeadRecord& record = head.record;
  const HeadLineage& lineage = record.lineage;
  const StreamSpec& stream = lineage.stream;
  fmt::print("{}\n  arch        {} ({})\n  classes     {}\n  collection  {} (digest {})\n",
             head.ref(), record.arch, LayersText(record.layers), record.classes.size(),
             stream.collection, lineage.collection_digest.Hex());
  fmt::print("  split       {}, labels {}\n  policy      {}\n",
             stream.split.empty() ? "all samples" : stream.split,
             stream.label_column.empty() ? "of the first column" : stream.label_column,
             stream.policy);
  fmt::print(
      "  training    {} epochs, batch size {}, {}, lr {}, weight decay {}, seed {}, stream seed "
      "{}\n",
      lineage.epochs, stream.batch_size, lineage.optimizer, lineage.learning_rate,
      lineage.weight_decay, lineage.seed, stream.seed);
  if (stream.dtype != Dtype::kF32 || stream.precision != Precision::kF32) {
    fmt::print("  stream      sent in {}, transforms in {}\n", DtypeName(stream.dtype),
               PrecisionName(stream.precision));
  }
  if (!lineage.init.empty()) fmt::print("  started from {}\n", lineage.init);
  fmt::print("  train loss  {:.4f}\n", record.train_loss);
  if (record.test_samples > 0) {
    fmt::print("  test        accuracy {:.4f}, loss {:.4f} on {} samples of {}\n",
               record.test_accuracy, record.test_loss, record.test_samples, record.test_split);
  } else {
    fmt::print("  test        none\n");
  }
  fmt::print("  backbone    {}\n  weights     {}\n  created     {} UTC\n", record.backbone.Hex(),
             record.weights.Hex(), UtcText(record.created_unix_s));
}

Status Show(const ReadFlags& flags) {
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  AUGSTORE_ASSIGN(const NamedHead head,
                  database->client().Get<HeadRecord>(RecordKind::kHead, flags.ref));
  if (flags.common.json) {
    PrintJson(HeadJson(head));
  } else {
    PrintHead(head);
  }
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
        "of {}): evaluate "
        "it on a collection with those classes, or train a new head",
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

void PrintEvaluation(const LoadedHead& head, const StreamReply& info, const Evaluation& evaluation,
                     const HeadPredictor& predictor, bool json) {
  if (json) {
    Json out = {{"head", head.ref},
                {"collection", info.spec.collection},
                {"split", info.spec.split},
                {"test_accuracy", evaluation.accuracy()},
                {"test_loss", evaluation.loss()},
                {"samples", evaluation.samples()},
                {"per_class", evaluation.PerClass()}};
    if (!predictor.policy().empty()) {
      out["tta"] = predictor.policy();
      out["views"] = predictor.views();
    }
    PrintJson(out);
    return;
  }
  if (!predictor.policy().empty()) {
    fmt::print("averaged over {} views of {}\n", predictor.views(), predictor.policy());
  }
  fmt::print("{} on {} of {}: accuracy {:.4f}, loss {:.4f}, {} samples\n\n", head.ref,
             info.spec.split.empty() ? "all samples" : info.spec.split, info.spec.collection,
             evaluation.accuracy(), evaluation.loss(), evaluation.samples());
  Table table({"class", "samples", "accuracy"});
  for (const Json& entry : evaluation.PerClass()) {
    if (entry["samples"] == 0) continue;
    table.Row({entry["class"].get<std::string>(), std::to_string(entry["samples"].get<uint64_t>()),
               Decimal(entry["accuracy"].get<double>())});
  }
  fmt::print("{}", table.ToString());
}

Status Eval(const EvalFlags& flags) {
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  Client& client = database->client();
  AUGSTORE_ASSIGN(const LoadedHead head, LoadHead(client, flags.ref));
  AUGSTORE_ASSIGN(const auto collection,
                  client.Get<CollectionRecord>(RecordKind::kCollection, flags.spec.collection));
  AUGSTORE_TRY(CheckBackbone(head, collection.record.backbone, "collection " + collection.ref()));
  AUGSTORE_ASSIGN(const auto stream, client.OpenStream(flags.spec));
  Evaluation evaluation(head, stream->info());
  AUGSTORE_ASSIGN(const auto predictor, HeadPredictor::Open(client, head, flags.tta));
  AUGSTORE_TRY(RunStream(*stream, head, !flags.common.quiet, predictor.get(), &evaluation));
  if (evaluation.samples() == 0) {
    return FailedPrecondition(
        "none of the {} samples of {} has a label: `augstore head predict` needs none",
        stream->info().samples, collection.ref());
  }
  PrintEvaluation(head, stream->info(), evaluation, *predictor, flags.common.json);
  return OkStatus();
}

void AddReaders(CLI::App* group) {
  auto list = std::make_shared<ReadFlags>();
  CLI::App* ls = AddCommand(group, "ls", "List heads with their test accuracy",
                            "augstore head ls --store db", [list] { return List(*list); });
  AddCommonFlags(ls, &list->common);
  ls->add_option("name", list->ref, "Only the versions of this head");

  auto flags = std::make_shared<ReadFlags>();
  CLI::App* show = AddCommand(group, "show", "Show one head: architecture, lineage, metrics",
                              "augstore head show cifar10@3 --store db --json",
                              [flags] { return Show(*flags); });
  AddCommonFlags(show, &flags->common);
  show->add_option("head", flags->ref, "name or name@version")->required();
}

void AddEval(CLI::App* group) {
  auto flags = std::make_shared<EvalFlags>();
  flags->spec.batch_size = 1024;
  flags->spec.shuffle = false;
  CLI::App* command =
      AddCommand(group, "eval", "Test a head on a labelled split, class by class",
                 "augstore head eval cifar10@3 --collection cifar10 --split test --store db",
                 [flags] { return Eval(*flags); });
  AddCommonFlags(command, &flags->common);
  command->add_option("head", flags->ref, "name or name@version")->required();
  command
      ->add_option("--collection", flags->spec.collection,
                   "Collection, such as cifar10 or cifar10@2")
      ->required();
  command->add_option("--split", flags->spec.split, "One split (default: all samples)");
  command->add_option("--label-column", flags->spec.label_column,
                      "Label column (default: the first)");
  command->add_option("--policy", flags->spec.policy, "Test on augmented embeddings instead")
      ->capture_default_str();
  command->add_option("--stream-seed", flags->spec.seed, "Seed of the policy's draws")
      ->capture_default_str();
  AddTestTimeFlags(command, &flags->tta);
}

}  // namespace

Result<LoadedHead> LoadHead(Client& client, const std::string& ref) {
  AUGSTORE_ASSIGN(const NamedHead head, client.Get<HeadRecord>(RecordKind::kHead, ref));
  AUGSTORE_ASSIGN(Layers layers, client.GetLayers(head.ref()));
  if (layers.dim_in() != head.record.dim || layers.dim_out() != head.record.classes.size()) {
    return DataLoss(
        "head {} maps {} to {} values, and its record says {} to {} classes: run augstore verify",
        head.ref(), layers.dim_in(), layers.dim_out(), head.record.dim, head.record.classes.size());
  }
  AUGSTORE_ASSIGN(NetworkPtr network, MakeNetwork(std::move(layers)));
  return LoadedHead{head.ref(), head.record, std::move(network)};
}

Status CheckBackbone(const LoadedHead& head, const Digest& backbone, const std::string& what) {
  if (head.record.backbone == backbone) return OkStatus();
  return FailedPrecondition(
      "head {} was trained on embeddings of backbone {}, and {} has those of backbone {}: use "
      "embeddings of the "
      "head's backbone, or train a head for this one",
      head.ref, head.record.backbone.Hex(), what, backbone.Hex());
}

Status CheckSplit(const Versioned<CollectionRecord>& collection, const std::string& flag,
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

void AddHeadReadCommands(CLI::App* group) {
  AddReaders(group);
  AddEval(group);
}

}  // namespace augstore

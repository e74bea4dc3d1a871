// augstore head train: one pass over a stream trains every head of a grid; the best is registered.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "schemas/digest.h"
#include "schemas/files.h"
#include "schemas/names.h"
#include "tools/cmd_head.h"
#include "tools/head_runs.h"
#include "tools/progress.h"
#include "tools/record_text.h"
#include "tools/table.h"

namespace augstore {
namespace {

constexpr size_t kMaxHeads = 1024;  // of one pass

struct TrainFlags {
  CommonFlags common;
  StreamSpec spec;
  HeadTrainerOptions trainer;
  std::vector<double> learning_rates = {1e-3};
  std::vector<double> weight_decays = {1e-4};
  std::vector<uint64_t> seeds = {0};
  uint32_t heads = 0;
  uint32_t epochs = 30;
  uint32_t prefetch = 4;
  std::string test_split = "test";
  bool test_split_given = false;
  std::string name;
  std::string out;
  std::string which = "best";
  bool no_register = false;
};

// What a run trained and where it came from.
struct Trained {
  StreamReply stream;
  Digest backbone;
  std::vector<TestSet> tests;
  HeadRunsReport report;
  size_t best = 0;
  std::vector<std::string> refs;  // of each head; empty: not registered
};

bool Tested(const Trained& trained) { return !trained.tests.empty(); }

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

Result<std::vector<TestSet>> LoadTests(Client& client,
                                       const Client::Versioned<CollectionRecord>& collection,
                                       const TrainFlags& flags) {
  std::vector<TestSet> tests;
  if (flags.test_split.empty()) return tests;
  const Status found = CheckSplit(collection, "--test-split", flags.test_split);
  if (!found.ok() && flags.test_split_given) return found;
  if (!found.ok()) {
    fmt::print(
        stderr,
        "augstore: heads are not tested: {} has no split '{}' (--test-split names another)\n",
        collection.ref(), flags.test_split);
    return tests;
  }
  AUGSTORE_ASSIGN(TestSet test,
                  LoadTestSet(client, collection.ref(), flags.test_split, flags.spec.label_column));
  tests.push_back(std::move(test));
  return tests;
}

size_t BestHead(const Trained& trained) {
  const HeadRunsReport& report = trained.report;
  size_t best = 0;
  for (size_t h = 1; h < report.heads.size(); ++h) {
    if (!Tested(trained)) {
      if (report.train_loss[h] < report.train_loss[best]) best = h;
      continue;
    }
    const HeadMetrics& here = report.tests[h][0];
    const HeadMetrics& there = report.tests[best][0];
    if (here.accuracy > there.accuracy ||
        (here.accuracy == there.accuracy && here.loss < there.loss))
      best = h;
  }
  return best;
}

// One line of metrics.jsonl per curve point, each flushed, so that a run can be watched.
class MetricsFile {
 public:
  Status Open(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return Unavailable("--out: folder {} cannot be made: {}", folder, error.message());
    path_ = folder + "/metrics.jsonl";
    file_.open(path_, std::ios::trunc);
    return Check();
  }

  void Add(const CurvePoint& point, const HeadConfig& config) {
    if (!file_.is_open()) return;
    const bool tested = !point.tests.empty();
    const Json line = {{"head", point.head},
                       {"epoch", point.epoch},
                       {"train_loss", point.train_loss},
                       {"test_accuracy", tested ? Json(point.tests[0].accuracy) : Json(nullptr)},
                       {"test_loss", tested ? Json(point.tests[0].loss) : Json(nullptr)},
                       {"seconds", point.seconds},
                       {"lr", config.learning_rate},
                       {"weight_decay", config.weight_decay},
                       {"seed", config.seed}};
    file_ << line.dump() << '\n' << std::flush;
  }

  Status Check() {
    if (path_.empty() || file_.good()) return OkStatus();
    return Unavailable("{} cannot be written: check the folder's permissions and space", path_);
  }

 private:
  std::string path_;
  std::ofstream file_;
};

Status SaveHeads(const HeadRunsReport& report, const std::string& folder) {
  for (size_t h = 0; h < report.heads.size(); ++h) {
    const std::string stem =
        folder + (report.heads.size() == 1 ? std::string("/head") : fmt::format("/head-{}", h));
    AUGSTORE_TRY(WriteFileAtomically(stem + ".safetensors", report.heads[h].ToSafetensors()));
    AUGSTORE_TRY(SaveTorchScript(report.heads[h], stem + ".pt"));
  }
  return OkStatus();
}

HeadRecord Record(const TrainFlags& flags, const Trained& trained, size_t h,
                  const std::string& blob) {
  const HeadConfig& config = flags.trainer.heads[h];
  const StreamReply& stream = trained.stream;
  HeadRecord record{.backbone = trained.backbone,
                    .dim = stream.dim,
                    .arch = flags.trainer.arch,
                    .classes = stream.classes,
                    .layers = trained.report.heads[h].shapes(),
                    .weights = Sha256({reinterpret_cast<const uint8_t*>(blob.data()), blob.size()}),
                    .lineage = {.collection = stream.spec.collection,
                                .collection_digest = stream.collection_digest,
                                .split = stream.spec.split,
                                .policy = stream.spec.policy,
                                .transforms = stream.transforms,
                                .label_column = stream.spec.label_column,
                                .seed = config.seed,
                                .stream_seed = stream.spec.seed,
                                .epochs = flags.epochs,
                                .batch_size = stream.spec.batch_size,
                                .optimizer = flags.trainer.optimizer,
                                .learning_rate = config.learning_rate,
                                .weight_decay = config.weight_decay},
                    .train_loss = trained.report.train_loss[h],
                    .test_split = {},
                    .created_unix_s = UnixNow()};
  if (Tested(trained)) {
    const HeadMetrics& test = trained.report.tests[h][0];
    record.test_accuracy = test.accuracy;
    record.test_loss = test.loss;
    record.test_samples = test.samples;
    record.test_split = trained.tests[0].name;
  }
  return record;
}

Status RegisterHeads(Client& client, const TrainFlags& flags, Trained* trained) {
  trained->refs.resize(trained->report.heads.size());
  if (flags.no_register) return OkStatus();
  for (size_t h = 0; h < trained->refs.size(); ++h) {
    if (flags.which == "best" && h != trained->best) continue;
    std::string blob = trained->report.heads[h].ToSafetensors();
    const std::string record = Encode(Record(flags, *trained, h, blob));
    AUGSTORE_ASSIGN(const uint32_t version,
                    client.Add(RecordKind::kHead, flags.name, record, std::move(blob)));
    trained->refs[h] = flags.name + "@" + std::to_string(version);
  }
  return OkStatus();
}

Json HeadMetricsJson(const TrainFlags& flags, const Trained& trained, size_t h) {
  const HeadConfig& config = flags.trainer.heads[h];
  const bool tested = Tested(trained);
  const HeadMetrics test = tested ? trained.report.tests[h][0] : HeadMetrics{};
  return {{"head", h},
          {"lr", config.learning_rate},
          {"weight_decay", config.weight_decay},
          {"seed", config.seed},
          {"test_accuracy", tested ? Json(test.accuracy) : Json(nullptr)},
          {"test_loss", tested ? Json(test.loss) : Json(nullptr)},
          {"train_loss", trained.report.train_loss[h]},
          {"ref", trained.refs[h].empty() ? Json(nullptr) : Json(trained.refs[h])}};
}

Json ReportJson(const TrainFlags& flags, const Trained& trained) {
  Json heads = Json::array();
  for (size_t h = 0; h < trained.refs.size(); ++h)
    heads.push_back(HeadMetricsJson(flags, trained, h));
  const Json& best = heads[trained.best];
  const std::string& ref = trained.refs[trained.best];
  const HeadRunsReport& report = trained.report;
  Json version = nullptr;
  if (!ref.empty()) version = std::stoul(ref.substr(ref.rfind('@') + 1));
  return {
      {"name", flags.name},
      {"version", version},
      {"ref", best["ref"]},
      {"best", trained.best},
      {"arch", flags.trainer.arch},
      {"test_accuracy", best["test_accuracy"]},
      {"test_loss", best["test_loss"]},
      {"train_loss", best["train_loss"]},
      {"test_split", Tested(trained) ? Json(trained.tests[0].name) : Json(nullptr)},
      {"heads", heads},
      {"samples", report.samples},
      {"seconds", report.seconds},
      {"samples_per_second", static_cast<double>(report.samples) / std::max(report.seconds, 1e-9)},
      {"policy", trained.stream.spec.policy},
      {"collection", trained.stream.spec.collection},
      {"fingerprint", trained.stream.fingerprint.Hex()}};
}

void PrintReport(const TrainFlags& flags, const Trained& trained) {
  const HeadRunsReport& report = trained.report;
  fmt::print("{} heads on {} {}, policy {}: {} samples in {:.1f} s, {} samples/s\n\n",
             trained.refs.size(), trained.stream.spec.collection, trained.stream.spec.split,
             trained.stream.spec.policy, report.samples, report.seconds,
             HumanCount(static_cast<double>(report.samples) / std::max(report.seconds, 1e-9)));
  Table table(
      {"", "head", "lr", "weight decay", "seed", "accuracy", "loss", "train loss", "registered"});
  for (size_t h = 0; h < trained.refs.size(); ++h) {
    const HeadConfig& config = flags.trainer.heads[h];
    const bool tested = Tested(trained);
    table.Row({h == trained.best ? "best" : "", std::to_string(h),
               fmt::format("{:g}", config.learning_rate), fmt::format("{:g}", config.weight_decay),
               std::to_string(config.seed), tested ? Decimal(report.tests[h][0].accuracy) : "-",
               tested ? Decimal(report.tests[h][0].loss) : "-", Decimal(report.train_loss[h]),
               trained.refs[h].empty() ? "-" : trained.refs[h]});
  }
  fmt::print("{}", table.ToString());
}

// What can be said about the flags without a database.
Status CheckFlags(TrainFlags* flags) {
  AUGSTORE_TRY(ParseArch(flags->trainer.arch));
  AUGSTORE_ASSIGN(flags->trainer.heads, HeadGrid(flags->learning_rates, flags->weight_decays,
                                                 flags->seeds, flags->heads));
  if (flags->name.empty()) {
    AUGSTORE_ASSIGN(const Ref collection, ParseRef(flags->spec.collection));
    flags->name = collection.name;
  }
  return ValidateName(flags->name);
}

Status CheckClasses(const StreamReply& stream) {
  if (stream.classes.size() >= 2) return OkStatus();
  return FailedPrecondition(
      "{} has {} classes in {}: a classifier needs at least 2; ingest the images with labels "
      "(class folders or a "
      "manifest), or name another --label-column",
      stream.spec.collection, stream.classes.size(),
      stream.spec.label_column.empty() ? "its first label column"
                                       : "label column '" + stream.spec.label_column + "'");
}

Status Train(TrainFlags flags) {
  AUGSTORE_TRY(CheckFlags(&flags));
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  Client& client = database->client();
  AUGSTORE_ASSIGN(const auto collection,
                  client.Get<CollectionRecord>(RecordKind::kCollection, flags.spec.collection));
  AUGSTORE_TRY(CheckSplit(collection, "--split", flags.spec.split));
  flags.spec.collection =
      collection.ref();  // also for the test set: one version, whatever is committed meanwhile
  AUGSTORE_ASSIGN(auto stream, client.OpenStream(flags.spec, flags.prefetch));
  Trained trained;
  trained.stream = stream->info();
  trained.backbone = collection.record.backbone;
  AUGSTORE_TRY(CheckClasses(trained.stream));
  AUGSTORE_ASSIGN(trained.tests, LoadTests(client, collection, flags));
  MetricsFile metrics;
  if (!flags.out.empty()) AUGSTORE_TRY(metrics.Open(flags.out));

  HeadRunsOptions options{.trainer = flags.trainer,
                          .epochs = flags.epochs,
                          .show_progress = !flags.common.quiet,
                          .label = "train"};
  options.trainer.dim = trained.stream.dim;
  options.trainer.classes = static_cast<uint32_t>(trained.stream.classes.size());
  const std::unique_ptr<BatchSource> source = StreamSource(std::move(stream));
  AUGSTORE_ASSIGN(trained.report,
                  TrainHeads(*source, trained.tests, options, [&](const CurvePoint& point) {
                    metrics.Add(point, flags.trainer.heads[point.head]);
                  }));
  trained.best = BestHead(trained);
  AUGSTORE_TRY(RegisterHeads(client, flags, &trained));
  if (flags.common.json) {
    PrintJson(ReportJson(flags, trained));
  } else {
    PrintReport(flags, trained);
  }
  if (flags.out.empty()) return OkStatus();
  AUGSTORE_TRY(metrics.Check());
  return SaveHeads(trained.report, flags.out);
}

void AddStreamAndOutputFlags(CLI::App* command, TrainFlags* flags) {
  command
      ->add_option("--collection", flags->spec.collection,
                   "Collection, such as cifar10 or cifar10@2")
      ->required();
  flags->spec.split = "train";
  command->add_option("--split", flags->spec.split, "Split to train on; '' for all samples")
      ->capture_default_str();
  command
      ->add_option("--policy", flags->spec.policy,
                   "Chains and their weights: identity:2,hflip:1,hflip>rotate15:1")
      ->capture_default_str();
  command->add_option("--label-column", flags->spec.label_column,
                      "Label column (default: the first)");
  command
      ->add_option("--stream-seed", flags->spec.seed,
                   "Seed of the order and of the policy's draws, shared by all heads")
      ->capture_default_str();
  command->add_option("--batch-size", flags->spec.batch_size, "Samples of one step")
      ->capture_default_str();
  command->add_option("--prefetch", flags->prefetch, "Batches fetched ahead")
      ->capture_default_str();
  command
      ->add_option("--test-split", flags->test_split,
                   "Split to test on after every epoch; '' for none")
      ->each([flags](const std::string&) { flags->test_split_given = true; })
      ->capture_default_str();
  command->add_option("--name", flags->name, "Name to register under (default: the collection's)");
  command->add_option("--out", flags->out,
                      "Folder for metrics.jsonl and head.safetensors, head.pt (TorchScript)");
  command->add_option("--register", flags->which, "Which heads to register")
      ->check(CLI::IsMember({"best", "all"}))
      ->capture_default_str();
  command->add_flag("--no-register", flags->no_register, "Register none");
}

void AddTrainerFlags(CLI::App* command, TrainFlags* flags) {
  command->add_option("--arch", flags->trainer.arch, "linear, or mlp(<widths>)")
      ->capture_default_str();
  command->add_option("--epochs", flags->epochs, "Passes over the split")
      ->check(CLI::Range(1u, 1u << 20))
      ->capture_default_str();
  command->add_option("--lr", flags->learning_rates, "Learning rate, or several: a grid")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--weight-decay", flags->weight_decays, "Weight decay, or several: a grid")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--seed", flags->seeds, "Seed of the initial weights, or several: a grid")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--heads", flags->heads,
                      "How many heads: with single values, seeds seed, seed + 1, ...");
  command->add_option("--optimizer", flags->trainer.optimizer, "Optimizer")
      ->check(CLI::IsMember({"adamw", "sgd"}))
      ->capture_default_str();
}

}  // namespace

Result<std::vector<HeadConfig>> HeadGrid(const std::vector<double>& learning_rates,
                                         const std::vector<double>& weight_decays,
                                         const std::vector<uint64_t>& seeds, uint32_t heads) {
  std::vector<HeadConfig> grid;
  for (const double rate : learning_rates) {
    if (!(rate > 0) || !std::isfinite(rate))
      return InvalidArgument("--lr {} is not a positive number", rate);
    for (const double decay : weight_decays) {
      if (!(decay >= 0) || !std::isfinite(decay))
        return InvalidArgument("--weight-decay {} is negative", decay);
      for (const uint64_t seed : seeds) grid.push_back({rate, decay, seed});
    }
  }
  const size_t count = heads == 0 ? grid.size() : heads;
  if (grid.size() == 1) {
    for (uint64_t h = 1; h < std::min(count, kMaxHeads); ++h) {
      grid.push_back({grid[0].learning_rate, grid[0].weight_decay, grid[0].seed + h});
    }
  }
  if (count > kMaxHeads || grid.size() > kMaxHeads) {
    return InvalidArgument("{} heads in one pass are more than {}: train them in several runs",
                           std::max(count, grid.size()), kMaxHeads);
  }
  if (grid.size() != count) {
    return InvalidArgument(
        "--heads {} and the grid of {} x {} x {} = {} combinations of --lr, --weight-decay and "
        "--seed do not agree: "
        "leave --heads out, or give as many combinations",
        heads, learning_rates.size(), weight_decays.size(), seeds.size(), grid.size());
  }
  return grid;
}

void AddHeadTrainCommand(CLI::App* group) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App* command =
      AddCommand(group, "train", "Train one or many classifier heads from one pass over a stream",
                 "augstore head train --store db --collection cifar10 --policy identity:1,hflip:1 "
                 "--lr 1e-3,3e-4 "
                 "--weight-decay 1e-4,1e-2 --out runs/1",
                 [flags] { return Train(*flags); });
  AddCommonFlags(command, &flags->common);
  AddStreamAndOutputFlags(command, flags.get());
  AddTrainerFlags(command, flags.get());
}

}  // namespace augstore

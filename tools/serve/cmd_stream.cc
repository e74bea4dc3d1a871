// augstore stream: pull batches, print the rate; or replay one batch exactly.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "schemas/base/digest.h"
#include "schemas/base/files.h"
#include "schemas/weights/npy.h"
#include "tools/cli/command.h"
#include "tools/cli/progress.h"
#include "tools/cli/stream_flags.h"

namespace augstore {
namespace {

// The text of a flag as what it names.
template <typename T>
T Named(const Result<T>& parsed) {
  if (!parsed.ok()) throw CLI::ValidationError(std::string(parsed.status().message()));
  return *parsed;
}

}  // namespace

void AddStreamFlags(CLI::App* command, StreamSpec* spec) {
  command->add_option("--collection", spec->collection, "Collection, such as cifar10 or cifar10@2")
      ->required();
  command->add_option("--split", spec->split, "One split; '' for all samples")
      ->capture_default_str();
  command
      ->add_option("--policy", spec->policy,
                   "Chains and their weights: identity:2,hflip:1,hflip>rotate15:1")
      ->capture_default_str();
  command->add_option("--label-column", spec->label_column, "Label column (default: the first)");
  command->add_option("--stream-seed", spec->seed, "Seed of the order and of the policy's draws")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--batch-size", spec->batch_size, "Rows of one batch")->capture_default_str();
  command
      ->add_option(
          "--shuffle-window", spec->shuffle_window,
          "Shuffle this many samples among each other, block by block of the collection in "
          "random order: for\ncollections larger than the memory that they are read "
          "through (0: all samples)")
      ->capture_default_str();
  command->add_option_function<std::string>(
      "--dtype", [spec](const std::string& text) { spec->dtype = Named(ParseDtype(text)); },
      "Send embeddings as f32, f16 (half the bytes) or u8 (a quarter); `transform show` says what "
      "that costs [f32]");
  command->add_option_function<std::string>(
      "--precision",
      [spec](const std::string& text) { spec->precision = Named(ParsePrecision(text)); },
      "Compute transforms in f32 or int8; int8 takes transforms whose cards show that it costs "
      "next to nothing [f32]");
}

void AddStoredDtypeFlag(CLI::App* command, std::optional<Dtype>* dtype) {
  command->add_option_function<std::string>(
      "--dtype", [dtype](const std::string& text) { *dtype = Named(ParseDtype(text)); },
      "Store embeddings as f32, f16 (half the bytes) or u8 (a quarter, with a scale per row) "
      "[what the collection has, else f32]");
}

namespace {

struct StreamFlags {
  CommonFlags common;
  StreamSpec spec;
  uint64_t epoch = 0;
  uint64_t epochs = 1;
  std::optional<uint64_t> step;
  bool no_shuffle = false;
  bool no_digest = false;
  uint32_t prefetch = 4;
  std::string npy;
};

// What was pulled: sizes, and unless it is left out a digest over ids, labels, chains and
// embeddings in order, so that two runs can be compared.
struct Pulled {
  bool with_digest = true;
  uint64_t batches = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  DigestBuilder digest;

  void Add(const Batch& batch) {
    ++batches;
    rows += batch.size();
    const size_t values = batch.embeddings.rows * batch.embeddings.cols;
    bytes += batch.size() * RowBytes(batch.dtype, batch.embeddings.cols);
    if (!with_digest) return;
    const auto add = [this](const void* data, size_t size) {
      digest.AddBytes({static_cast<const uint8_t*>(data), size});
    };
    add(batch.samples.data(), batch.samples.size_bytes());
    add(batch.labels.data(), batch.labels.size_bytes());
    add(batch.chains.data(), batch.chains.size_bytes());
    add(batch.embeddings.data, values * sizeof(float));
  }
};

Json ToJson(const StreamReply& info) {
  return {{"collection", info.spec.collection},
          {"split", info.spec.split},
          {"policy", info.spec.policy},
          {"stream_seed", info.spec.seed},
          {"batch_size", info.spec.batch_size},
          {"rank", info.spec.rank},
          {"world_size", info.spec.world_size},
          {"shuffle_window", info.spec.shuffle_window},
          {"dtype", DtypeName(info.spec.dtype)},
          {"precision", PrecisionName(info.spec.precision)},
          {"fingerprint", info.fingerprint.Hex()},
          {"samples", info.samples},
          {"steps", info.steps},
          {"dim", info.dim}};
}

Status Replay(const StreamFlags& flags, BatchStream& stream) {
  AUGSTORE_ASSIGN(const Batch batch, stream.Get(flags.epoch, *flags.step));
  if (!flags.npy.empty())
    AUGSTORE_TRY(WriteFileAtomically(flags.npy, WriteNpyMatrix(batch.embeddings)));
  Pulled pulled;
  pulled.Add(batch);
  Json rows = Json::array();
  for (size_t i = 0; i < batch.size(); ++i) {
    rows.push_back({{"sample", batch.samples[i]},
                    {"label", batch.labels[i]},
                    {"chain", stream.info().chains.at(batch.chains[i])}});
  }
  Json out = ToJson(stream.info());
  out["epoch"] = flags.epoch;
  out["step"] = *flags.step;
  out["batch_digest"] = pulled.digest.Finish().Hex();
  out["rows"] = rows;
  PrintJson(out);
  return OkStatus();
}

Status PullEpochs(const StreamFlags& flags, BatchStream& stream) {
  Pulled pulled{.with_digest = !flags.no_digest, .digest = {}};
  double seconds = 0;
  {
    const uint64_t total = stream.info().steps * flags.epochs;
    Progress progress("stream", "batches", total, !flags.common.quiet);
    for (uint64_t epoch = flags.epoch; epoch < flags.epoch + flags.epochs; ++epoch) {
      for (const Result<Batch>& batch : stream.Epoch(epoch)) {
        if (!batch.ok()) return batch.status();
        pulled.Add(*batch);
        progress.Update(pulled.batches, HumanBytes(static_cast<double>(pulled.bytes)));
        if (Interrupted()) return InterruptedStatus("streaming changes nothing: run it again");
      }
    }
    seconds = progress.seconds();
  }
  const double rate = static_cast<double>(pulled.rows) / seconds;
  const std::string digest = flags.no_digest ? "" : pulled.digest.Finish().Hex();
  if (flags.common.json) {
    Json out = ToJson(stream.info());
    out.update({{"epoch", flags.epoch},
                {"epochs", flags.epochs},
                {"batches", pulled.batches},
                {"rows", pulled.rows},
                {"bytes", pulled.bytes},
                {"seconds", seconds},
                {"rows_per_second", rate},
                {"stream_digest", digest}});
    PrintJson(out);
  } else {
    fmt::print("{} {}: {} batches, {} rows in {:.2f} s: {} rows/s, {}/s{}\n",
               stream.info().spec.collection, stream.info().spec.policy, pulled.batches,
               pulled.rows, seconds, HumanCount(rate),
               HumanBytes(static_cast<double>(pulled.bytes) / seconds),
               digest.empty() ? "" : "; stream digest " + digest.substr(0, 16));
  }
  return OkStatus();
}

Status RunStream(StreamFlags flags) {
  flags.spec.shuffle = !flags.no_shuffle;
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  AUGSTORE_ASSIGN(const auto stream, database->client().OpenStream(flags.spec, flags.prefetch));
  return flags.step.has_value() ? Replay(flags, *stream) : PullEpochs(flags, *stream);
}

}  // namespace

void AddStreamCommand(CLI::App* app) {
  auto flags = std::make_shared<StreamFlags>();
  CLI::App* command = AddCommand(
      app, "stream", "Pull batches and print the rate, or replay one batch (--step)",
      "augstore stream --connect tcp://127.0.0.1:7411 --collection cifar10 --split train --policy "
      "identity:1,hflip:1\n"
      "  augstore stream --connect tcp://127.0.0.1:7411 --collection cifar10 --epoch 3 --step 17",
      [flags] { return RunStream(*flags); });
  AddCommonFlags(command, &flags->common);
  AddStreamFlags(command, &flags->spec);
  command->add_option("--rank", flags->spec.rank, "This consumer's number")->capture_default_str();
  command->add_option("--world-size", flags->spec.world_size, "How many consumers share the stream")
      ->capture_default_str();
  command->add_flag("--no-shuffle", flags->no_shuffle, "Sample order instead of a permutation");
  command->add_flag("--drop-last", flags->spec.drop_last,
                    "Only full batches, equally many for every rank");
  command->add_flag("--no-digest", flags->no_digest,
                    "Only receive: a digest takes longer than the network");
  command->add_option("--epoch", flags->epoch, "First epoch")->capture_default_str();
  command->add_option("--epochs", flags->epochs, "How many epochs")->capture_default_str();
  command->add_option("--step", flags->step,
                      "Replay this batch of --epoch and print what is in it");
  command->add_option("--npy", flags->npy,
                      "With --step: write the batch's embeddings to this file");
  command->add_option("--prefetch", flags->prefetch, "Batches fetched ahead")
      ->capture_default_str();
}

}  // namespace augstore

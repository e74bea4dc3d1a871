// augstore stream: pull batches, print the rate; or replay one batch exactly.
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

struct StreamFlags {
  CommonFlags common;
  StreamSpec spec;
  SplitFlag split;
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
  out.update({{"epoch", flags.epoch},
              {"step", *flags.step},
              {"batch_digest", pulled.digest.Finish().Hex()},
              {"rows", rows}});
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
  Json out = ToJson(stream.info());
  out.update({{"epoch", flags.epoch},
              {"epochs", flags.epochs},
              {"batches", pulled.batches},
              {"rows", pulled.rows},
              {"bytes", pulled.bytes},
              {"seconds", seconds},
              {"rows_per_second", rate},
              {"stream_digest", digest}});
  Emit(flags.common, out,
       fmt::format("{} {}: {} batches, {} rows in {:.2f} s: {} rows/s, {}/s{}\n",
                   stream.info().spec.collection, stream.info().spec.policy, pulled.batches,
                   pulled.rows, seconds, HumanCount(rate),
                   HumanBytes(static_cast<double>(pulled.bytes) / seconds),
                   digest.empty() ? "" : "; stream digest " + digest.substr(0, 16)));
  return OkStatus();
}

Status RunStream(StreamFlags flags, Client& client) {
  flags.spec.shuffle = !flags.no_shuffle;
  AUGSTORE_ASSIGN(const auto collection, client.Get<CollectionRecord>(flags.spec.collection));
  flags.spec.split = SplitOrDefault(flags.split, collection.record);
  AUGSTORE_ASSIGN(const auto stream, client.OpenStream(flags.spec, flags.prefetch));
  return flags.step.has_value() ? Replay(flags, *stream) : PullEpochs(flags, *stream);
}

void AddFlags(Command* command, StreamFlags* flags) {
  AddStreamFlags(command, &flags->spec, &flags->split);
  command->AddFlag("--rank", &flags->spec.rank, "Number of this consumer, from 0");
  command->AddFlag("--world-size", &flags->spec.world_size,
                   "Number of consumers that share the stream");
  command->AddFlag("--no-shuffle", &flags->no_shuffle, "Sample order instead of a permutation");
  command->AddFlag("--drop-last", &flags->spec.drop_last,
                   "Only full batches, equally many for every rank");
  command->AddFlag("--no-digest", &flags->no_digest,
                   "Do not compute the digest of the stream, which takes longer than the network");
  command->AddFlag("--epoch", &flags->epoch, "First epoch");
  command->AddFlag("--epochs", &flags->epochs, "How many epochs");
  command->AddFlag("--step", &flags->step, "Replay this batch of --epoch and print what is in it");
  command->AddFlag("--npy", &flags->npy, "With --step: write the batch's embeddings to this file");
  command->AddFlag("--prefetch", &flags->prefetch, "Batches fetched ahead");
}

}  // namespace

void AddStreamCommand(Command* app) {
  AddCommand<StreamFlags>(
      app, "stream", "Pull batches and print the rate, or replay one batch (--step)",
      "augstore stream --connect tcp://127.0.0.1:7411 --collection cifar10 --split train --policy "
      "identity:1,hflip:1\n"
      "  augstore stream --connect tcp://127.0.0.1:7411 --collection cifar10 --epoch 3 --step 17",
      AddFlags, RunStream);
}

}  // namespace augstore

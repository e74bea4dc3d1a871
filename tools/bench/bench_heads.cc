// bench heads: many heads on one stream, as separate clients and in one pass.
#include <nlohmann/json.hpp>

#include "client/client.h"
#include "tools/bench/bench_data.h"
#include "tools/bench/bench_measure.h"
#include "tools/bench/bench_parts.h"
#include "tools/bench/bench_server.h"
#include "tools/head/head_runs.h"

namespace augstore {
namespace {

constexpr uint32_t kBatch = 256;
constexpr const char* kCollection = "all";
constexpr const char* kPart = "part";  // a sixteenth of it, for heads that are bound by arithmetic

struct ServerCounters {
  double cpu = 0;
  double built = 0;
  double delivered = 0;
};

Result<ServerCounters> ReadCounters(const ServerProcess& server, Client& client) {
  AUGSTORE_ASSIGN(const StatsReply stats, client.Call<StatsReply>(StatsRequest{}));
  const Json json = Json::parse(stats.json, nullptr, false);
  if (!json.contains("batches_built") || !json.contains("batches")) {
    return FailedPrecondition(
        "the server's stats have no batches_built: name the program of this version with "
        "--program");
  }
  return ServerCounters{server.CpuSeconds(), json["batches_built"].get<double>(),
                        json["batches"].get<double>()};
}

// The cost of one way of reading, summed over all repetitions.
struct ReadCost {
  double cpu_per_row = 0;
  double built_per_delivered = 0;
  double built_per_batch = 0;  // over the distinct batches that were asked for
  double rate = 0;             // rows delivered per second, median
};

// `clients` clients pull the same epochs of one stream at the same time.
class SharedReading {
 public:
  SharedReading(const BenchFlags& flags, const ServerProcess& server, std::string policy,
                int clients)
      : flags_(flags), server_(server), policy_(std::move(policy)), clients_(clients) {}

  // `first_epoch`: each reading needs epochs that no client has read yet.
  Result<ReadCost> Measure(uint64_t first_epoch) {
    AUGSTORE_TRY(Open());
    AUGSTORE_ASSIGN(const auto control, Client::Connect(server_.unix_socket()));
    AUGSTORE_ASSIGN(const ServerCounters before, ReadCounters(server_, *control));
    uint64_t epoch = first_epoch;
    const StreamReply& info = streams_[0]->info();
    Case readers{.name = fmt::format("{} clients", clients_),
                 .units = static_cast<double>(info.samples),
                 .once = [&](int worker) { return Pull(worker, epoch); },
                 .workers = clients_,
                 .single = true,
                 .after = [&] { ++epoch; }};
    AUGSTORE_ASSIGN(const CaseRates rates, RunCases(flags_, {readers}));
    AUGSTORE_ASSIGN(const ServerCounters after, ReadCounters(server_, *control));
    const auto epochs = static_cast<double>(epoch - first_epoch);
    const double rows = epochs * clients_ * static_cast<double>(info.samples);
    const double built = after.built - before.built;
    return ReadCost{.cpu_per_row = (after.cpu - before.cpu) / rows,
                    .built_per_delivered = built / (after.delivered - before.delivered),
                    .built_per_batch = built / (epochs * static_cast<double>(info.steps)),
                    .rate = rates.at(readers.name).median()};
  }

 private:
  Status Open() {
    for (int c = 0; c < clients_; ++c) {
      AUGSTORE_ASSIGN(const auto client, Client::Connect(server_.unix_socket()));
      AUGSTORE_ASSIGN(auto stream, client->OpenStream({.collection = kCollection,
                                                       .policy = policy_,
                                                       .seed = flags_.seed,
                                                       .batch_size = kBatch}));
      streams_.push_back(std::move(stream));
    }
    return OkStatus();
  }

  Status Pull(int worker, uint64_t epoch) {
    for (const Result<Batch>& batch : streams_[static_cast<size_t>(worker)]->Epoch(epoch))
      AUGSTORE_TRY(batch);
    return OkStatus();
  }

  const BenchFlags& flags_;
  const ServerProcess& server_;
  std::string policy_;
  int clients_;
  std::vector<std::unique_ptr<BatchStream>> streams_;
};

Status MeasureClients(const BenchFlags& flags, const ServerProcess& server, BenchReport* report) {
  BenchTable table{.name = "heads_clients",
                   .legend =
                       "clients that pull the same epochs of one stream at the same time over a "
                       "Unix socket. 'built/delivered': batches computed\nper batch delivered; "
                       "'built/batch': per batch of the stream (1: each computed once); 'CPU of "
                       "one': server CPU per row over that\nof one client"};
  uint64_t epoch = 0;
  for (const char* policy : {"identity", kSyntheticPolicy}) {
    const std::string stream = std::string(policy) == "identity" ? "identity" : "augmented";
    double one = 0;
    for (const int clients : {1, 8, 32}) {
      SharedReading reading(flags, server, policy, clients);
      AUGSTORE_ASSIGN(const ReadCost cost, reading.Measure(epoch));
      epoch += 1'000'000;
      if (clients == 1) one = cost.cpu_per_row;
      table.rows.push_back({{"stream", stream},
                            {"clients", clients},
                            {"rows/s delivered", cost.rate},
                            {"built/delivered", cost.built_per_delivered},
                            {"built/batch", cost.built_per_batch},
                            {"server CPU us/row", cost.cpu_per_row * 1e6},
                            {"CPU of one", cost.cpu_per_row / one}});
      if (clients != 8 || stream == "identity") continue;
      report->targets.push_back({"8 clients on one augmented stream: builds of each batch",
                                 cost.built_per_batch, 1, true});
      report->targets.push_back(
          {"8 clients on one augmented stream: server CPU per row / one client's",
           cost.cpu_per_row / one, 0.25, true});
    }
  }
  report->tables.push_back(std::move(table));
  return OkStatus();
}

// Heads that are trained in one process from one pass over a stream.
struct OnePass {
  const char* arch;
  const char* stream;  // "identity" or "augmented"
  const char* collection;
};

// One epoch of `heads` heads. `seed`: another each time, or the server has the batches already.
Status TrainOnePass(const BenchFlags& flags, Client& client, const OnePass& pass, uint32_t heads,
                    uint64_t seed) {
  const bool identity = std::string_view(pass.stream) == "identity";
  AUGSTORE_ASSIGN(auto stream,
                  client.OpenStream({.collection = pass.collection,
                                     .policy = identity ? "identity" : kSyntheticPolicy,
                                     .seed = seed,
                                     .batch_size = kBatch}));
  HeadRunsOptions options{
      .trainer = {.arch = pass.arch, .dim = flags.dim, .classes = kSyntheticClasses, .heads = {}},
      .epochs = 1,
      .test_every = 0,
      .label = {}};
  for (uint32_t h = 0; h < heads; ++h) options.trainer.heads.push_back({1e-3, 1e-4, h});
  const std::unique_ptr<BatchSource> source = StreamSource(std::move(stream));
  return TrainHeads(*source, {}, options, nullptr).status();
}

Status MeasureOnePass(const BenchFlags& flags, const ServerProcess& server, BenchReport* report) {
  BenchTable table{.name = "heads_one_pass",
                   .legend =
                       "heads trained in one process from one pass over a stream. 'wall of one': "
                       "time over that of one head"};
  AUGSTORE_ASSIGN(const auto client, Client::Connect(server.unix_socket()));
  uint64_t seed = flags.seed;
  std::vector<OnePass> passes = {{"linear", "augmented", kCollection},
                                 {"linear", "identity", kCollection}};
  if (!flags.quick) passes.push_back({"mlp(1024,128)", "identity", kPart});
  for (const OnePass& pass : passes) {
    AUGSTORE_ASSIGN(const auto stream, client->OpenStream({.collection = pass.collection}));
    const auto rows = static_cast<double>(stream->info().samples);
    const auto name = [](uint32_t heads) { return fmt::format("{} heads", heads); };
    const std::vector<uint32_t> counts = {1, 8, 32};
    std::vector<Case> cases;
    cases.reserve(counts.size());
    for (const uint32_t heads : counts) {
      cases.push_back(
          {.name = name(heads),
           .units = rows,
           .once = [&, heads](int) { return TrainOnePass(flags, *client, pass, heads, seed++); },
           .single = true});
    }
    AUGSTORE_ASSIGN(const CaseRates rates, RunCases(flags, cases));
    const Rates& one = rates.at(name(1));
    for (const uint32_t heads : counts) {
      const Rates& own = rates.at(name(heads));
      table.rows.push_back({{"arch", pass.arch},
                            {"stream", pass.stream},
                            {"heads", heads},
                            {"rows/s", own.median()},
                            {"head rows/s", own.median() * heads},
                            {"wall of one", Ratio(one, own)}});
    }
    report->targets.push_back(
        {fmt::format("32 {} heads in one pass / one, {} stream, wall", pass.arch, pass.stream),
         Ratio(one, rates.at(name(32))), 4, true});
  }
  report->tables.push_back(std::move(table));
  return OkStatus();
}

}  // namespace

Status BenchHeads(const BenchFlags& flags, BenchReport* report) {
  AUGSTORE_ASSIGN(const auto scratch, ScratchFolder::Make(flags));
  const uint64_t rows = Scaled(flags, flags.quick ? 2048 : 32'768, 16 * kBatch);
  const std::string store = scratch->path() + "/store";
  AUGSTORE_TRY(MakeSyntheticStore(flags, store, {{kCollection, rows}, {kPart, rows / 16}}));
  AUGSTORE_ASSIGN(const auto server, ServerProcess::Start(flags, store, scratch->path(), {}));
  AUGSTORE_TRY(MeasureClients(flags, *server, report));
  return MeasureOnePass(flags, *server, report);
}

}  // namespace augstore

// bench serve: a server in another process, with one and with several clients.
#include <array>
#include <atomic>
#include <map>

#include "client/client.h"
#include "engine/transforms/precision.h"
#include "tools/bench/bench_data.h"
#include "tools/bench/bench_measure.h"
#include "tools/bench/bench_parts.h"
#include "tools/bench/bench_server.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

constexpr int kClients = 4;

enum class Socket { kTcp, kTls, kUnix };

const char* NameOf(Socket socket) {
  return socket == Socket::kTcp ? "TCP" : socket == Socket::kTls ? "TLS" : "Unix";
}

struct Kind {
  const char* name;
  const char* collection;
  const char* policy;
  Dtype dtype = Dtype::kF32;
  Precision precision = Precision::kF32;
  bool augmented() const { return policy == kSyntheticPolicy; }
};
constexpr const char* kPlain = "plain";
constexpr const char* kPlainU8 = "plain-u8";
constexpr const char* kMapped = "augmented";
constexpr Kind kIdentity{"identity", kPlain, "identity"};
constexpr Kind kIdentityU8{"identity, u8", kPlainU8, "identity", Dtype::kU8};
constexpr Kind kAugmented{"augmented", kMapped, kSyntheticPolicy};
constexpr Kind kAugmentedInt8{"augmented, int8", kMapped, kSyntheticPolicy, Dtype::kF32,
                              Precision::kInt8};

// One client's stream. Every pull is of another epoch and every client has another seed, so that no
// batch is requested twice.
struct Puller {
  std::unique_ptr<Client> client;
  std::unique_ptr<BatchStream> stream;
  uint64_t epoch = 0;
  size_t body_bytes = 0;  // of a full batch's message

  Status PullEpoch() {
    for (const Result<Batch>& batch : stream->Epoch(epoch++)) {
      AUGSTORE_TRY(batch);
      body_bytes = std::max(body_bytes, batch->memory.bytes.size());
    }
    return OkStatus();
  }
};

Result<std::vector<Puller>> OpenPullers(const std::string& address, const std::string& ca,
                                        const Kind& kind, uint32_t batch, uint64_t seed) {
  std::vector<Puller> pullers;
  for (int c = 0; c < kClients; ++c) {
    Puller puller;
    AUGSTORE_ASSIGN(puller.client, Client::Connect(address, {}, "", {.tls = {ca, "", ""}}));
    AUGSTORE_ASSIGN(puller.stream,
                    puller.client->OpenStream({.collection = kind.collection,
                                               .policy = kind.policy,
                                               .seed = seed + static_cast<uint64_t>(c),
                                               .batch_size = batch,
                                               .dtype = kind.dtype,
                                               .precision = kind.precision}));
    AUGSTORE_TRY(puller.PullEpoch());
    pullers.push_back(std::move(puller));
  }
  return pullers;
}

// The server's CPU time while a one runs, over the rows that it pulls.
class ServedRows {
 public:
  ServedRows(const ServerProcess& server, double rows_of_call)
      : server_(server), rows_of_call_(rows_of_call) {}
  Case Around(Case one) {
    one.before = [this] {
      start_ = server_.CpuSeconds();
      return OkStatus();
    };
    one.once = [this, once = std::move(one.once)](int worker) {
      ++calls_;
      return once(worker);
    };
    one.after = [this] { cpu_ += server_.CpuSeconds() - start_; };
    return one;
  }
  double cpu_per_row() const { return cpu_ / (rows_of_call_ * static_cast<double>(calls_)); }

 private:
  const ServerProcess& server_;
  const double rows_of_call_;
  double start_ = 0;
  double cpu_ = 0;
  std::atomic<uint64_t> calls_ = 0;
};

class ServeBench {
 public:
  // `ca`: whom clients in TLS trust.
  ServeBench(const BenchFlags& flags, const ServerProcess& server, std::string ca,
             NetworkPtr network)
      : flags_(flags), server_(server), ca_(std::move(ca)), network_(std::move(network)) {
    table_.name = "serve";
    table_.legend =
        "epochs pulled from a server in another process over streams without other readers. 'of "
        "socket': over a bare socket of\nthe same kind that moves messages of the same size; 'of "
        "engine': over the engine alone on all cores; both measured\nin the same run and "
        "precision. 'GB/s': of embeddings as they are sent, in f32 unless the name says u8 (and "
        "stored so). CPU is the\nserver's";
  }

  Status Measure(const Kind& kind, Socket socket, uint32_t batch);
  void Finish(BenchReport* report);

 private:
  const std::string& AddressOf(Socket socket) const {
    return socket == Socket::kTcp   ? server_.tcp()
           : socket == Socket::kTls ? server_.tls()
                                    : server_.unix_socket();
  }

  const BenchFlags& flags_;
  const ServerProcess& server_;
  const std::string ca_;
  NetworkPtr network_;
  BenchTable table_;
  std::map<Socket, double> identity_;      // best share of the bare socket, one client
  std::map<Precision, double> augmented_;  // best share of the engine
};

Status ServeBench::Measure(const Kind& kind, Socket socket, uint32_t batch) {
  AUGSTORE_ASSIGN(std::vector<Puller> pullers,
                  OpenPullers(AddressOf(socket), ca_, kind, batch, flags_.seed));
  const uint64_t rows = pullers[0].stream->info().samples;
  const uint64_t messages = pullers[0].stream->info().steps;
  AUGSTORE_ASSIGN(const auto raw, RawSender::Start(socket != Socket::kUnix,
                                                   pullers[0].body_bytes + kFrameHeaderBytes));
  std::vector<EngineWorker> engines;  // the engine alone, on batches of the same size
  engines.reserve(static_cast<size_t>(AllWorkers()));
  for (int w = 0; w < AllWorkers(); ++w)
    engines.emplace_back(NewEngine(kind.precision), network_, batch, 1);
  const auto units = static_cast<double>(rows);
  ServedRows one(server_, units);
  ServedRows several(server_, units);
  const auto pull = [&](int worker) { return pullers[static_cast<size_t>(worker)].PullEpoch(); };
  const auto apply = [&](int worker) { return engines[static_cast<size_t>(worker)].Apply(); };
  AUGSTORE_ASSIGN(
      const CaseRates rates,
      RunCases(flags_, {{"bare socket", static_cast<double>(messages * batch),
                         [&](int) { return raw->Pull(messages); }},
                        one.Around({"one client", units, pull}),
                        several.Around({"several clients", units, pull, kClients}),
                        {"engine alone", static_cast<double>(batch), apply, AllWorkers()}}));
  const Rates& bare = rates.at("bare socket");
  const Rates& engine = rates.at("engine alone");
  const auto add = [&](int clients, const Rates& own, double cpu_per_row) {
    const auto row_bytes = static_cast<double>(RowBytes(kind.dtype, flags_.dim));
    table_.rows.push_back({{"stream", kind.name},
                           {"socket", NameOf(socket)},
                           {"batch", batch},
                           {"clients", clients},
                           {"rows/s", own.median()},
                           {"GB/s", own.median() * row_bytes / 1e9},
                           {"of socket", Ratio(own, bare)},
                           {"of engine", kind.augmented() ? Json(Ratio(own, engine)) : Json()},
                           {"server CPU us/row", cpu_per_row * 1e6}});
  };
  add(1, rates.at("one client"), one.cpu_per_row());
  add(kClients, rates.at("several clients"), several.cpu_per_row());
  if (&kind == &kIdentity) {
    identity_[socket] = std::max(identity_[socket], Ratio(rates.at("one client"), bare));
  }
  if (kind.augmented() && socket != Socket::kTls) {
    double& best = augmented_[kind.precision];
    best = std::max(best, Ratio(rates.at("several clients"), engine));
  }
  return OkStatus();
}

void ServeBench::Finish(BenchReport* report) {
  report->tables.push_back(std::move(table_));
  report->targets.push_back({"identity stream, one client / bare socket, TCP (best batch size)",
                             identity_[Socket::kTcp], 0.8});
  report->targets.push_back({"identity stream, one client / bare socket, Unix (best batch size)",
                             identity_[Socket::kUnix], 0.8});
  report->targets.push_back(
      {fmt::format("augmented stream, {} clients / engine alone (best batch size)", kClients),
       augmented_[Precision::kF32], 0.85});
  report->targets.push_back(
      {fmt::format("augmented stream in int8, {} clients / int8 engine alone (best batch size)",
                   kClients),
       augmented_[Precision::kInt8], 0.75});
}

}  // namespace

Status BenchServe(const BenchFlags& flags, BenchReport* report) {
  AUGSTORE_ASSIGN(const auto scratch, ScratchFolder::Make(flags));
  const std::vector<uint32_t> batches =
      flags.quick ? std::vector<uint32_t>{256} : std::vector<uint32_t>{64, 256, 1024, 4096};
  // Whole batches of every size.
  const uint64_t rows = Scaled(flags, flags.quick ? 8192 : 131'072, batches.back());
  const uint64_t augmented = Scaled(flags, flags.quick ? 2048 : 16'384, batches.back());
  const std::string store = scratch->path() + "/store";
  AUGSTORE_TRY(MakeSyntheticStore(
      flags, store, {{kPlain, rows}, {kPlainU8, rows, Dtype::kU8}, {kMapped, augmented}}));
  AUGSTORE_ASSIGN(const TlsFiles tls, MakeCertificate(scratch->path()));
  AUGSTORE_ASSIGN(const auto server, ServerProcess::Start(flags, store, scratch->path(), {}, tls));
  AUGSTORE_ASSIGN(const NetworkPtr network, MakeNetwork(PaperNetwork(flags.dim, flags.seed)));
  ServeBench bench(flags, *server, tls.ca, network);
  const std::array kinds = {&kIdentity, &kIdentityU8, &kAugmented, &kAugmentedInt8};
  const auto left_out = [&](const Kind* kind, Socket socket) {
    const bool light = kind == &kIdentityU8 || kind == &kAugmentedInt8;
    return light && (socket == Socket::kTls || (flags.quick && socket == Socket::kTcp));
  };
  const size_t pairs = kinds.size() * 3 - (flags.quick ? 4 : 2);
  Progress progress("serve", "cells", pairs * batches.size(), !flags.quiet);
  uint64_t done = 0;
  for (const Kind* kind : kinds) {
    for (const Socket socket : {Socket::kTcp, Socket::kTls, Socket::kUnix}) {
      if (left_out(kind, socket)) continue;
      for (const uint32_t batch : batches) {
        progress.Update(done++,
                        fmt::format("{}, {}, batches of {}", kind->name, NameOf(socket), batch));
        AUGSTORE_TRY(bench.Measure(*kind, socket, batch));
      }
    }
  }
  bench.Finish(report);
  return OkStatus();
}

}  // namespace augstore

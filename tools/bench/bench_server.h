// A server in another process, so that its CPU time and memory are measured apart from the
// clients'; and a bare socket as the ceiling of its sending.
#ifndef AUGSTORE_TOOLS_BENCH_BENCH_SERVER_H_
#define AUGSTORE_TOOLS_BENCH_BENCH_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "schemas/wire/shared_bodies.h"
#include "schemas/wire/tls_context.h"
#include "tools/bench/bench_report.h"

namespace augstore {

struct ServerMemory {
  uint64_t store_mib = 2048;
  uint64_t batch_cache_mib = 32;
};

// Starts words[0] (a path) with the other words as its arguments; it ends with this process.
// `*output` is the reading end of its standard output. Errors: kUnavailable. A program that does
// not exist exits with 127.
Result<pid_t> StartProgram(std::vector<std::string> words, Descriptor* output);

// `augstore serve` on a store, ended with this object.
class ServerProcess {
 public:
  // Listens at a TCP port that the system chooses and at a Unix socket in `folder`. Errors:
  // kUnavailable (the program does not start, or does not say that it listens), with what it said.
  // With a certificate in `tls` it listens at a port in TLS, too.
  static Result<std::unique_ptr<ServerProcess>> Start(const BenchFlags& flags,
                                                      const std::string& store,
                                                      const std::string& folder,
                                                      const ServerMemory& memory,
                                                      const TlsFiles& tls = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& tcp() const { return tcp_; }
  const std::string& tls() const { return tls_; }
  const std::string& unix_socket() const { return unix_; }
  // CPU seconds of all its threads so far.
  double CpuSeconds() const;
  // Its memory that is not a mapped file. Errors: kUnavailable.
  Result<uint64_t> ResidentBytes() const;

 private:
  explicit ServerProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_;
  std::string tcp_;
  std::string tls_;
  std::string unix_;
};

// A certificate for this machine, in files of `folder`, signed by itself: its `ca` is what clients
// trust. Errors: kUnavailable (no program `openssl`).
Result<TlsFiles> MakeCertificate(const std::string& folder);

// A connected pair of sockets of one kind, with a thread that sends messages of one size on
// request.
class RawSender {
 public:
  // Errors: kUnavailable.
  static Result<std::unique_ptr<RawSender>> Start(bool tcp, size_t message_bytes);
  ~RawSender();
  RawSender(const RawSender&) = delete;
  RawSender& operator=(const RawSender&) = delete;
  // Requests `count` messages and receives them. Errors: kUnavailable.
  Status Pull(uint64_t count);

 private:
  RawSender(Descriptor sending, Descriptor receiving, size_t message_bytes);
  void Send();
  const Descriptor sending_;
  const Descriptor receiving_;
  std::vector<uint8_t> sent_;
  std::vector<uint8_t> received_;
  std::thread thread_;
};

// The program to start as the server: --program, else augstore in the folder of this program, else
// this program.
std::string ServerProgram(const BenchFlags& flags);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_BENCH_BENCH_SERVER_H_

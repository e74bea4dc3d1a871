#include "tools/bench/bench_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/cli/command.h"
#include "tools/cli/program.h"

namespace augstore {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kStartTime{60};
constexpr std::chrono::seconds kStopTime{10};

// In the child: becomes the program, with `output` as its standard output, and ends with its
// parent. Makes only calls that are safe after a fork.
[[noreturn]] void BecomeProgram(const std::vector<char*>& arguments, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::dup2(output, STDOUT_FILENO);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

// The JSON that the server prints when it listens.
Result<Json> ReadAnnouncement(int output, const std::string& program) {
  std::string text;
  const Clock::time_point give_up = Clock::now() + kStartTime;
  while (Clock::now() < give_up && !Interrupted()) {
    pollfd wait{.fd = output, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 100) <= 0) continue;
    std::array<char, 4096> part;
    const ssize_t count = ::read(output, part.data(), part.size());
    if (count <= 0) break;
    text.append(part.data(), static_cast<size_t>(count));
    Json json = Json::parse(text, nullptr, false);
    if (json.is_object()) return json;
  }
  return Unavailable(
      "'{} serve' did not say that it listens (it said '{}'): name the augstore program with "
      "--program",
      program, text);
}

Result<Descriptor> ListenOnLoopback(sockaddr_in* address) {
  Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(*address);
  auto* any = reinterpret_cast<sockaddr*>(address);
  if (listener.get() < 0 || ::bind(listener.get(), any, size) != 0 ||
      ::listen(listener.get(), 1) != 0 || ::getsockname(listener.get(), any, &size) != 0) {
    return Unavailable("no loopback socket: {}", std::strerror(errno));
  }
  return listener;
}

Status ConnectPair(bool tcp, Descriptor* sending, Descriptor* receiving) {
  if (!tcp) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      return Unavailable("no pair of Unix sockets: {}", std::strerror(errno));
    }
    *sending = Descriptor(ends[0]);
    *receiving = Descriptor(ends[1]);
    return OkStatus();
  }
  sockaddr_in address = {};
  AUGSTORE_ASSIGN(const Descriptor listener, ListenOnLoopback(&address));
  *receiving = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(receiving->get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0)
    *sending = Descriptor(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (sending->get() >= 0) return OkStatus();
  return Unavailable("no loopback connection: {}", std::strerror(errno));
}

bool SendAll(int socket, const void* data, size_t size) {
  for (size_t sent = 0; sent < size;) {
    const ssize_t count =
        ::send(socket, static_cast<const char*>(data) + sent, size - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

bool ReceiveAll(int socket, void* data, size_t size) {
  for (size_t received = 0; received < size;) {
    const ssize_t count = ::recv(socket, static_cast<char*>(data) + received, size - received, 0);
    if (count <= 0) return false;
    received += static_cast<size_t>(count);
  }
  return true;
}

}  // namespace

Result<pid_t> StartProgram(std::vector<std::string> words, Descriptor* output) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return Unavailable("no pipe to '{}': {}", words[0], std::strerror(errno));
  }
  *output = Descriptor(ends[0]);
  const Descriptor written(ends[1]);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) BecomeProgram(arguments, written.get());
  if (pid >= 0) return pid;
  return Unavailable("'{}' cannot be started: {}", words[0], std::strerror(errno));
}

std::string ServerProgram(const BenchFlags& flags) {
  if (!flags.program.empty()) return std::filesystem::absolute(flags.program).string();
  const std::string beside = PathBeside("augstore");
  return ::access(beside.c_str(), X_OK) == 0 ? beside : "/proc/self/exe";
}

Result<std::unique_ptr<ServerProcess>> ServerProcess::Start(const BenchFlags& flags,
                                                            const std::string& store,
                                                            const std::string& folder,
                                                            const ServerMemory& memory,
                                                            const TlsFiles& tls) {
  const std::string program = ServerProgram(flags);
  std::vector<std::string> words = {program,         "serve",
                                    "--store",       store,
                                    "--memory",      fmt::format("{}", memory.store_mib),
                                    "--batch-cache", fmt::format("{}", memory.batch_cache_mib),
                                    "--listen",      "tcp://127.0.0.1:0",
                                    "--listen",      "unix://" + folder + "/socket",
                                    "--json",        "--quiet",
                                    "--insecure"};
  if (!tls.certificate.empty()) {
    words.insert(words.end(), {"--listen", "tls://127.0.0.1:0", "--tls-cert", tls.certificate,
                               "--tls-key", tls.key});
  }
  Descriptor output;
  AUGSTORE_ASSIGN(const pid_t pid, StartProgram(std::move(words), &output));
  std::unique_ptr<ServerProcess> server(new ServerProcess(pid));
  AUGSTORE_ASSIGN(const Json announced, ReadAnnouncement(output.get(), program));
  for (const auto& address : announced.value("listening", Json::array())) {
    const std::string text = address.get<std::string>();
    std::string& place = text.starts_with("tcp:")   ? server->tcp_
                         : text.starts_with("tls:") ? server->tls_
                                                    : server->unix_;
    place = text;
  }
  return server;
}

Result<TlsFiles> MakeCertificate(const std::string& folder) {
  const std::string certificate = folder + "/server.pem";
  const std::string key = folder + "/server.key";
  const std::string command = fmt::format(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
      "/CN=bench -addext subjectAltName=IP:127.0.0.1 -keyout '{}' -out '{}' 2>/dev/null",
      key, certificate);
  if (std::system(command.c_str()) != 0) {
    return Unavailable("no certificate can be made: install the program openssl");
  }
  return TlsFiles{certificate, certificate, key};
}

ServerProcess::~ServerProcess() {
  ::kill(pid_, SIGTERM);
  const Clock::time_point give_up = Clock::now() + kStopTime;
  while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (Clock::now() > give_up) ::kill(pid_, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

double ServerProcess::CpuSeconds() const {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

Result<uint64_t> ServerProcess::ResidentBytes() const {
  std::ifstream status(fmt::format("/proc/{}/status", pid_));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) << 10;
  }
  return Unavailable("/proc/{}/status has no memory of the server", pid_);
}

Result<std::unique_ptr<RawSender>> RawSender::Start(bool tcp, size_t message_bytes) {
  Descriptor sending;
  Descriptor receiving;
  AUGSTORE_TRY(ConnectPair(tcp, &sending, &receiving));
  return std::unique_ptr<RawSender>(
      new RawSender(std::move(sending), std::move(receiving), message_bytes));
}

RawSender::RawSender(Descriptor sending, Descriptor receiving, size_t message_bytes)
    : sending_(std::move(sending)),
      receiving_(std::move(receiving)),
      sent_(message_bytes),
      received_(message_bytes) {
  thread_ = std::thread([this] { Send(); });
}

RawSender::~RawSender() {
  ::shutdown(receiving_.get(), SHUT_RDWR);
  thread_.join();
}

void RawSender::Send() {
  uint64_t count = 0;
  while (ReceiveAll(sending_.get(), &count, sizeof(count))) {
    for (uint64_t i = 0; i < count; ++i) {
      if (!SendAll(sending_.get(), sent_.data(), sent_.size())) return;
    }
  }
}

Status RawSender::Pull(uint64_t count) {
  bool ok = SendAll(receiving_.get(), &count, sizeof(count));
  for (uint64_t i = 0; ok && i < count; ++i) {
    ok = ReceiveAll(receiving_.get(), received_.data(), received_.size());
  }
  return ok ? OkStatus() : Unavailable("a loopback connection broke: run it again");
}

}  // namespace augstore

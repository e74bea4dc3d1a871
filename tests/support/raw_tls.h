// A peer that speaks TLS through OpenSSL alone, on a thread of its own: for what ours does not do.
#ifndef AUGSTORE_TESTS_SUPPORT_RAW_TLS_H_
#define AUGSTORE_TESTS_SUPPORT_RAW_TLS_H_

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "schemas/wire/tls_context.h"

namespace augstore {

struct RawTlsOptions {
  TlsFiles own = {};  // certificate and key
  int version = 0;    // the only one; 0: any
};

// Takes `fd`, makes the handshake and runs `then`, if it succeeds.
class RawTls {
 public:
  using Then = std::function<void(SSL*)>;
  RawTls(int fd, bool is_server, const RawTlsOptions& options, Then then = nullptr)
      : fd_(fd), context_(SSL_CTX_new(TLS_method()), &SSL_CTX_free) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to a socket that the other side has closed
    SSL_CTX_set_security_level(context_.get(), 0);
    if (options.version != 0) {
      SSL_CTX_set_min_proto_version(context_.get(), options.version);
      SSL_CTX_set_max_proto_version(context_.get(), options.version);
    }
    if (!options.own.certificate.empty()) {
      SSL_CTX_use_certificate_chain_file(context_.get(), options.own.certificate.c_str());
      SSL_CTX_use_PrivateKey_file(context_.get(), options.own.key.c_str(), SSL_FILETYPE_PEM);
    }
    thread_ = std::thread([this, is_server, then = std::move(then)] {
      const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), &SSL_free);
      SSL_set_fd(ssl.get(), fd_);
      succeeded_ = (is_server ? SSL_accept(ssl.get()) : SSL_connect(ssl.get())) == 1;
      if (succeeded_ && then != nullptr) then(ssl.get());
      ::shutdown(fd_, SHUT_RDWR);
    });
  }
  ~RawTls() {
    Join();
    ::close(fd_);
  }
  // Whether the handshake succeeded.
  bool Join() {
    if (thread_.joinable()) thread_.join();
    return succeeded_;
  }

 private:
  const int fd_;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  bool succeeded_ = false;
  std::thread thread_;
};

// "CN=..." of the peer's certificate.
inline std::string PeerName(SSL* ssl) {
  const std::unique_ptr<X509, decltype(&X509_free)> peer(SSL_get1_peer_certificate(ssl),
                                                         &X509_free);
  char name[256] = {};
  if (peer != nullptr) X509_NAME_oneline(X509_get_subject_name(peer.get()), name, sizeof name);
  return name;
}

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_RAW_TLS_H_

#include "schemas/wire/tls_connection.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

namespace augstore {
namespace {

constexpr size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;
// A call takes so much and no more, so that others have their turn.
constexpr size_t kMostEncrypted = 4 * kRecordBytes;
constexpr size_t kMostOverhead = 4096;  // of its records
constexpr size_t kMostReceived = size_t{128} << 10;
// Of records that the peer makes us send while it reads none.
constexpr size_t kMostUnsent = size_t{1} << 20;
// New keys in the life of a connection: a peer needs one for each 256 GiB, and each costs us much
// more than its bytes.
constexpr uint32_t kMostHandshakeMessages = 1000;

bool IsIpAddress(const std::string& host) {
  in6_addr v6;
  in_addr v4;
  return ::inet_pton(AF_INET, host.c_str(), &v4) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

void Require(bool done) {
  if (!done) throw std::bad_alloc();
}

std::string ReasonText(unsigned long error) {
  const char* const text = ERR_reason_error_string(error);
  return text != nullptr ? text : fmt::format("error {:x}", error);
}

// Why a client does not accept a server's certificate.
Status NotTrusted(long result, const std::string& host) {
  switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Unauthenticated(
          "its certificate is not for the host '{}': connect by a name that it has, or make one "
          "for this name",
          host);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Unauthenticated("its certificate has expired: renew it on the server");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Unauthenticated("its certificate is not valid yet: check the clocks");
    default:
      return Unauthenticated(
          "its certificate comes from no authority that is trusted here ({}): name the authority "
          "with --tls-ca FILE (AUGSTORE_TLS_CA)",
          X509_verify_cert_error_string(result));
  }
}

// What a server's alert means to a client; ok: nothing special.
Status AlertText(int reason, unsigned long error) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return Unauthenticated(
          "it wants a certificate of its clients: give --tls-cert FILE and --tls-key FILE "
          "(AUGSTORE_TLS_CERT, AUGSTORE_TLS_KEY)");
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return Unauthenticated("it does not accept this client's certificate ({}): give another one",
                             ReasonText(error));
    default:
      return OkStatus();
  }
}

// Why a handshake failed, to a client.
Status HandshakeText(int reason, unsigned long error) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return InvalidArgument("it does not speak TLS: write tcp:// instead of tls://");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return InvalidArgument("it does not speak TLS 1.2 or newer: renew its software");
    default:
      return Unavailable("the TLS handshake failed: {}", ReasonText(error));
  }
}

}  // namespace

// The socket below OpenSSL: it takes what was received, and gathers records, so that many go to the
// kernel at once.
struct TlsConnection::Callbacks {
  static TlsConnection* Of(BIO* bio) { return static_cast<TlsConnection*>(BIO_get_data(bio)); }

  static int Receive(BIO* bio, char* bytes, int size) {
    TlsConnection* const self = Of(bio);
    BIO_clear_retry_flags(bio);
    const bool may_go_on = self->received_ < kMostReceived;
    const ssize_t count =
        may_go_on ? ::recv(self->socket_, bytes, static_cast<size_t>(size), MSG_DONTWAIT) : -1;
    if (count > 0) self->received_ += static_cast<size_t>(count);
    if (count == 0) self->at_end_ = true;
    if (count >= 0) return static_cast<int>(count);
    if (!may_go_on || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
      BIO_set_retry_read(bio);
    } else {
      self->socket_error_ = errno;
    }
    return -1;
  }

  static int Gather(BIO* bio, const char* bytes, int size) {
    TlsConnection* const self = Of(bio);
    BIO_clear_retry_flags(bio);
    if (self->records_.size() > kMostUnsent) return -1;
    // Of the vector's own type: other elements would be copied one by one.
    const auto* const data = reinterpret_cast<const uint8_t*>(bytes);
    self->records_.insert(self->records_.end(), data, data + size);
    return size;
  }

  static long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static void CountMessages(int is_sent, int, int type, const void*, size_t, SSL*, void* self) {
    auto* const connection = static_cast<TlsConnection*>(self);
    if (is_sent == 0 && type == SSL3_RT_HANDSHAKE && connection->is_open_)
      ++connection->handshake_messages_;
  }

  static const BIO_METHOD* Method() {
    static const BIO_METHOD* const method = [] {
      BIO_METHOD* const made =
          BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "augstore socket");
      Require(made != nullptr && BIO_meth_set_read(made, Receive) == 1 &&
              BIO_meth_set_write(made, Gather) == 1 && BIO_meth_set_ctrl(made, Control) == 1);
      return made;
    }();
    return method;
  }
};

void TlsConnection::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

TlsConnection::TlsConnection(const TlsContext& context, int socket, std::string host,
                             bool is_server)
    : socket_(socket), is_server_(is_server), host_(std::move(host)), ssl_(SSL_new(context.get())) {
  Require(ssl_ != nullptr);
  BIO* const bio = BIO_new(Callbacks::Method());
  Require(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_msg_callback(ssl_.get(), Callbacks::CountMessages);
  SSL_set_msg_callback_arg(ssl_.get(), this);
}

TlsConnection::TlsConnection(const TlsContext& context, int socket)
    : TlsConnection(context, socket, "", true) {
  SSL_set_accept_state(ssl_.get());
}

TlsConnection::TlsConnection(const TlsContext& context, int socket, const std::string& host)
    : TlsConnection(context, socket, host, false) {
  SSL_set_connect_state(ssl_.get());
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl_.get());
  if (IsIpAddress(host)) {
    Require(X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1);
  } else {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    Require(X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) == 1);
    Require(SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) == 1);
  }
}

TlsConnection::~TlsConnection() = default;

Result<TlsWait> TlsConnection::Handshake() {
  AUGSTORE_TRY(failure_);
  received_ = 0;
  ERR_clear_error();
  const int code = SSL_do_handshake(ssl_.get());
  if (code != 1 && SSL_get_error(ssl_.get(), code) != SSL_ERROR_WANT_READ) {
    const Status why = Fail();
    (void)FlushAll();  // the alert that says why, if the peer takes it at once
    return why;
  }
  AUGSTORE_ASSIGN(const TlsWait sending, FlushAll());
  if (sending != TlsWait::kNothing) return sending;
  is_open_ = code == 1;
  return is_open_ ? TlsWait::kNothing : TlsWait::kToRead;
}

Result<TlsProgress> TlsConnection::Read(std::span<uint8_t> space) {
  AUGSTORE_TRY(failure_);
  received_ = 0;
  size_t done = 0;
  while (done < space.size()) {
    ERR_clear_error();
    size_t count = 0;
    const int code = SSL_read_ex(ssl_.get(), space.data() + done, space.size() - done, &count);
    done += count;
    if (code == 1) continue;
    const int error = SSL_get_error(ssl_.get(), code);
    const bool ended = error == SSL_ERROR_ZERO_RETURN || at_end_;
    if (handshake_messages_ > kMostHandshakeMessages) {
      failure_ = InvalidArgument("it changes its keys all the time");
    } else if (error != SSL_ERROR_WANT_READ && !ended) {
      (void)Fail();
    }
    if (done > 0) break;  // the rest at the next call
    if (!failure_.ok()) return failure_;
    if (ended) return TlsProgress{.end = true};
    return TlsProgress{.wait = TlsWait::kToRead};
  }
  return TlsProgress{.count = done};
}

Result<bool> TlsConnection::IsAtEnd() {
  AUGSTORE_TRY(failure_);
  received_ = 0;
  ERR_clear_error();
  uint8_t byte = 0;
  size_t count = 0;
  const int code = SSL_peek_ex(ssl_.get(), &byte, 1, &count);
  if (code == 1) return false;
  const int error = SSL_get_error(ssl_.get(), code);
  if (error == SSL_ERROR_ZERO_RETURN || at_end_) return true;
  if (error == SSL_ERROR_WANT_READ) return false;
  return Fail();
}

Result<size_t> TlsConnection::Encrypt(const std::array<std::span<const uint8_t>, 2>& parts) {
  const size_t total = parts[0].size() + parts[1].size();
  std::array<uint8_t, kRecordBytes> gathered;
  records_.reserve(std::min(total, kMostEncrypted) + kMostOverhead);
  size_t done = 0;
  while (done < std::min(total, kMostEncrypted)) {
    std::span<const uint8_t> piece =
        done < parts[0].size() ? parts[0].subspan(done) : parts[1].subspan(done - parts[0].size());
    piece = piece.first(std::min(piece.size(), kMostEncrypted - done));
    if (done + piece.size() == parts[0].size() && piece.size() < kRecordBytes) {
      // The end of the first part and the beginning of the second share a record.
      const size_t more = std::min(kRecordBytes - piece.size(), parts[1].size());
      std::copy(piece.begin(), piece.end(), gathered.begin());
      std::copy_n(parts[1].begin(), more, gathered.begin() + static_cast<ptrdiff_t>(piece.size()));
      piece = {gathered.data(), piece.size() + more};
    }
    ERR_clear_error();
    size_t count = 0;
    if (SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &count) != 1) return Fail();
    done += count;
  }
  return done;
}

Result<TlsProgress> TlsConnection::Write(const std::array<std::span<const uint8_t>, 2>& parts) {
  AUGSTORE_TRY(failure_);
  if (!has_unsent()) {
    AUGSTORE_ASSIGN(pending_, Encrypt(parts));
  }
  AUGSTORE_ASSIGN(const TlsWait wait, Flush());
  if (wait != TlsWait::kNothing || has_unsent()) return TlsProgress{.wait = wait};
  return TlsProgress{.count = std::exchange(pending_, 0)};
}

Result<TlsWait> TlsConnection::Finish() {
  AUGSTORE_TRY(failure_);
  if (!is_open_) return TlsWait::kNothing;
  if (!std::exchange(finished_, true)) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  return FlushAll();
}

Result<TlsWait> TlsConnection::Flush() {
  if (!has_unsent()) return TlsWait::kNothing;
  const ssize_t count = ::send(socket_, records_.data() + records_sent_,
                               records_.size() - records_sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return TlsWait::kToWrite;
    socket_error_ = errno;
    // The peer may have said why it closed the connection.
    uint8_t byte = 0;
    size_t read = 0;
    ERR_clear_error();
    if (is_open_ && failure_.ok()) SSL_read_ex(ssl_.get(), &byte, 1, &read);
    return Fail();
  }
  records_sent_ += static_cast<size_t>(count);
  if (!has_unsent()) {
    records_.clear();
    records_sent_ = 0;
  }
  return TlsWait::kNothing;
}

Result<TlsWait> TlsConnection::FlushAll() {
  while (has_unsent()) {
    AUGSTORE_ASSIGN(const TlsWait wait, Flush());
    if (wait != TlsWait::kNothing) return wait;
  }
  return TlsWait::kNothing;
}

Status TlsConnection::Fail() {
  if (failure_.ok()) failure_ = SayWhy();
  return failure_;
}

Status TlsConnection::SayWhy() const {
  const unsigned long error = ERR_peek_error();
  if (error != 0) return is_server_ ? SayWhyToServer(error) : SayWhyToClient(error);
  if (socket_error_ != 0) return Unavailable("{}", std::system_category().message(socket_error_));
  return Unavailable("it closed the connection");
}

Status TlsConnection::SayWhyToServer(unsigned long error) const {
  const long verified = SSL_get_verify_result(ssl_.get());
  switch (ERR_GET_REASON(error)) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return InvalidArgument("it has no certificate, and --tls-client-ca wants one");
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return InvalidArgument("its certificate is not accepted: {}",
                             X509_verify_cert_error_string(verified));
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return InvalidArgument("it does not speak TLS 1.2 or newer");
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return InvalidArgument("it does not speak TLS");
    default:
      return InvalidArgument("{}", ReasonText(error));
  }
}

Status TlsConnection::SayWhyToClient(unsigned long error) const {
  const int reason = ERR_GET_REASON(error);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    return NotTrusted(SSL_get_verify_result(ssl_.get()), host_);
  }
  AUGSTORE_TRY(AlertText(reason, error));
  if (!is_open_) return HandshakeText(reason, error);
  return DataLoss("its bytes were damaged on their way ({}): connect again", ReasonText(error));
}

}  // namespace augstore

#include "schemas/wire/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <new>
#include <system_error>
#include <utility>

namespace augstore {
namespace {

// Of TLS 1.2: those with an exchange of keys for each connection and with authenticated encryption.
// TLS 1.3 has no others.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
// Ciphertext is received in pieces of up to this size.
constexpr size_t kReadBytes = size_t{64} << 10;

std::string Reason() {
  const unsigned long error = ERR_peek_error();
  if (error == 0) return "unknown reason";
  if (ERR_SYSTEM_ERROR(error)) return std::system_category().message(ERR_GET_REASON(error));
  const char* const text = ERR_reason_error_string(error);
  return text != nullptr ? text : fmt::format("error {:x}", error);
}

Status CannotUse(std::string_view what, const std::string& path) {
  return InvalidArgument("{} '{}' cannot be used: {}: give a file in PEM", what, path, Reason());
}

// Keys with a password would make OpenSSL ask at the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

Status CheckPrivate(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return InvalidArgument("the key '{}' cannot be read: {}: correct the path", path,
                           std::system_category().message(errno));
  }
  // A group that root chose is meant to read it, as Debian's ssl-cert.
  const mode_t allowed = info.st_uid == 0 ? S_IRWXU | S_IRGRP : S_IRWXU;
  if ((info.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO) & ~allowed) != 0) {
    return InvalidArgument("others can read the key '{}': take their rights away (chmod 600 {})",
                           path, path);
  }
  return OkStatus();
}

Status LoadOwn(SSL_CTX* context, const TlsFiles& files) {
  if (files.certificate.empty() || files.key.empty()) {
    return InvalidArgument("a certificate and its key belong together: give both or neither");
  }
  AUGSTORE_TRY(CheckPrivate(files.key));
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return CannotUse("the certificate", files.certificate);
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    if (ERR_GET_REASON(ERR_peek_error()) != X509_R_KEY_VALUES_MISMATCH)
      return CannotUse("the key", files.key);
    return InvalidArgument(
        "the key '{}' is not that of the certificate '{}': give those of one pair", files.key,
        files.certificate);
  }
  const ASN1_TIME* const end = X509_get0_notAfter(SSL_CTX_get0_certificate(context));
  if (X509_cmp_current_time(end) < 0) {
    return InvalidArgument("the certificate '{}' has expired: renew it", files.certificate);
  }
  return OkStatus();
}

Status LoadAuthorities(SSL_CTX* context, const std::string& path) {
  if (SSL_CTX_load_verify_file(context, path.c_str()) == 1) return OkStatus();
  return CannotUse("the authorities' file", path);
}

SSL_CTX* NewContext(const SSL_METHOD* method) {
  ERR_clear_error();
  SSL_CTX* const context = SSL_CTX_new(method);
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBytes);
  SSL_CTX_set_default_passwd_cb(context, NoPassword);
  return context;
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::ForServer(const TlsFiles& files) {
  const std::shared_ptr<const TlsContext> made(new TlsContext(NewContext(TLS_server_method())));
  AUGSTORE_TRY(LoadOwn(made->get(), files));
  if (!files.ca.empty()) {
    AUGSTORE_TRY(LoadAuthorities(made->get(), files.ca));
    SSL_CTX_set_client_CA_list(made->get(), SSL_load_client_CA_file(files.ca.c_str()));
    SSL_CTX_set_verify(made->get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return made;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::ForClient(const TlsFiles& files) {
  const std::shared_ptr<const TlsContext> made(new TlsContext(NewContext(TLS_client_method())));
  SSL_CTX_set_verify(made->get(), SSL_VERIFY_PEER, nullptr);
  if (!files.ca.empty()) {
    AUGSTORE_TRY(LoadAuthorities(made->get(), files.ca));
  } else {
    SSL_CTX_set_default_verify_paths(made->get());
  }
  if (!files.certificate.empty() || !files.key.empty()) AUGSTORE_TRY(LoadOwn(made->get(), files));
  return made;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

std::string TlsContext::Describe() const {
  const X509* const certificate = SSL_CTX_get0_certificate(context_);
  if (certificate == nullptr) return "no certificate";
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), &BIO_free);
  if (text == nullptr) throw std::bad_alloc();
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  BIO_puts(text.get(), ", valid until ");
  ASN1_TIME_print(text.get(), X509_get0_notAfter(certificate));
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<size_t>(size)};
}

int64_t TlsContext::EndsAt() const {
  const X509* const certificate = SSL_CTX_get0_certificate(context_);
  std::tm end{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) {
    return 0;
  }
  return ::timegm(&end);
}

}  // namespace augstore

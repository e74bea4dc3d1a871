// What a side of TLS connections brings along: certificate, key, and the authorities that it
// trusts. TLS 1.2 and 1.3 with ciphers that keep past connections secret when a key is stolen.
#ifndef AUGSTORE_SCHEMAS_WIRE_TLS_CONTEXT_H_
#define AUGSTORE_SCHEMAS_WIRE_TLS_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "schemas/base/status.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace augstore {

// Files in PEM. An empty name: none.
struct TlsFiles {
  std::string ca;           // the authorities that the peer's certificate must come from
  std::string certificate;  // of this side, then those between it and its authority
  std::string key;          // of the certificate; nobody else may be able to read the file
  bool operator==(const TlsFiles&) const = default;
};

// Immutable, so several threads may use it.
class TlsContext {
 public:
  // Needs certificate and key. With `ca`, clients must have a certificate, too. Errors:
  // kInvalidArgument, naming the file: it cannot be read, others can read the key, the key is not
  // the certificate's, or the certificate has expired.
  static Result<std::shared_ptr<const TlsContext>> ForServer(const TlsFiles& files);
  // Without `ca`, trusts the authorities of the system. Errors: as ForServer.
  static Result<std::shared_ptr<const TlsContext>> ForClient(const TlsFiles& files);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Whose certificate it is and until when it is valid, for a log.
  std::string Describe() const;
  // Until when the certificate is valid, in Unix seconds; 0: there is none.
  int64_t EndsAt() const;
  ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* const context_;
};

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_WIRE_TLS_CONTEXT_H_

// Certificates for one test, made with the commands of docs/operations.md.
#ifndef AUGSTORE_TESTS_SUPPORT_CERTIFICATES_H_
#define AUGSTORE_TESTS_SUPPORT_CERTIFICATES_H_

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "schemas/wire/tls_context.h"
#include "tests/support/temp_dir.h"

namespace augstore {

// An authority, "ca", and what it and others sign.
class Certificates {
 public:
  Certificates() { MakeAuthority("ca"); }

  std::string File(const std::string& name) const { return dir_.path() + "/" + name; }
  std::string ca() const { return File("ca.pem"); }
  void MakeAuthority(const std::string& name) const {
    Run(
        fmt::format("openssl req -x509 {} -days 30 -subj '/CN={}' -addext "
                    "keyUsage=critical,keyCertSign -keyout {}.key -out {}.pem",
                    kNew, name, name, name));
  }
  // `names`: whose certificate it is, such as "DNS:localhost,IP:127.0.0.1".
  TlsFiles Issue(const std::string& name, const std::string& names,
                 const std::string& authority = "ca") const {
    Run(fmt::format(
        "openssl req -x509 {} -days 30 -subj '/CN={}' -addext 'subjectAltName={}' -addext "
        "basicConstraints=CA:FALSE -CA {}.pem -CAkey {}.key -keyout {}.key -out {}.pem",
        kNew, name, names, authority, authority, name, name));
    return {"", File(name + ".pem"), File(name + ".key")};
  }
  // One whose time is over.
  TlsFiles IssueExpired(const std::string& name, const std::string& names) const {
    Run(
        fmt::format("openssl req {} -subj '/CN={}' -addext 'subjectAltName={}' -keyout {}.key -out "
                    "{}.csr",
                    kNew, name, names, name, name));
    Run(
        fmt::format("openssl x509 -req -in {}.csr -copy_extensions copy -CA ca.pem -CAkey ca.key "
                    "-days -1 -out {}.pem",
                    name, name));
    return {"", File(name + ".pem"), File(name + ".key")};
  }
  // For a server at the addresses of tests.
  TlsFiles Server() const { return Issue("server", "DNS:localhost,IP:127.0.0.1"); }
  TlsFiles TrustedByClients() const { return {ca(), "", ""}; }

 private:
  static constexpr const char* kNew = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
  void Run(const std::string& command) const {
    const std::string all = fmt::format("cd {} && {} 2>log", dir_.path(), command);
    EXPECT_EQ(std::system(all.c_str()), 0) << command;
  }
  TempDir dir_;
};

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_CERTIFICATES_H_

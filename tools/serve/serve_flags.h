// The flags of augstore serve.
#ifndef AUGSTORE_TOOLS_SERVE_SERVE_FLAGS_H_
#define AUGSTORE_TOOLS_SERVE_SERVE_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/wire/tls_context.h"
#include "server/access/audit_file.h"
#include "tools/cli/command.h"

namespace augstore {

struct ServeFlags {
  const Command* serve = nullptr;
  std::string config;
  CommonFlags local;  // without --connect
  std::vector<std::string> listen;
  std::vector<std::string> http;
  std::string images;
  std::string traces;  // a collector; empty: none
  uint64_t least_free_mib = 1024;
  std::string log_format = "text";
  std::string log_level;  // empty: as its flag says
  TlsFiles tls;
  bool insecure = false;
  uint32_t max_failed_handshakes = 10;
  int workers = 0;
  uint32_t max_connections = 256;
  uint32_t max_host_connections = 0;
  uint32_t max_host_strangers = 0;
  uint32_t idle_timeout_s = 300;
  uint32_t write_timeout_s = 60;
  uint32_t frame_timeout_s = 10;
  uint32_t least_rate_kib = 64;
  uint32_t request_timeout_s = 120;
  uint64_t batch_cache_mib = 32;
  std::string backup_dir;
  uint64_t audit_size_mib = AuditFile::kMaxBytes >> 20;
  int64_t parent = 0;  // 0: none
  bool create = false;
};

void AddServeFlags(Command* command, ServeFlags* flags);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_SERVE_SERVE_FLAGS_H_

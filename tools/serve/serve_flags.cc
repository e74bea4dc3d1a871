#include "tools/serve/serve_flags.h"

#include "tools/flags/config_file.h"

namespace augstore {
namespace {

void AddWatchingFlags(Command* command, ServeFlags* flags) {
  command->AddFlag(
      "--http", &flags->http,
      "Address of the HTTP listener, which has the console, /healthz, /readyz, /metrics and "
      "/api/v1/; may be given several times: tcp://127.0.0.1:9411 for HTTP, tls://0.0.0.0:9411 for "
      "HTTPS (default: none)");
  command->AddFlag(
      "--traces", &flags->traces,
      "Collector of OpenTelemetry, http://HOST:4318/v1/traces, that gets a span of each request in "
      "a client's trace (default: none)");
  command->AddFlag("--images", &flags->images,
                   "Folder with the images of samples, by their keys, for the console to show "
                   "(default: it shows none)");
}

void AddConnectionFlags(Command* command, ServeFlags* flags) {
  command
      ->AddFlag("--max-connections", &flags->max_connections,
                "Connections served at a time; an idle one makes room for a new one")
      .Positive();
  command
      ->AddFlag("--max-connections-per-host", &flags->max_host_connections,
                "Of these, for one host over TCP (an IPv4 address, an IPv6 /64 network); one of "
                "its own makes room (default: half)")
      .AtLeast(0);
  command
      ->AddFlag(
          "--max-unauthenticated-per-host", &flags->max_host_strangers,
          "Of these, those that have presented no key yet; the oldest is closed for a new one "
          "(default: an eighth)")
      .AtLeast(0);
  command
      ->AddFlag("--request-timeout", &flags->request_timeout_s,
                "Seconds that a query or a batch may take")
      .Positive();
  command
      ->AddFlag("--idle-timeout", &flags->idle_timeout_s,
                "Seconds without a request after which a connection is closed")
      .Positive();
  command
      ->AddFlag("--write-timeout", &flags->write_timeout_s,
                "Seconds without taking any of a reply after which a connection is closed")
      .Positive();
  command
      ->AddFlag("--frame-timeout", &flags->frame_timeout_s,
                "Seconds to send a request, or take a reply, whole; more for large ones")
      .Positive();
  command
      ->AddFlag("--least-rate", &flags->least_rate_kib,
                "KiB a second at which large requests and replies must pass at least")
      .Positive();
}

}  // namespace

void AddServeFlags(Command* command, ServeFlags* flags) {
  flags->serve = command;
  AddLocalFlags(command, &flags->local);
  command
      ->AddFlag(kConfigFlag, &flags->config,
                "File of settings in TOML; `augstore config default` prints one")
      .Env(kConfigVariable);
  command->AddFlag("--create", &flags->create, "Make an empty store where the folder has none");
  command->AddFlag(
      "--listen", &flags->listen,
      "Address to listen at; may be given several times. TCP connections need a key, and without "
      "TLS come from this machine alone (default: augstore.sock in the store's folder, which is "
      "there whenever no Unix socket is named)");
  AddWatchingFlags(command, flags);
  command
      ->AddFlag("--least-free", &flags->least_free_mib,
                "MiB of free disk below which /readyz says no")
      .Range(0, 1 << 30);
  command
      ->AddFlag("--log-format", &flags->log_format,
                "Of the log on standard error, which has a line for each stream at its end")
      .Choices({"text", "json"});
  command
      ->AddFlag("--log-level", &flags->log_level,
                "Least level of what is logged (default: info; warn with --quiet)")
      .Choices({"debug", "info", "warn", "error"});
  command->AddFlag(
      "--insecure", &flags->insecure,
      "TCP without keys, from other machines too: anybody who reaches the port may read, "
      "write and delete everything");
  command
      ->AddFlag(
          "--max-failed-handshakes", &flags->max_failed_handshakes,
          "Wrong keys in a minute after which a host's connections are refused; 0: any number")
      .AtLeast(0);
  command->AddFlag("--tls-cert", &flags->tls.certificate,
                   "Certificate for addresses in tls://, in PEM; read again on SIGHUP");
  command->AddFlag("--tls-key", &flags->tls.key,
                   "Key of the certificate, in a file that nobody else can read");
  command->AddFlag("--tls-client-ca", &flags->tls.ca,
                   "Clients in tls:// need a certificate from these authorities, in PEM");
  command->AddFlag("--workers", &flags->workers, "Threads that build batches (default: all cores)")
      .Range(0, 1024);
  command
      ->AddFlag("--batch-cache", &flags->batch_cache_mib,
                "MiB of batches kept for other clients of the same stream; 0: none")
      .Range(0, 1 << 24);
  command->AddFlag("--backup-dir", &flags->backup_dir,
                   "Folder in which clients may have backups made (default: they may not)");
  command
      ->AddFlag("--audit-size", &flags->audit_size_mib,
                "MiB of one file of the audit log, of which ten are kept; 0: no audit log")
      .Range(0, 1 << 20);
  AddConnectionFlags(command, flags);
  command
      ->AddFlag("--parent", &flags->parent,
                "Stop when the process of this id, which started the server, has ended (default: "
                "serve until Ctrl-C)")
      .AtLeast(0);
}

}  // namespace augstore

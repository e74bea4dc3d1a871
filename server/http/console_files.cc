#include "server/http/console_files.h"

#include <map>
#include <string>
#include <utility>

namespace augstore {
namespace {

struct EmbeddedFile {
  std::string_view path;
  const unsigned char* bytes;
  size_t size;
};

#include "server/console_files.inc"

// What scripts and styles may come from, and whom the page may talk to: this server alone. Trusted
// types (W3C) keep texts from becoming HTML. Pictures may also be made of bytes that the page
// fetched with its key, which an <img> cannot send.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'";

std::string TypeOf(std::string_view path) {
  if (path.ends_with(".html")) return "text/html; charset=utf-8";
  if (path.ends_with(".css")) return "text/css; charset=utf-8";
  if (path.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (path.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

HttpReply PageOf(const EmbeddedFile& file) {
  return {.body = {reinterpret_cast<const char*>(file.bytes), file.size},
          .type = TypeOf(file.path),
          .headers = {{"Content-Security-Policy", kPolicy},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"}}};
}

// Each in two forms, made once.
struct Pages {
  std::map<std::string_view, HttpReply> plain;
  std::map<std::string_view, HttpReply> compressed;
};
Pages MakePages() {
  Pages pages;
  for (const EmbeddedFile& file : kFiles) {
    HttpReply page = PageOf(file);
    pages.plain.emplace(file.path, page);
    Compress(&page);
    pages.compressed.emplace(file.path, std::move(page));
  }
  return pages;
}

}  // namespace

std::optional<HttpReply> ConsoleFile(std::string_view path, bool compressed) {
  static const Pages pages = MakePages();
  const auto& files = compressed ? pages.compressed : pages.plain;
  const auto found = files.find(path == "/" ? "/index.html" : path);
  if (found == files.end()) return std::nullopt;
  return found->second;
}

}  // namespace augstore

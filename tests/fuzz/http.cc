#include "server/http/http_message.h"

#include <algorithm>

#include "tests/fuzz/targets.h"

namespace augstore::fuzz {

// The input is what a connection to the HTTP listener sends. How it is cut into parts makes no
// difference, and no part of a request is invented.
void Fuzz_http(Bytes input) {
  const std::string_view bytes = Text(input);
  const auto read = [&](size_t part) {
    HttpReader reader;
    std::string requests;
    for (size_t begin = 0; begin < bytes.size(); begin += part) {
      reader.Add(bytes.substr(begin, part));
      for (;;) {
        const Result<std::optional<HttpRequest>> next = reader.Next();
        if (!next.ok()) return requests + "error";
        if (!next->has_value()) break;
        const HttpRequest& request = **next;
        AUGSTORE_CHECK(request.path.starts_with('/') && !request.method.empty());
        AUGSTORE_CHECK(request.path.find_first_of("? \r\n") == std::string::npos);
        AUGSTORE_CHECK(bytes.find(request.path) != std::string_view::npos);
        AUGSTORE_CHECK(bytes.find(request.key) != std::string_view::npos);
        AUGSTORE_CHECK(bytes.find(request.body) != std::string_view::npos);
        AUGSTORE_CHECK(request.body.size() == request.body_bytes);
        AUGSTORE_CHECK(request.body.size() <= kMostHttpBodyBytes);
        requests += request.method + ' ' + request.path + ' ' + request.key + '\n' + request.body;
        for (const auto& [name, value] : request.query) requests += name + '=' + value + '\n';
      }
    }
    return requests;
  };
  const std::string requests = read(std::max<size_t>(1, bytes.size()));
  AUGSTORE_CHECK(bytes.size() > kMostHttpHeadBytes || requests == read(7));
}

}  // namespace augstore::fuzz

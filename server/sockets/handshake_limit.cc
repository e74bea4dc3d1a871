#include "server/sockets/handshake_limit.h"

#include <algorithm>

namespace augstore {

void HandshakeLimit::CountFailure(const std::string& host, Clock::time_point now) {
  if (most_ == 0) return;
  if (hosts_.size() >= kMostHosts && !hosts_.contains(host)) {
    std::erase_if(hosts_, [&](const auto& entry) { return now - entry.second.first >= kWindow; });
    // Many hosts at once: remembering none of them is better than not to serve.
    if (hosts_.size() >= kMostHosts) hosts_.clear();
  }
  Failures& failures = hosts_[host];
  if (now - failures.first >= kWindow) failures = {now, 0};
  ++failures.count;
}

std::chrono::seconds HandshakeLimit::BlockedFor(const std::string& host,
                                                Clock::time_point now) const {
  const auto found = hosts_.find(host);
  if (most_ == 0 || found == hosts_.end() || found->second.count < most_) return {};
  const auto left = std::chrono::ceil<std::chrono::seconds>(found->second.first + kWindow - now);
  return std::max(left, std::chrono::seconds(0));
}

}  // namespace augstore

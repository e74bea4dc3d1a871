#include "server/sockets/connection_table.h"

#include <algorithm>
#include <utility>

namespace augstore {

size_t ConnectionTable::Count(const Filter& filter) const {
  return static_cast<size_t>(std::ranges::count_if(sessions_, [&](const auto& entry) {
    return !entry.first->is_closed() && filter(*entry.first, entry.second);
  }));
}

bool ConnectionTable::CloseStranger(const Filter& filter) {
  Session* oldest = nullptr;
  for (const auto& [session, host] : sessions_) {
    if (!session->is_stranger() || !filter(*session, host)) continue;
    if (oldest == nullptr || session->began() < oldest->began()) oldest = session.get();
  }
  if (oldest == nullptr) return false;
  oldest->Close();  // it is removed when its coroutine ends
  return true;
}

bool ConnectionTable::CloseOne(const Filter& filter) {
  // Who has not said who it is makes room before a client that has.
  if (CloseStranger(filter)) return true;
  Session* longest = nullptr;
  auto oldest = Session::Clock::now() - limits_.least_idle;
  for (const auto& [session, host] : sessions_) {
    const auto since = session->idle_since();
    if (!since.has_value() || *since > oldest || !filter(*session, host)) continue;
    oldest = *since;
    longest = session.get();
  }
  if (longest == nullptr) return false;
  longest->Close();
  return true;
}

Status ConnectionTable::MakeRoom(const std::string& host) {
  if (!host.empty()) {
    const auto is_of_host = [&](const Session&, const std::string& other) { return other == host; };
    const auto is_stranger = [&](const Session& session, const std::string& other) {
      return other == host && session.is_stranger();
    };
    // A client says who it is at once, so the oldest stranger is none.
    if (Count(is_stranger) >= limits_.strangers_of_host) CloseStranger(is_of_host);
    if (Count(is_of_host) >= limits_.of_host && !CloseOne(is_of_host)) {
      return ResourceExhausted(
          "host {} has {} connections, the limit for one host: close one, try again later, or "
          "start the server with a higher --max-connections-per-host",
          host, limits_.of_host);
    }
  }
  const auto is_any = [](const Session&, const std::string&) { return true; };
  if (Count(is_any) < limits_.all || CloseOne(is_any)) return OkStatus();
  return ResourceExhausted(
      "the server has {} connections, its limit: close one, try again later, or start the server "
      "with a higher --max-connections",
      limits_.all);
}

void ConnectionTable::Add(std::shared_ptr<Session> session, const std::string& host) {
  sessions_.emplace(std::move(session), host);
}

void ConnectionTable::Remove(const std::shared_ptr<Session>& session) { sessions_.erase(session); }

void ConnectionTable::StopAll() {
  for (const auto& [session, host] : sessions_) session->Stop();
}

}  // namespace augstore

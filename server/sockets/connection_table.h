// Internal to the server folder: the connections that are served, how many each host may have, and
// which of them make room for others.
#ifndef AUGSTORE_SERVER_SOCKETS_CONNECTION_TABLE_H_
#define AUGSTORE_SERVER_SOCKETS_CONNECTION_TABLE_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "schemas/base/status.h"
#include "server/sockets/session.h"

namespace augstore {

// Thread safety: none; it belongs to the socket thread.
class ConnectionTable {
 public:
  struct Limits {
    size_t all = 1;
    // Of one host over TCP: of all kinds, and of those that have not said yet who they are.
    size_t of_host = 1;
    size_t strangers_of_host = 1;
    // For so long a connection must have been idle before it makes room for another.
    std::chrono::milliseconds least_idle{};
  };
  explicit ConnectionTable(const Limits& limits) : limits_(limits) {}

  // Sees to it that `host` may have one connection more; closes one that only waits if need be, of
  // this host where it is the host that has too many. Empty: a Unix socket, which is of no host.
  // Errors: kResourceExhausted.
  Status MakeRoom(const std::string& host);
  void Add(std::shared_ptr<Session> session, const std::string& host);
  void Remove(const std::shared_ptr<Session>& session);
  void StopAll();

 private:
  using Filter = std::function<bool(const Session& session, const std::string& host)>;
  size_t Count(const Filter& filter) const;
  // Closes the oldest of the strangers that the filter lets pass. False: there is none.
  bool CloseStranger(const Filter& filter);
  // The same, or, where there is no stranger, the connection that has been idle longest.
  bool CloseOne(const Filter& filter);

  const Limits limits_;
  std::map<std::shared_ptr<Session>, std::string> sessions_;  // and their hosts
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_CONNECTION_TABLE_H_

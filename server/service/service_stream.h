// Internal to the server folder: handlers for queries and streams, and runs of batches.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_STREAM_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_STREAM_H_

#include <memory>

#include "server/service/reply_source.h"
#include "server/service/service_handler.h"

#define AUGSTORE_STREAM_LONG_HANDLERS(M) \
  M(Query, SharedBytes)                  \
  M(OpenStream, StreamReply)

namespace augstore {
namespace handlers {
AUGSTORE_STREAM_LONG_HANDLERS(AUGSTORE_DECLARE_LONG_HANDLER)
}  // namespace handlers

// The replies to a BatchesRequest, the one request that has several: a BatchReply for each step,
// then an EndReply. An error, also of the request itself, is the last reply. A run of a
// caller whose key ends meanwhile ends with kUnauthenticated.
std::unique_ptr<ReplySource> StartBatches(ServiceState* state, Frame request,
                                          PrincipalPointer caller, RequestTracePointer trace);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_STREAM_H_

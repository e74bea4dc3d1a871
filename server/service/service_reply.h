// Internal to the server folder: how what a handler returns, or throws, becomes a reply.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_REPLY_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_REPLY_H_

#include <cstdint>
#include <string>

#include "schemas/wire/frame.h"
#include "server/access/audit_note.h"
#include "server/access/principal.h"
#include "server/service/reply_source.h"
#include "server/service/service_state.h"

namespace augstore {

// Has the audit log note what became of a request, if it is a write or was refused.
void NoteOutcome(ServiceState& state, MessageType request, const Principal& caller, AuditNote note,
                 const Status& outcome);

// The Status that stands for the exception being handled, thrown while `request` was served.
// REQUIRES: called in a catch block.
Status StatusOfException(MessageType request);

// Memory for a reply of `rows` embeddings in f32. Errors: kResourceExhausted (not free now, or more
// than there is).
Result<MemoryBudget::Share> TakeReply(ServiceState& state, uint64_t rows, uint32_t columns);

// Of a batch's row, beside its embedding: id, label and chain.
inline constexpr uint64_t kBytesPerSample = sizeof(SampleId) + sizeof(int32_t) + sizeof(uint16_t);

// The result of `make`, a Status or a Result; an exception becomes a Status.
template <typename Make>
auto Guarded(MessageType request, const Make& make) -> decltype(make()) {
  try {
    return make();
  } catch (...) {
    return StatusOfException(request);
  }
}

// The reply that `made` becomes: an error, and a reply that no client would accept, become an
// ErrorReply. Counts the bytes of the reply. Throws std::bad_alloc if there is no memory even for
// an ErrorReply.
Reply FinishReply(ServiceState& state, uint32_t request_id, Result<Reply> made);

// What `make`, which returns a Result<Reply>, makes for `request`: exceptions become ErrorReplies
// as well.
template <typename Make>
Reply MakeReply(ServiceState& state, MessageType request, uint32_t request_id, const Make& make) {
  return FinishReply(state, request_id, Guarded(request, make));
}

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_REPLY_H_

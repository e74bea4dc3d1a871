#include "server/service/service_reply.h"

#include <exception>
#include <new>
#include <utility>

#include "schemas/base/limits.h"
#include "schemas/wire/messages.h"
#include "server/access/access.h"

namespace augstore {

void NoteOutcome(ServiceState& state, MessageType request, const Principal& caller, AuditNote note,
                 const Status& outcome) {
  if (state.audit == nullptr || note.under_way) return;
  const bool is_write = IsWrite(request) && !note.looks;
  if (!is_write && !IsRefusal(outcome)) return;
  state.audit->Add(
      caller, {OperationName(request), std::move(note.target), std::move(note.result), outcome});
}

Status StatusOfException(MessageType request) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return ResourceExhausted(
        "{}: the server has too little memory: ask for fewer rows, or lower its memory budget",
        OperationName(request));
  } catch (const std::exception& error) {
    return Internal("{}: {}: please report this", OperationName(request), error.what());
  } catch (...) {
    return Internal("{}: an exception of unknown type: please report this", OperationName(request));
  }
}

Result<MemoryBudget::Share> TakeReply(ServiceState& state, uint64_t rows, uint32_t columns) {
  const uint64_t bytes = rows * (uint64_t{columns} * sizeof(float) + kBytesPerSample);
  AUGSTORE_TRY(state.memory.CheckFits(bytes, "the reply"));
  return state.memory.TakeNow(bytes, "the reply");
}

Reply FinishReply(ServiceState& state, uint32_t request_id, Result<Reply> made) {
  if (made.ok() && made->parked) return *std::move(made);
  if (made.ok() && made->frame.body.bytes.size() > kMaxReplyBytes) {
    made = ResourceExhausted("the reply has {} bytes, the limit is {}: ask for less at once",
                             made->frame.body.bytes.size(), kMaxReplyBytes);
  }
  if (!made.ok()) ++state.metrics.errors.at(static_cast<size_t>(made.status().code()));
  Reply reply = made.ok() ? *std::move(made)
                          : Reply{.parked = false, .frame = ErrorFrame(made.status(), request_id)};
  state.metrics.reply_bytes += reply.frame.body.bytes.size();
  return reply;
}

}  // namespace augstore

// Internal to the server folder: handlers for the embeddings of a space and for writing
// collections.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_INGEST_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_INGEST_H_

#include <variant>

#include "server/service/service_handler.h"

namespace augstore {

using CompareAnswer = std::variant<DraftChangesReply, DraftProgressReply>;
using CommitAnswer = std::variant<RecordReply, DraftProgressReply>;

}  // namespace augstore

#define AUGSTORE_INGEST_HANDLERS(M) \
  M(FindImages, RowIdsReply)        \
  M(AppendRows, RowIdsReply)        \
  M(AppendSamples, EndReply)        \
  M(AppendViews, EndReply)          \
  M(CompareDraft, CompareAnswer)    \
  M(CommitDraft, CommitAnswer)      \
  M(AbortDraft, EndReply)           \
  M(GetSamples, SamplesReply)
#define AUGSTORE_INGEST_LONG_HANDLERS(M) M(ReadRows, SharedBytes)
#define AUGSTORE_INGEST_CALLER_HANDLERS(M) M(BeginDraft, DraftReply)

namespace augstore::handlers {
AUGSTORE_INGEST_HANDLERS(AUGSTORE_DECLARE_HANDLER)
AUGSTORE_INGEST_LONG_HANDLERS(AUGSTORE_DECLARE_LONG_HANDLER)
AUGSTORE_INGEST_CALLER_HANDLERS(AUGSTORE_DECLARE_CALLER_HANDLER)
}  // namespace augstore::handlers

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_INGEST_H_

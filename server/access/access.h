// Internal to the server folder: who may do what. The table below is the one place that says so;
// docs/security.md shows it to people, and a test compares the two with what a server does.
#ifndef AUGSTORE_SERVER_ACCESS_ACCESS_H_
#define AUGSTORE_SERVER_ACCESS_ACCESS_H_

#include <optional>
#include <string>

#include "schemas/wire/messages.h"
#include "server/access/principal.h"
#include "storage/catalog/catalog.h"

namespace augstore {

// X(Name, role, what, writes): NameRequest needs `role`; `writes` says whether it changes the
// store, so that the audit log has it (audit_note.h has the exceptions); and of a caller with a
// scope `what` it names is checked:
//   Nothing      it names nothing of a collection, or its reply is made for the caller's scope
//   Existing     the collection that it reads is in the scope, and exists
//   Record       the same, of a record of any kind
//   Collection   the collection that it writes is in the scope
//   Alias        the same, of an alias of a collection; a forced move needs admin
//   Draft        whatever the scope is: the caller began the draft
//   Everything   it reads across collections, so the caller has no scope
#define AUGSTORE_ACCESS(X)                      \
  X(ServerInfo, kRead, Nothing, false)          \
  X(Stats, kRead, Nothing, false)               \
  X(ShareMemory, kRead, Nothing, false)         \
  X(SetTrace, kRead, Nothing, false)            \
  X(ListRecords, kRead, Nothing, false)         \
  X(Browse, kRead, Nothing, false)              \
  X(GetRecord, kRead, Record, false)            \
  X(GetSamples, kRead, Existing, false)         \
  X(DescribeCollection, kRead, Existing, false) \
  X(Project, kRead, Existing, false)            \
  X(Query, kRead, Existing, false)              \
  X(OpenStream, kRead, Existing, false)         \
  X(Batches, kRead, Existing, false)            \
  X(ReadRows, kRead, Everything, false)         \
  X(FindImages, kWrite, Nothing, false)         \
  X(AppendRows, kWrite, Nothing, true)          \
  X(AddRecord, kWrite, Nothing, true)           \
  X(SetAlias, kWrite, Alias, true)              \
  X(BeginDraft, kWrite, Collection, true)       \
  X(AppendSamples, kWrite, Draft, true)         \
  X(AppendViews, kWrite, Draft, true)           \
  X(CompareDraft, kWrite, Draft, false)         \
  X(CommitDraft, kWrite, Draft, true)           \
  X(AbortDraft, kWrite, Draft, true)            \
  X(DeleteRecord, kAdmin, Nothing, true)        \
  X(Verify, kAdmin, Nothing, false)             \
  X(RepairRows, kAdmin, Nothing, true)          \
  X(Garbage, kAdmin, Nothing, true)             \
  X(EraseSample, kAdmin, Nothing, true)         \
  X(StopStream, kAdmin, Nothing, true)          \
  X(ReadAudit, kAdmin, Nothing, false)          \
  X(Config, kAdmin, Nothing, false)             \
  X(CreateKey, kAdmin, Nothing, true)           \
  X(ListKeys, kAdmin, Nothing, false)           \
  X(RevokeKey, kAdmin, Nothing, true)           \
  X(RotateKey, kAdmin, Nothing, true)           \
  X(StartBackup, kAdmin, Nothing, true)         \
  X(GetBackup, kAdmin, Nothing, false)          \
  X(StopBackup, kAdmin, Nothing, true)          \
  X(ListBackups, kAdmin, Nothing, false)

// The numbers of requests are below that of the first reply.
inline constexpr auto kRequestTypes = static_cast<size_t>(MessageType::kErrorReply);
// "Query" of kQueryRequest: the name of a request in stats and messages.
std::string OperationName(MessageType request);

// NOLINTBEGIN(bugprone-branch-clone): the rows of a table

// Nothing for a type that is no request, and for AuthenticateRequest, which comes before all roles.
constexpr std::optional<Role> NeededRole(MessageType type) {
  switch (type) {
#define AUGSTORE_CASE(Name, role, what, writes) \
  case MessageType::k##Name##Request:           \
    return Role::role;
    AUGSTORE_ACCESS(AUGSTORE_CASE)
#undef AUGSTORE_CASE
    default:
      return std::nullopt;
  }
}

constexpr bool IsWrite(MessageType type) {
  switch (type) {
#define AUGSTORE_CASE(Name, role, what, writes) \
  case MessageType::k##Name##Request:           \
    return writes;
    AUGSTORE_ACCESS(AUGSTORE_CASE)
#undef AUGSTORE_CASE
    default:
      return false;
  }
}

// NOLINTEND(bugprone-branch-clone)

// Whether the caller's key is still valid. Errors: kUnauthenticated.
Status CheckValid(const Principal& caller);
// The same, and whether its role is enough for requests of this type. Errors: kUnauthenticated,
// kPermissionDenied. REQUIRES: NeededRole(type) is something.
Status CheckRole(MessageType type, const Principal& caller);

// Whether the caller may send this message, after CheckRole. Errors: kPermissionDenied, which says
// nothing of what exists; kNotFound, which names nothing else; kInvalidArgument (a reference).
template <typename Request>
Status CheckScope(Catalog& catalog, const Principal& caller, const Request& message);

}  // namespace augstore

#endif  // AUGSTORE_SERVER_ACCESS_ACCESS_H_

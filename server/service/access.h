// Internal to the server folder: who may do what. The table below is the one place that says so;
// docs/security.md shows it to people, and a test compares the two with what a server does.
#ifndef AUGSTORE_SERVER_SERVICE_ACCESS_H_
#define AUGSTORE_SERVER_SERVICE_ACCESS_H_

#include <optional>

#include "schemas/wire/messages.h"
#include "server/service/principal.h"
#include "storage/catalog/catalog.h"

namespace augstore {

// X(Name, role, what): NameRequest needs `role`, and of a caller with a scope `what` it names is
// checked:
//   Nothing      it names nothing of a collection, or its reply is made for the caller's scope
//   Existing     the collection that it reads is in the scope, and exists
//   Record       the same, of a record of any kind
//   Collection   the collection that it writes is in the scope
//   Alias        the same, of an alias of a collection; a forced move needs admin
//   Draft        whatever the scope is: the caller began the draft
//   Everything   it reads across collections, so the caller has no scope
#define AUGSTORE_ACCESS(X)          \
  X(ServerInfo, kRead, Nothing)     \
  X(Stats, kRead, Nothing)          \
  X(ShareMemory, kRead, Nothing)    \
  X(ListRecords, kRead, Nothing)    \
  X(GetRecord, kRead, Record)       \
  X(GetSamples, kRead, Existing)    \
  X(Query, kRead, Existing)         \
  X(OpenStream, kRead, Existing)    \
  X(Batches, kRead, Existing)       \
  X(ReadRows, kRead, Everything)    \
  X(FindImages, kWrite, Nothing)    \
  X(AppendRows, kWrite, Nothing)    \
  X(AddRecord, kWrite, Nothing)     \
  X(SetAlias, kWrite, Alias)        \
  X(BeginDraft, kWrite, Collection) \
  X(AppendSamples, kWrite, Draft)   \
  X(CompareDraft, kWrite, Draft)    \
  X(CommitDraft, kWrite, Draft)     \
  X(AbortDraft, kWrite, Draft)      \
  X(DeleteRecord, kAdmin, Nothing)  \
  X(Verify, kAdmin, Nothing)        \
  X(RepairRows, kAdmin, Nothing)    \
  X(CreateKey, kAdmin, Nothing)     \
  X(ListKeys, kAdmin, Nothing)      \
  X(RevokeKey, kAdmin, Nothing)     \
  X(RotateKey, kAdmin, Nothing)     \
  X(StartBackup, kAdmin, Nothing)   \
  X(GetBackup, kAdmin, Nothing)     \
  X(StopBackup, kAdmin, Nothing)    \
  X(ListBackups, kAdmin, Nothing)

// Nothing for a type that is no request, and for AuthenticateRequest, which comes before all roles.
constexpr std::optional<Role> NeededRole(MessageType type) {
  switch (type) {
#define AUGSTORE_CASE(Name, role, what) \
  case MessageType::k##Name##Request:   \
    return Role::role;
    AUGSTORE_ACCESS(AUGSTORE_CASE)
#undef AUGSTORE_CASE
    default:
      return std::nullopt;
  }
}

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

#endif  // AUGSTORE_SERVER_SERVICE_ACCESS_H_

#include "server/access/access.h"

#include <ctime>
#include <string>
#include <string_view>

#include "schemas/base/names.h"

namespace augstore {
namespace {

#define AUGSTORE_CHECK_IS_THERE(Name, type)                                                        \
  static_assert(type >= kRequestTypes || MessageType{type} == MessageType::kAuthenticateRequest || \
                    NeededRole(MessageType{type}).has_value(),                                     \
                #Name " is not in AUGSTORE_ACCESS");
AUGSTORE_MESSAGES(AUGSTORE_CHECK_IS_THERE)
#undef AUGSTORE_CHECK_IS_THERE

Status NotInScope(std::string_view collection) {
  return PermissionDenied(
      "this key does not allow collection '{}': ask the operator of the server for one whose scope "
      "has it",
      collection);
}

template <typename Request>
const std::string& CollectionOf(const Request& message) {
  if constexpr (requires { message.spec; }) {
    return message.spec.collection;
  } else {
    return message.collection;
  }
}

// A name that does not exist is not answered with those that do: they may be outside of the scope.
Status CheckExists(Catalog& catalog, const Principal& caller, const std::string& ref) {
  AUGSTORE_ASSIGN(const Ref parsed, ParseRef(ref));
  if (!caller.may_see(parsed.name)) return NotInScope(parsed.name);
  Status found = catalog.Resolve(RecordKind::kCollection, ref).status();
  if (found.code() != Code::kNotFound) return found;
  return NotFound("collection '{}' does not exist", ref);
}

Status Nothing(Catalog&, const Principal&, const auto&) { return OkStatus(); }

Status Existing(Catalog& catalog, const Principal& caller, const auto& message) {
  if (caller.scope.empty()) return OkStatus();
  return CheckExists(catalog, caller, CollectionOf(message));
}

Status Record(Catalog& catalog, const Principal& caller, const GetRecordRequest& message) {
  if (caller.scope.empty()) return OkStatus();
  if (message.kind == RecordKind::kCollection) return CheckExists(catalog, caller, message.ref);
  const std::string_view prefix = "collection/";
  if (message.kind == RecordKind::kAliases && message.ref.starts_with(prefix)) {
    return CheckExists(catalog, caller, message.ref.substr(prefix.size()));
  }
  return OkStatus();
}

Status Collection(Catalog&, const Principal& caller, const auto& message) {
  return caller.may_see(message.collection) ? OkStatus() : NotInScope(message.collection);
}

Status Alias(Catalog& catalog, const Principal& caller, const SetAliasRequest& message) {
  if (message.force && caller.role < Role::kAdmin) {
    return PermissionDenied(
        "moving alias '{}' of {} '{}' by force needs the role admin, this key has {}: move it to a "
        "version whose card allows it",
        message.alias, RecordKindName(message.kind), message.name, RoleName(caller.role));
  }
  if (caller.scope.empty() || message.kind != RecordKind::kCollection) return OkStatus();
  return CheckExists(catalog, caller, message.name);
}

Status Draft(Catalog& catalog, const Principal& caller, const auto& message) {
  const Result<std::string> owner = catalog.OwnerOfDraft(message.draft);
  AUGSTORE_TRY(owner);
  if (*owner == caller.who) return OkStatus();
  return NotFound("draft {} is not one that this caller began", message.draft);
}

Status Everything(Catalog&, const Principal& caller, const auto&) {
  if (caller.scope.empty()) return OkStatus();
  return PermissionDenied(
      "rows of a backbone belong to every collection of it, and this key has a scope: query a "
      "collection, or ask for a key without scope");
}

}  // namespace

std::string OperationName(MessageType request) {
  constexpr std::string_view kSuffix = "Request";
  std::string name = MessageTypeName(request);
  if (name.ends_with(kSuffix)) name.resize(name.size() - kSuffix.size());
  return name;
}

Status CheckValid(const Principal& caller) {
  if (caller.grant == nullptr || caller.grant->IsValidAt(std::time(nullptr))) return OkStatus();
  return Unauthenticated("{} has expired or was revoked: ask for another one", caller.who);
}

Status CheckRole(MessageType type, const Principal& caller) {
  AUGSTORE_TRY(CheckValid(caller));
  const Role needed = NeededRole(type).value();
  if (caller.role >= needed) return OkStatus();
  return PermissionDenied("{} needs the role {}, this key has {}", OperationName(type),
                          RoleName(needed), RoleName(caller.role));
}

#define AUGSTORE_CHECK_SCOPE(Name, role, what, writes)                                         \
  template <>                                                                                  \
  Status CheckScope(Catalog& catalog, const Principal& caller, const Name##Request& message) { \
    return what(catalog, caller, message);                                                     \
  }
AUGSTORE_ACCESS(AUGSTORE_CHECK_SCOPE)
#undef AUGSTORE_CHECK_SCOPE

}  // namespace augstore

#include "server/service/service_keys.h"

namespace augstore::handlers {

Result<KeyReply> CreateKey(ServiceState& state, CreateKeyRequest& message) {
  return state.keys.Create(message);
}

Result<KeyListReply> ListKeys(ServiceState& state, ListKeysRequest&) {
  KeyListReply reply;
  AUGSTORE_ASSIGN(reply.keys, state.keys.List());
  return reply;
}

Result<EndReply> RevokeKey(ServiceState& state, RevokeKeyRequest& message) {
  AUGSTORE_TRY(state.keys.Revoke(message.id));
  return EndReply{};
}

Result<KeyReply> RotateKey(ServiceState& state, RotateKeyRequest& message) {
  return state.keys.Rotate(message.id, message.grace_s);
}

}  // namespace augstore::handlers

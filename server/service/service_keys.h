// Internal to the server folder: the handlers of requests about keys.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_KEYS_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_KEYS_H_

#include "server/service/service_handler.h"

#define AUGSTORE_KEY_HANDLERS(M) \
  M(CreateKey, KeyReply)         \
  M(ListKeys, KeyListReply)      \
  M(RevokeKey, EndReply)         \
  M(RotateKey, KeyReply)

namespace augstore::handlers {
AUGSTORE_KEY_HANDLERS(AUGSTORE_DECLARE_HANDLER)
}  // namespace augstore::handlers

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_KEYS_H_

// Internal to the server folder: the shape of a handler. A request that has one reply is named
// once, in the list of the header whose source handles it. Entry M(Name, Answer) stands for
//
//   Result<Answer> handlers::Name(ServiceState& state, NameRequest& message);
//
// or, in a list of …_CALLER_HANDLERS, for replies that depend on who asks,
//
//   Result<Answer> handlers::Name(ServiceState& state, NameRequest& message,
//                                 const Principal& caller);
//
// or, in a list of …_LONG_HANDLERS, for those that may take long and ask `cancellation` meanwhile,
//
//   Result<Answer> handlers::Name(ServiceState& state, NameRequest& message,
//                                 const Cancellation& cancellation);
//
// which serves the decoded `message`, and may use it up, on any worker. The Answer is the reply's
// message, a variant of messages, or SharedBytes: the bytes of a BatchWriter.
#ifndef AUGSTORE_SERVER_SERVICE_SERVICE_HANDLER_H_
#define AUGSTORE_SERVER_SERVICE_SERVICE_HANDLER_H_

#include "schemas/base/cancellation.h"
#include "schemas/wire/messages.h"
#include "server/access/principal.h"
#include "server/service/service_state.h"

#define AUGSTORE_DECLARE_HANDLER(Name, Answer) \
  Result<Answer> Name(ServiceState& state, Name##Request& message);
#define AUGSTORE_DECLARE_CALLER_HANDLER(Name, Answer) \
  Result<Answer> Name(ServiceState& state, Name##Request& message, const Principal& caller);
#define AUGSTORE_DECLARE_LONG_HANDLER(Name, Answer)                \
  Result<Answer> Name(ServiceState& state, Name##Request& message, \
                      const Cancellation& cancellation);

#endif  // AUGSTORE_SERVER_SERVICE_SERVICE_HANDLER_H_

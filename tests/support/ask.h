// Requests to a Service without sockets.
#ifndef AUGSTORE_TESTS_SUPPORT_ASK_H_
#define AUGSTORE_TESTS_SUPPORT_ASK_H_

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schemas/wire/messages.h"
#include "server/service/service.h"

namespace augstore {

inline constexpr uint32_t kAskId = 77;

// Every reply to a request. Each must carry its id.
inline std::vector<Frame> Replies(Service& service, Frame request,
                                  const PrincipalPointer& caller = Owner(0, "test")) {
  request.request_id = kAskId;
  std::vector<Frame> replies;
  const std::unique_ptr<ReplySource> source = service.Start(std::move(request), caller);
  while (std::optional<Frame> frame = source->Next()) {
    EXPECT_EQ(frame->request_id, kAskId);
    replies.push_back(std::move(*frame));
  }
  EXPECT_FALSE(source->Next().has_value()) << "nothing comes after the last";
  return replies;
}

// The one reply to a request.
inline Frame AskFrame(Service& service, Frame request) {
  const std::vector<Frame> replies = Replies(service, std::move(request));
  EXPECT_EQ(replies.size(), 1u);
  return replies.at(0);
}

template <typename Reply, typename Request>
Result<Reply> Ask(Service& service, const Request& request) {
  return FromFrame<Reply>(AskFrame(service, ToFrame(request)));
}

template <typename Request>
Result<Batch> AskForBatch(Service& service, const Request& request) {
  const Frame reply = AskFrame(service, ToFrame(request));
  AUGSTORE_TRY(ExpectType(reply, MessageType::kBatchReply));
  return BatchFromFrame(reply);
}

// "code: message" for comparison with what a test expects; "Ok" when there is a value.
template <typename T>
std::string Text(const Result<T>& result) {
  return result.ok() ? "Ok" : result.status().ToString();
}

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_ASK_H_

#include "server/traces/connection_trace.h"

#include <memory>
#include <utility>

namespace augstore {

Status ConnectionTrace::Set(const std::string& traceparent, std::string address, uint16_t port) {
  if (traceparent.empty()) {
    context_.reset();
    return OkStatus();
  }
  AUGSTORE_ASSIGN(context_, ParseTraceparent(traceparent));
  address_ = std::move(address);
  port_ = port;
  return OkStatus();
}

RequestTracePointer ConnectionTrace::Begin(std::string operation, SpanQueue* spans) const {
  if (!context_.has_value()) return nullptr;
  return std::make_shared<RequestTrace>(*context_,
                                        RequestTrace::About{std::move(operation), address_, port_},
                                        context_->sampled ? spans : nullptr);
}

}  // namespace augstore

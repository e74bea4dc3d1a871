// A stream of batches that prefetches, and that resumes by itself at the exact next step after the
// server was restarted.
#ifndef AUGSTORE_CLIENT_BATCH_STREAM_H_
#define AUGSTORE_CLIENT_BATCH_STREAM_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "client/channel.h"
#include "client/retry.h"
#include "schemas/wire/messages.h"

namespace augstore {

// Thread safety: one thread at a time; the prefetching thread is the stream's own.
class BatchStream {
 public:
  BatchStream(ChannelFactory factory, StreamReply info, const RetryOptions& retry,
              uint32_t prefetch);
  ~BatchStream();
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  // What the stream resolved to; keep it to resume later.
  const StreamReply& info() const;

  // The batches of `epoch` from `step` on, for this rank. Each element is a Result<Batch>; an error
  // is the last. One range at a time: a new one ends the one before. After a failure of the
  // connection the stream opens a new one (RetryOptions) and requests the next step that was not
  // returned, so nothing is lost or repeated.
  class Range;
  Range Epoch(uint64_t epoch, uint64_t step = 0);

  // Batch (epoch, step) alone: to replay a suspicious one. May be called in the middle of a range,
  // as it has a connection of its own. Errors: kInvalidArgument (there is no such step).
  Result<Batch> Get(uint64_t epoch, uint64_t step);

  // The pull form of Epoch: Seek, then Next until it returns nothing.
  void Seek(uint64_t epoch, uint64_t step);
  Result<std::optional<Batch>> Next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class BatchStream::Range {
 public:
  explicit Range(BatchStream* stream) : stream_(stream) {}
  class Iterator {
   public:
    using value_type = Result<Batch>;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(BatchStream* stream) : stream_(stream) { Advance(); }
    const Result<Batch>& operator*() const { return *current_; }
    const Result<Batch>* operator->() const { return &*current_; }
    Iterator& operator++() {
      Advance();
      return *this;
    }
    void operator++(int) { Advance(); }
    bool operator==(std::default_sentinel_t) const { return !current_.has_value(); }

   private:
    void Advance();
    BatchStream* stream_ = nullptr;
    std::optional<Result<Batch>> current_;
  };
  Iterator begin() const { return Iterator(stream_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  BatchStream* stream_;
};

}  // namespace augstore

#endif  // AUGSTORE_CLIENT_BATCH_STREAM_H_

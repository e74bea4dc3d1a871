// Internal to the server folder: makes the replies to one request after another on a pool of
// workers, and hands them over in order on the socket thread. Knows no sockets.
//
//   Claim    runs on the pool: takes the next task of the request's ReplySource, lets another job
//            claim the one after it, and runs its own. So a client that is alone has all workers,
//            and replies are made ahead of the one that is being written. If no more may wait, no
//            job claims until a reply is taken: that is the backpressure.
//   Next     runs on the socket thread: waits for the next reply and takes it.
//
// Two thread domains share the object without a lock: the socket thread, and the workers, of which
// at most one claims at a time. Each member belongs to one of them, or is atomic. Everything else
// passes between threads in posted jobs, and posting a job orders memory.
#ifndef AUGSTORE_SERVER_SOCKETS_REPLY_PIPELINE_H_
#define AUGSTORE_SERVER_SOCKETS_REPLY_PIPELINE_H_

#include <array>
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>

#include "schemas/wire/frame.h"
#include "schemas/wire/shared_bodies.h"
#include "server/service/reply_source.h"

namespace augstore {

// A frame and its header, which holds checksums of both.
struct SealedFrame {
  std::array<uint8_t, kFrameHeaderBytes> header{};
  Frame frame;
};
SealedFrame Seal(Frame frame);

// Thread safety: the socket thread alone calls it; only broken() may be called from any thread.
class ReplyPipeline : public std::enable_shared_from_this<ReplyPipeline> {
 public:
  using Pool = boost::asio::thread_pool::executor_type;
  // At most this many replies for each worker wait: were claimed, and not taken yet. That is enough
  // to keep all workers and the socket thread busy.
  static constexpr size_t kWaitingPerWorker = 2;
  // They take at most this many bytes for each worker. One reply may always wait, however large.
  static constexpr size_t kWaitingBytesPerWorker = size_t{1} << 20;
  // If bodies are in shared memory, at most this many wait in all: the other slots hold replies
  // that were sent, or that the client uses.
  static constexpr size_t kMostWaitingInSlots = kMostSlots / 2;

  // `workers`: of the pool that makes long replies. `reply_limit`: how long one reply may take.
  ReplyPipeline(boost::asio::any_io_executor socket_thread, size_t workers,
                std::chrono::milliseconds reply_limit);

  // Has the replies of `source` made on `pool`. REQUIRES: the pipeline is idle: Next returned
  // nothing for the request before, if there was one, and the pipeline is neither closed nor
  // broken.
  void Start(std::unique_ptr<ReplySource> source, const Pool& pool);
  // Whether Next returns at once.
  bool Ready();
  // Whether replies wait that were made before their turn.
  bool holds_any() const { return !built_.empty(); }
  // The next reply; nothing after the last, when the pipeline is closed, and when it broke before
  // that reply was made. Replies that were made while one before them failed are dropped. REQUIRES:
  // *this outlives the wait.
  boost::asio::awaitable<std::optional<SealedFrame>> Next();
  // Ends the wait of Next. Tasks that have not started do not run, and those that run are told to
  // give up.
  void Close();
  // True: there was no memory for a reply, or a task threw. The request cannot be answered, and the
  // pipeline not be used again.
  bool broken() const { return broken_; }

  // Puts large bodies into memory that the client sees; null: no more. REQUIRES: the pipeline is
  // idle.
  void ShareBodies(std::unique_ptr<SharedBodyWriter> bodies);
  // Null if bodies are not shared.
  const SharedBodyWriter* shared() const { return shared_.get(); }

 private:
  using TaskPointer = std::shared_ptr<const ReplyTask>;

  // --- Socket thread ---
  // Has a job claim the next reply. REQUIRES: no job claims.
  void StartClaiming();
  // The same, if another reply is to come and there is room for it.
  void ContinueClaiming();
  bool IsNextBuilt() const { return !built_.empty() && built_.begin()->first == next_; }
  SealedFrame TakeNext();
  void CheckInvariants() const;

  // --- Workers ---
  // For what is begun now.
  Cancellation NewCancellation() const;
  void Claim();
  void Run(uint64_t number, const TaskPointer& task);
  SealedFrame Place(Frame frame);

  // --- Both ---
  bool HasRoom() const;
  // Runs `step`. An exception, which is a failed allocation or a bug of a task, breaks the
  // pipeline.
  template <typename Step>
  void Guarded(const Step& step) noexcept;
  void Break() noexcept;
  // Runs step(*this) on `executor`, Guarded; *this lives until then.
  template <typename Executor, typename Step>
  void Post(const Executor& executor, Step step);

  const boost::asio::any_io_executor socket_thread_;
  const size_t workers_;
  const std::chrono::milliseconds reply_limit_;
  std::stop_source stop_;

  // Of the socket thread.
  boost::asio::steady_timer changed_;      // cancelled when Next may have something to return
  std::map<uint64_t, SealedFrame> built_;  // by number
  uint64_t next_ = 0;                      // number of the reply that is taken next
  std::optional<uint64_t> end_ = 0;        // how many replies there are, once that is known
  bool claiming_ = false;                  // a job claims, or is to
  bool failed_ = false;                    // an ErrorReply was taken

  // Of the job that claims. The socket thread sets them while the pipeline is idle.
  std::unique_ptr<ReplySource> source_;
  uint64_t claimed_ = 0;  // replies of the request

  // Of both. These two are set while the pipeline is idle; shared_ is thread-safe itself.
  std::optional<Pool> pool_;
  std::unique_ptr<SharedBodyWriter> shared_;
  std::atomic<bool> closed_ = false;
  std::atomic<bool> broken_ = false;
  std::atomic<size_t> waiting_ = 0;      // replies that were claimed, and not taken yet
  std::atomic<size_t> reply_bytes_ = 0;  // of the last reply that was made
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_SOCKETS_REPLY_PIPELINE_H_

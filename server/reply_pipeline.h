// Internal to the server folder: makes the replies to one request after another on a pool of
// workers, and hands them over in order on the socket thread. Knows no sockets.
//
//   Claim    runs on the pool: takes the next task of the request's ReplySource, lets another job
//            claim the one after it, and runs its own. So a client that is alone has all workers,
//            and replies are made ahead of the one that is being written.
//   Next     runs on the socket thread: waits for the reply that is due. Taking it makes room for
//            another claim.
//
// Two thread domains share the object without a lock. Members belong to one of them:
//
//   socket thread   the replies that were made and not taken yet (built_, next_, end_) and whether
//                   a job claims (claiming_)
//   workers         source_ and claimed_, of the one job that claims
//   both            the atomic ones, and shared_, which changes between requests only
//
// What passes from one domain to the other passes in a posted job, which orders memory. `source_`
// moves along the chain of claiming jobs in the same way.
#ifndef AUGSTORE_SERVER_REPLY_PIPELINE_H_
#define AUGSTORE_SERVER_REPLY_PIPELINE_H_

#include <array>
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "schemas/wire/frame.h"
#include "schemas/wire/shared_bodies.h"
#include "server/reply_source.h"

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
  // Up to this many replies for each worker are made, or were, before they can be written: enough
  // to keep all workers and the socket thread busy ...
  static constexpr size_t kWaitingPerWorker = 2;
  // ... and up to this many bytes of them, but for one reply, however large.
  static constexpr size_t kWaitingBytesPerWorker = size_t{1} << 20;
  // With bodies in shared memory, at most this many: the other slots hold what was sent, or what
  // the client uses.
  static constexpr size_t kMostWaitingInSlots = kMostSlots / 2;

  // `workers`: of the pool.
  ReplyPipeline(boost::asio::any_io_executor socket_thread, Pool pool, size_t workers);

  // Has the replies of `source` made. REQUIRES: there was no request before, or Next returned
  // nothing for it.
  void Start(std::unique_ptr<ReplySource> source);
  // Whether Next returns at once.
  bool Ready();
  // The next reply; nothing after the last, when the pipeline is closed, and when it broke before
  // that reply was made. Replies that were made while one before them failed are dropped. REQUIRES:
  // *this outlives the wait.
  boost::asio::awaitable<std::optional<SealedFrame>> Next();
  // Ends the waiting; tasks that did not start yet do not run.
  void Close();
  // True: there was no memory for a reply, or a task threw. The request cannot be answered.
  bool broken() const { return broken_; }

  // Has large bodies put into memory that the client sees. REQUIRES: as Start.
  void ShareBodies(std::unique_ptr<SharedBodyWriter> bodies);
  // Null before ShareBodies.
  const SharedBodyWriter* shared() const { return shared_.get(); }

 private:
  using TaskPointer = std::shared_ptr<const ReplyTask>;

  // --- Socket thread ---
  // Has a job claim the next reply. REQUIRES: none does.
  void StartClaiming();
  // The same, if another reply is to come and there is room for it.
  void ContinueClaiming();
  bool IsNextBuilt() const { return !built_.empty() && built_.begin()->first == next_; }
  SealedFrame TakeNext();
  void CheckInvariants() const;

  // --- Workers ---
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
  // Posts `step` of a shared *this.
  template <typename Executor, typename Step>
  void Post(const Executor& executor, Step step);

  const boost::asio::any_io_executor socket_thread_;
  const Pool pool_;
  const size_t workers_;

  boost::asio::steady_timer changed_;      // cancelled when Next may have something to return
  std::map<uint64_t, SealedFrame> built_;  // by number
  uint64_t next_ = 0;                      // number of the reply that is taken next
  std::optional<uint64_t> end_ = 0;        // how many replies there are, once that is known
  bool claiming_ = false;                  // a job claims, or is to
  bool failed_ = false;                    // an ErrorReply was taken
  std::unique_ptr<SharedBodyWriter> shared_;

  std::unique_ptr<ReplySource> source_;
  uint64_t claimed_ = 0;  // replies of the request

  std::atomic<bool> closed_ = false;
  std::atomic<bool> broken_ = false;
  std::atomic<size_t> waiting_ = 0;      // replies that were claimed and not taken yet
  std::atomic<size_t> reply_bytes_ = 0;  // of the last reply that was made
};

}  // namespace augstore

#endif  // AUGSTORE_SERVER_REPLY_PIPELINE_H_

// The C++ client of augstore: typed calls to a server, and streams of batches.
//
//   AUGSTORE_ASSIGN(auto client, augstore::Client::Connect("tcp://127.0.0.1:7411"));
//   AUGSTORE_ASSIGN(auto stream, client->OpenStream({.collection = "cifar10", .split = "train",
//                                                    .policy = "identity:1,hflip:1", .batch_size =
//                                                    256}));
//   for (const augstore::Result<augstore::Batch>& batch : stream->Epoch(0)) { … }
//
// Thread safety: a Client may be used from one thread at a time; make one per thread. Streams are
// independent of it.
#ifndef AUGSTORE_CLIENT_CLIENT_H_
#define AUGSTORE_CLIENT_CLIENT_H_

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/batch_stream.h"
#include "client/channel.h"
#include "schemas/weights/transform_weights.h"
#include "schemas/wire/messages.h"

namespace augstore {

// How long a client goes on trying when the server does not answer.
struct RetryOptions {
  std::chrono::milliseconds total{60'000};  // 0: do not retry
  std::chrono::milliseconds first_pause{50};
  std::chrono::milliseconds max_pause{1'000};
};

class Client {
 public:
  // Errors: kInvalidArgument (address), kUnavailable (nobody answers within retry.total).
  static Result<std::unique_ptr<Client>> Connect(std::string_view address,
                                                 const RetryOptions& retry = {});
  // A client over channels of any kind; used for in-process service.
  static Result<std::unique_ptr<Client>> Open(ChannelFactory factory,
                                              const RetryOptions& retry = {});
  ~Client();

  // Sends a request and gives its one reply. Requests that may be repeated safely (all but
  // AddRecord, BeginDraft, AppendSamples, CommitDraft, SetAlias, DeleteRecord) are sent again after
  // kUnavailable, on a new channel.
  template <typename Reply, typename Request>
  Result<Reply> Call(const Request& request) {
    AUGSTORE_ASSIGN(Frame reply, CallFrame(ToFrame(request)));
    return FromFrame<Reply>(reply);
  }
  Result<Batch> CallForBatch(const QueryRequest& request);
  Result<Batch> CallForBatch(const ReadRowsRequest& request);

  // Typed records. Errors: kNotFound, kDataLoss, and those of Channel.
  template <typename Record>
  using Versioned = augstore::Versioned<Record>;
  template <typename Record>
  Result<Versioned<Record>> Get(RecordKind kind, std::string_view ref) {
    AUGSTORE_ASSIGN(RecordReply reply,
                    Call<RecordReply>(GetRecordRequest{kind, std::string(ref), false}));
    return FromReply<Record>(reply);
  }
  template <typename Record>
  Result<std::vector<Versioned<Record>>> List(RecordKind kind, std::string_view name = {}) {
    AUGSTORE_ASSIGN(RecordListReply reply,
                    Call<RecordListReply>(ListRecordsRequest{kind, std::string(name)}));
    std::vector<Versioned<Record>> out;
    for (const RecordReply& entry : reply.records) {
      AUGSTORE_ASSIGN(Versioned<Record> record, FromReply<Record>(entry));
      out.push_back(std::move(record));
    }
    return out;
  }
  // The weights of a head, and those of a transform. Errors: kNotFound, kDataLoss.
  Result<Layers> GetLayers(std::string_view head);
  Result<TransformWeights> GetWeights(std::string_view transform);
  // Adds the next version and gives its number. When the server goes away in the middle, looks
  // whether the version was stored (by its weights) before it sends it again: a head that took
  // hours to train is neither lost nor stored twice. A backbone is the same version however often
  // it is added.
  Result<uint32_t> Add(RecordKind kind, const std::string& name, std::string record,
                       std::string blob = {});
  Status SetAlias(const SetAliasRequest& request);
  Result<AliasHistory> Aliases(RecordKind kind, const std::string& name);

  // Opens a stream. Prefetches `prefetch` batches on a thread of its own. Errors: those of
  // ResolveStream.
  Result<std::unique_ptr<BatchStream>> OpenStream(const StreamSpec& spec, uint32_t prefetch = 4);
  // Resumes a stream that was opened before: refused (kFailedPrecondition, naming what differs)
  // unless everything that it resolves to is what it was.
  Result<std::unique_ptr<BatchStream>> ResumeStream(const StreamReply& before,
                                                    uint32_t prefetch = 4);

 private:
  // The version above `latest` that holds the request's weights; 0: none.
  Result<uint32_t> FindAdded(const AddRecordRequest& request, uint32_t latest);
  template <typename Record>
  static Result<Versioned<Record>> FromReply(const RecordReply& reply) {
    AUGSTORE_ASSIGN(Record record, Decode<Record>(reply.record));
    return Versioned<Record>{reply.name, reply.version, std::move(record)};
  }
  Client(ChannelFactory factory, const RetryOptions& retry);
  Result<Frame> CallFrame(Frame request);

  ChannelFactory factory_;
  RetryOptions retry_;
  std::unique_ptr<Channel> channel_;
  uint32_t next_request_id_ = 1;
};

}  // namespace augstore

#endif  // AUGSTORE_CLIENT_CLIENT_H_

// The C++ client of augstore: typed calls to a server, and streams of batches.
//
//   AUGSTORE_ASSIGN(auto client, augstore::Client::Connect("tcp://127.0.0.1:7411"));
//   augstore::StreamSpec spec{.collection = "cifar10", .split = "train", .batch_size = 256};
//   spec.policy = "identity:1,hflip:1";
//   AUGSTORE_ASSIGN(auto stream, client->OpenStream(spec));
//   for (const augstore::Result<augstore::Batch>& batch : stream->Epoch(0)) { … }
//
// Thread safety: one thread at a time may use a Client; make one for each thread. Streams are
// independent of it.
#ifndef AUGSTORE_CLIENT_CLIENT_H_
#define AUGSTORE_CLIENT_CLIENT_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/batch_stream.h"
#include "client/channel.h"
#include "client/retry.h"
#include "client/socket_channel.h"
#include "schemas/weights/transform_weights.h"
#include "schemas/wire/messages.h"

namespace augstore {

class Client {
 public:
  // `key`: "augs_…", presented on every connection (client/key_source.h finds one); empty: none.
  // Errors: kInvalidArgument (address, files for TLS, socket.traceparent), kUnavailable (no server
  // answers within retry.total), kUnauthenticated (the server demands a key, or this one is none of
  // its own; one side does not accept the other's certificate), kFailedPrecondition (later: the
  // server has another store than at first).
  static Result<std::unique_ptr<Client>> Connect(std::string_view address,
                                                 const RetryOptions& retry = {},
                                                 const std::string& key = "",
                                                 const SocketOptions& socket = {});
  // A client over channels of any kind; used for in-process service. `traceparent`: of the trace
  // that its requests belong to; empty: to none.
  static Result<std::unique_ptr<Client>> Open(ChannelFactory factory,
                                              const RetryOptions& retry = {},
                                              const std::string& key = "",
                                              const std::string& traceparent = "");
  ~Client();

  // Sends a request and returns its one reply. After kUnavailable it is sent again, on a new
  // channel, if the server may do it twice without harm (all but AddRecord, BeginDraft,
  // AppendSamples, SetAlias, DeleteRecord, CreateKey, RotateKey) or cannot have seen it.
  template <typename Reply, typename Request>
  Result<Reply> Call(const Request& request) {
    AUGSTORE_ASSIGN(Frame reply, CallFrame(ToFrame(request)));
    return FromFrame<Reply>(reply);
  }
  // The same for CompareDraftRequest and CommitDraftRequest, which are sent until their reply
  // comes; `progress` hears of each DraftProgressReply before.
  template <typename Reply, typename Request>
  Result<Reply> CallInSteps(const Request& request,
                            const std::function<void(const DraftProgressReply&)>& progress = {}) {
    for (;;) {
      AUGSTORE_ASSIGN(const Frame reply, CallFrame(ToFrame(request)));
      if (reply.type != MessageType::kDraftProgressReply) return FromFrame<Reply>(reply);
      AUGSTORE_ASSIGN(const DraftProgressReply step, FromFrame<DraftProgressReply>(reply));
      if (progress) progress(step);
    }
  }
  // The same for QueryRequest and ReadRowsRequest, which a batch answers.
  template <typename Request>
  Result<Batch> CallForBatch(const Request& request) {
    AUGSTORE_ASSIGN(const Frame reply, CallFrame(ToFrame(request)));
    return BatchFromFrame(reply);
  }

  // Typed records. Errors: kNotFound, kDataLoss, and those of Channel.
  template <typename Record>
  using Versioned = augstore::Versioned<Record>;
  template <typename Record>
  Result<Versioned<Record>> Get(std::string_view ref) {
    AUGSTORE_ASSIGN(RecordReply reply,
                    Call<RecordReply>(GetRecordRequest{Record::kKind, std::string(ref), false}));
    return FromReply<Record>(reply);
  }
  template <typename Record>
  Result<std::vector<Versioned<Record>>> List(std::string_view name = {}) {
    AUGSTORE_ASSIGN(RecordListReply reply,
                    Call<RecordListReply>(ListRecordsRequest{Record::kKind, std::string(name)}));
    std::vector<Versioned<Record>> out;
    for (const RecordReply& entry : reply.records) {
      AUGSTORE_ASSIGN(Versioned<Record> record, FromReply<Record>(entry));
      out.push_back(std::move(record));
    }
    return out;
  }
  // The weights of a head, and those of a transform. Errors: kNotFound, kDataLoss (they do not
  // match their digest).
  Result<Layers> GetLayers(std::string_view head);
  Result<TransformWeights> GetWeights(std::string_view transform);
  // Adds the next version and returns its number. If the reply is lost, looks for a new version
  // with these weights before it sends the record again: a head that took hours to train is neither
  // lost nor stored twice. Adding a backbone again returns the version it has.
  Result<uint32_t> Add(RecordKind kind, const std::string& name, std::string record,
                       std::string blob = {});
  Status SetAlias(const SetAliasRequest& request);
  Result<AliasHistory> Aliases(RecordKind kind, const std::string& name);

  // Opens a stream that prefetches `prefetch` batches on a thread of its own. Errors: kNotFound,
  // kInvalidArgument, naming the part of `spec`.
  Result<std::unique_ptr<BatchStream>> OpenStream(const StreamSpec& spec, uint32_t prefetch = 4);
  // Resumes a stream that was opened before, also by another process. Errors: kFailedPrecondition,
  // naming what differs, if the spec does not resolve to the same stream any more.
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

// The messages about embeddings, drafts, samples and streams.
#include <algorithm>
#include <cstring>

#include "schemas/records/codec.h"
#include "schemas/wire/messages.h"
#include "schemas/wire_generated.h"

namespace augstore {
namespace {

namespace wire = fb::wire;
using codec::Builder;
using codec::Offset;
using codec::Reader;

Offset<wire::StreamSpec> PutSpec(Builder& b, const StreamSpec& spec) {
  const auto collection = b.PutText(spec.collection);
  const auto split = b.PutText(spec.split);
  const auto policy = b.PutText(spec.policy);
  const auto label_column = b.PutText(spec.label_column);
  return wire::CreateStreamSpec(
      b, collection, split, policy, label_column, spec.seed, spec.batch_size, spec.rank,
      spec.world_size, spec.shuffle, spec.drop_last, spec.shuffle_window,
      static_cast<uint8_t>(spec.dtype), static_cast<uint8_t>(spec.precision));
}

StreamSpec ReadSpec(Reader& in, const wire::StreamSpec* t) {
  StreamSpec spec;
  if (!in.Present("spec", t)) return spec;
  spec.collection = in.Text("spec.collection", t->collection(), kMaxRefBytes);
  spec.split = in.Text("spec.split", t->split(), kMaxKeyBytes);
  spec.policy = in.Text("spec.policy", t->policy(), kMaxTextBytes);
  spec.label_column = in.Text("spec.label_column", t->label_column(), kMaxKeyBytes);
  spec.seed = t->seed();
  spec.batch_size = t->batch_size();
  spec.rank = t->rank();
  spec.world_size = t->world_size();
  spec.shuffle = t->shuffle();
  spec.drop_last = t->drop_last();
  spec.shuffle_window = t->shuffle_window();
  spec.dtype = in.OneDtype("spec.dtype", t->dtype());
  spec.precision = in.OnePrecision("spec.precision", t->precision());
  return spec;
}

}  // namespace

SharedBytes EncodeBody(const FindImagesRequest& message) {
  Builder b;
  const auto backbone = b.PutDigest(message.backbone);
  const auto images = b.PutHashes(message.images);
  return b.Seal(
      wire::CreateFindImagesRequest(b, backbone, images, static_cast<uint8_t>(message.dtype)));
}
Status DecodeBody(const SharedBytes& body, FindImagesRequest* message) {
  Reader in("FindImagesRequest", body);
  if (const auto* t = in.Root<wire::FindImagesRequest>()) {
    message->backbone = in.OneDigest("backbone", t->backbone());
    message->images = in.Hashes("images", t->images(), kMaxBatchRows);
    message->dtype = in.OneDtype("dtype", t->dtype());
  }
  return in.status();
}

SharedBytes EncodeBody(const RowIdsReply& message) {
  Builder b;
  const auto rows = b.PutNumbers(message.rows);
  return b.Seal(wire::CreateRowIdsReply(b, rows));
}
Status DecodeBody(const SharedBytes& body, RowIdsReply* message) {
  Reader in("RowIdsReply", body);
  if (const auto* t = in.Root<wire::RowIdsReply>())
    message->rows = in.Numbers("rows", t->rows(), kMaxBatchRows);
  return in.status();
}

SharedBytes EncodeBody(const AppendRowsRequest& message) {
  const Matrix& matrix = message.embeddings;
  const size_t count = matrix.rows() * matrix.cols();
  Builder b(count * sizeof(float) + message.images.size() * sizeof(ContentHash) +
            message.feature_maps.bytes.size() + 1024);
  float* data = nullptr;
  const auto embeddings = b.PutAlignedFloats(count, &data);
  std::copy_n(matrix.data(), count, data);
  const auto backbone = b.PutDigest(message.backbone);
  const auto images = b.PutHashes(message.images);
  const auto feature_maps = b.PutNumbers(message.feature_maps.bytes);
  return b.Seal(wire::CreateAppendRowsRequest(
      b, backbone, images, static_cast<uint32_t>(matrix.cols()), embeddings,
      message.feature_maps.values, feature_maps, static_cast<uint8_t>(message.dtype)));
}
Status DecodeBody(const SharedBytes& body, AppendRowsRequest* message) {
  Reader in("AppendRowsRequest", body);
  const auto* t = in.Root<wire::AppendRowsRequest>();
  if (t == nullptr) return in.status();
  message->backbone = in.OneDigest("backbone", t->backbone());
  message->images = in.Hashes("images", t->images(), kMaxBatchRows);
  message->dtype = in.OneDtype("dtype", t->dtype());
  const size_t dim = t->dim();
  const size_t count = t->embeddings() == nullptr ? 0 : t->embeddings()->size();
  size_t rows = message->images.size();
  if (rows == 0 && dim > 0) rows = count / dim;  // the server hashes the embeddings
  in.AtMost("rows", rows, kMaxBatchRows);
  in.AtMost("dim", dim, kMaxDim);
  if (rows > 0 && dim == 0) in.Fail("dim", "is 0: an embedding has at least one column");
  in.Equal("embeddings", count, rows * dim, "images x dim");
  in.AtMost("feature_map_values", t->feature_map_values(), kMaxDim);
  message->feature_maps.values = t->feature_map_values();
  message->feature_maps.bytes = in.Numbers("feature_maps", t->feature_maps(), kMaxRequestBytes);
  const size_t feature_map_bytes =
      t->feature_map_values() == 0 ? 0 : rows * QuantizedRowBytes(t->feature_map_values());
  in.Equal("feature_maps", message->feature_maps.bytes.size(), feature_map_bytes,
           "images x (feature_map_values + 8)");
  AUGSTORE_TRY(in.status());
  message->embeddings = Matrix(rows, dim);
  if (count > 0)
    std::memcpy(message->embeddings.data(), t->embeddings()->Data(), count * sizeof(float));
  return OkStatus();
}

SharedBytes EncodeBody(const ReadRowsRequest& message) {
  Builder b;
  const auto backbone = b.PutDigest(message.backbone);
  const auto rows = b.PutNumbers(message.rows);
  return b.Seal(wire::CreateReadRowsRequest(b, backbone, rows, message.feature_maps,
                                            static_cast<uint8_t>(message.dtype)));
}
Status DecodeBody(const SharedBytes& body, ReadRowsRequest* message) {
  Reader in("ReadRowsRequest", body);
  if (const auto* t = in.Root<wire::ReadRowsRequest>()) {
    message->backbone = in.OneDigest("backbone", t->backbone());
    message->rows = in.Numbers("rows", t->rows(), kMaxBatchRows);
    message->feature_maps = t->feature_maps();
    message->dtype = in.OneDtype("dtype", t->dtype());
  }
  return in.status();
}

SharedBytes EncodeBody(const BeginDraftRequest& message) {
  Builder b;
  const auto collection = b.PutText(message.collection);
  const auto backbone = b.PutDigest(message.backbone);
  const auto labels = codec::PutLabels(b, message.labels);
  const auto source = b.PutText(message.source);
  return b.Seal(wire::CreateBeginDraftRequest(b, collection, backbone, labels, message.replace,
                                              source, static_cast<uint8_t>(message.dtype)));
}
Status DecodeBody(const SharedBytes& body, BeginDraftRequest* message) {
  Reader in("BeginDraftRequest", body);
  if (const auto* t = in.Root<wire::BeginDraftRequest>()) {
    message->collection = in.Text("collection", t->collection(), kMaxNameBytes);
    message->backbone = in.OneDigest("backbone", t->backbone());
    message->labels = codec::ReadLabels(in, t->labels());
    message->replace = t->replace();
    message->source = in.Text("source", t->source(), kMaxTextBytes);
    message->dtype = in.OneDtype("dtype", t->dtype());
  }
  return in.status();
}

SharedBytes EncodeBody(const DraftReply& message) {
  Builder b;
  const auto labels = codec::PutLabels(b, message.labels);
  return b.Seal(wire::CreateDraftReply(b, message.draft, labels));
}
Status DecodeBody(const SharedBytes& body, DraftReply* message) {
  Reader in("DraftReply", body);
  if (const auto* t = in.Root<wire::DraftReply>()) {
    message->draft = t->draft();
    message->labels = codec::ReadLabels(in, t->labels());
  }
  return in.status();
}

SharedBytes EncodeBody(const AppendSamplesRequest& message) {
  Builder b;
  const auto samples = codec::PutChunk(b, message.samples);
  return b.Seal(wire::CreateAppendSamplesRequest(b, message.draft, samples));
}
Status DecodeBody(const SharedBytes& body, AppendSamplesRequest* message) {
  Reader in("AppendSamplesRequest", body);
  if (const auto* t = in.Root<wire::AppendSamplesRequest>()) {
    message->draft = t->draft();
    if (in.Present("samples", t->samples())) message->samples = codec::ReadChunk(in, *t->samples());
  }
  return in.status();
}

SharedBytes EncodeBody(const CommitDraftRequest& message) {
  Builder b;
  return b.Seal(wire::CreateCommitDraftRequest(b, message.draft, message.appended));
}
Status DecodeBody(const SharedBytes& body, CommitDraftRequest* message) {
  Reader in("CommitDraftRequest", body);
  if (const auto* t = in.Root<wire::CommitDraftRequest>()) {
    message->draft = t->draft();
    message->appended = t->appended();
  }
  return in.status();
}

SharedBytes EncodeBody(const AbortDraftRequest& message) {
  Builder b;
  return b.Seal(wire::CreateAbortDraftRequest(b, message.draft));
}
Status DecodeBody(const SharedBytes& body, AbortDraftRequest* message) {
  Reader in("AbortDraftRequest", body);
  if (const auto* t = in.Root<wire::AbortDraftRequest>()) message->draft = t->draft();
  return in.status();
}

SharedBytes EncodeBody(const GetSamplesRequest& message) {
  Builder b;
  const auto collection = b.PutText(message.collection);
  return b.Seal(wire::CreateGetSamplesRequest(b, collection, message.begin, message.count));
}
Status DecodeBody(const SharedBytes& body, GetSamplesRequest* message) {
  Reader in("GetSamplesRequest", body);
  if (const auto* t = in.Root<wire::GetSamplesRequest>()) {
    message->collection = in.Text("collection", t->collection(), kMaxRefBytes);
    message->begin = t->begin();
    message->count = t->count();
  }
  return in.status();
}

SharedBytes EncodeBody(const SamplesReply& message) {
  Builder b;
  const auto samples = codec::PutChunk(b, message.samples);
  return b.Seal(wire::CreateSamplesReply(b, samples));
}
Status DecodeBody(const SharedBytes& body, SamplesReply* message) {
  Reader in("SamplesReply", body);
  const auto* t = in.Root<wire::SamplesReply>();
  if (t != nullptr && in.Present("samples", t->samples()))
    message->samples = codec::ReadChunk(in, *t->samples());
  return in.status();
}

SharedBytes EncodeBody(const QueryRequest& message) {
  Builder b;
  const auto collection = b.PutText(message.collection);
  const auto samples = b.PutNumbers(message.samples);
  const auto chain = b.PutText(message.chain);
  const auto label_column = b.PutText(message.label_column);
  return b.Seal(wire::CreateQueryRequest(b, collection, samples, chain, label_column));
}
Status DecodeBody(const SharedBytes& body, QueryRequest* message) {
  Reader in("QueryRequest", body);
  if (const auto* t = in.Root<wire::QueryRequest>()) {
    message->collection = in.Text("collection", t->collection(), kMaxRefBytes);
    message->samples = in.Numbers("samples", t->samples(), kMaxBatchRows);
    message->chain = in.Text("chain", t->chain(), kMaxTextBytes);
    message->label_column = in.Text("label_column", t->label_column(), kMaxKeyBytes);
  }
  return in.status();
}

SharedBytes EncodeBody(const OpenStreamRequest& message) {
  Builder b;
  const auto spec = PutSpec(b, message.spec);
  return b.Seal(wire::CreateOpenStreamRequest(b, spec));
}
Status DecodeBody(const SharedBytes& body, OpenStreamRequest* message) {
  Reader in("OpenStreamRequest", body);
  if (const auto* t = in.Root<wire::OpenStreamRequest>()) message->spec = ReadSpec(in, t->spec());
  return in.status();
}

SharedBytes EncodeBody(const StreamReply& message) {
  Builder b;
  const auto spec = PutSpec(b, message.spec);
  const auto fingerprint = b.PutDigest(message.fingerprint);
  const auto collection_digest = b.PutDigest(message.collection_digest);
  const auto chains = b.PutTexts(message.chains);
  const auto transforms = b.PutDigests(message.transforms);
  const auto classes = b.PutTexts(message.classes);
  return b.Seal(wire::CreateStreamReply(b, spec, fingerprint, collection_digest, chains, transforms,
                                        classes, message.samples, message.steps, message.dim));
}
Status DecodeBody(const SharedBytes& body, StreamReply* message) {
  Reader in("StreamReply", body);
  if (const auto* t = in.Root<wire::StreamReply>()) {
    message->spec = ReadSpec(in, t->spec());
    message->fingerprint = in.OneDigest("fingerprint", t->fingerprint());
    message->collection_digest = in.OneDigest("collection_digest", t->collection_digest());
    message->chains = in.Texts("chains", t->chains(), kMaxChains, kMaxTextBytes);
    message->transforms =
        in.Digests("transforms", t->transforms(), size_t{kMaxChains} * kMaxChainLength);
    message->classes = in.Texts("classes", t->classes(), kMaxClasses, kMaxKeyBytes);
    message->samples = t->samples();
    message->steps = t->steps();
    message->dim = t->dim();
    in.AtMost("dim", message->dim, kMaxDim);
  }
  return in.status();
}

SharedBytes EncodeBody(const BatchesRequest& message) {
  Builder b;
  const auto spec = PutSpec(b, message.spec);
  const auto fingerprint = b.PutDigest(message.fingerprint);
  return b.Seal(
      wire::CreateBatchesRequest(b, spec, fingerprint, message.epoch, message.step, message.count));
}
Status DecodeBody(const SharedBytes& body, BatchesRequest* message) {
  Reader in("BatchesRequest", body);
  if (const auto* t = in.Root<wire::BatchesRequest>()) {
    message->spec = ReadSpec(in, t->spec());
    message->fingerprint = in.OneDigest("fingerprint", t->fingerprint());
    message->epoch = t->epoch();
    message->step = t->step();
    message->count = t->count();
  }
  return in.status();
}

}  // namespace augstore

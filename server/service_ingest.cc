// Handlers for the embeddings of a space and for writing collections.
#include <algorithm>
#include <utility>

#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "server/service_state.h"

namespace augstore::handlers {
namespace {

Status CheckRows(std::string_view what, size_t count) {
  if (count <= kMaxBatchRows) return OkStatus();
  return InvalidArgument("{} {} were sent at once, the limit is {}: send several requests", count,
                         what, kMaxBatchRows);
}

Status CheckEmbeddings(Catalog& catalog, const AppendRowsRequest& message) {
  AUGSTORE_TRY(CheckRows("embeddings", message.images.size()));
  if (message.embeddings.rows() != message.images.size()) {
    return InvalidArgument("{} embeddings came with {} image hashes: send one hash per embedding",
                           message.embeddings.rows(), message.images.size());
  }
  const size_t dim = message.embeddings.cols();
  if (dim == 0 || dim > kMaxDim) {
    return InvalidArgument("embeddings of {} columns: a backbone gives 1 to {}", dim, kMaxDim);
  }
  const auto backbone = catalog.FindBackbone(message.backbone);
  if (backbone.ok() && backbone->record.dim != dim) {
    return InvalidArgument(
        "embeddings of {} columns for backbone '{}', whose dimension is {}: use the backbone's own",
        dim, backbone->ref(), backbone->record.dim);
  }
  const uint32_t values = message.feature_maps.values;
  if (backbone.ok() && values != 0 && backbone->record.feature_map.values() != values) {
    return InvalidArgument(
        "feature maps of {} values for backbone '{}', which gives {}: use its own", values,
        backbone->ref(), backbone->record.feature_map.values());
  }
  return OkStatus();
}

// What identifies rows whose images the client does not have: their own bytes. A feature map
// belongs to an image, so it comes with a hash.
void HashRows(AppendRowsRequest* message) {
  if (!message->images.empty() || message->feature_maps.values != 0) return;
  for (size_t i = 0; i < message->embeddings.rows(); ++i) {
    const auto row = message->embeddings.row(i);
    message->images.push_back(
        HashContent({reinterpret_cast<const uint8_t*>(row.data()), row.size_bytes()}));
  }
}

Status CheckReturnsFeatureMap(const Named<BackboneRecord>& backbone) {
  if (backbone.record.feature_map.values() > 0) return OkStatus();
  return FailedPrecondition(
      "backbone '{}' gives no feature map: ingest with a TorchScript file that returns (embedding, "
      "map)",
      backbone.ref());
}

}  // namespace

Result<Frame> FindImages(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const FindImagesRequest message, FromFrame<FindImagesRequest>(request));
  AUGSTORE_TRY(CheckRows("image hashes", message.images.size()));
  RowIdsReply reply;
  reply.rows.assign(message.images.size(), kNoRow);
  Store* store = state.catalog->store();
  const Result<SpaceInfo> space = store->FindSpace(message.backbone, message.dtype);
  if (space.ok()) {
    AUGSTORE_TRY(store->FindImages(space->id, message.images, reply.rows));
  } else if (space.status().code() != Code::kNotFound) {
    return space.status();
  }
  return ToFrame(reply, request.request_id);
}

Result<Frame> AppendRows(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(AppendRowsRequest message, FromFrame<AppendRowsRequest>(request));
  HashRows(&message);
  AUGSTORE_TRY(CheckEmbeddings(*state.catalog, message));
  Store* store = state.catalog->store();
  AUGSTORE_ASSIGN(
      const SpaceId space,
      store->OpenSpace(message.backbone, static_cast<uint32_t>(message.embeddings.cols()),
                       message.dtype));
  RowIdsReply reply;
  reply.rows.assign(message.images.size(), kNoRow);
  AUGSTORE_TRY(store->AppendRows(space, message.images, message.embeddings.view(), reply.rows,
                                 message.feature_maps.view()));
  return ToFrame(reply, request.request_id);
}

Result<Frame> ReadRows(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const ReadRowsRequest message, FromFrame<ReadRowsRequest>(request));
  AUGSTORE_TRY(CheckRows("rows", message.rows.size()));
  Store* store = state.catalog->store();
  AUGSTORE_ASSIGN(const SpaceInfo space, store->FindSpace(message.backbone, message.dtype));
  uint32_t columns = space.dim;
  if (message.feature_maps) {
    AUGSTORE_ASSIGN(const auto backbone, state.catalog->FindBackbone(message.backbone));
    AUGSTORE_TRY(CheckReturnsFeatureMap(backbone));
    columns = static_cast<uint32_t>(backbone.record.feature_map.values());
  }
  AUGSTORE_TRY(CheckBatchFits(message.rows.size(), columns));
  BatchWriter writer(message.rows.size(), columns);
  AUGSTORE_TRY(message.feature_maps
                   ? store->ReadFeatureMaps(space.id, message.rows, writer.embeddings())
                   : store->ReadRows(space.id, message.rows, writer.embeddings()));
  std::ranges::copy(message.rows, writer.samples().begin());
  std::ranges::fill(writer.labels(), -1);
  std::ranges::fill(writer.chains(), uint16_t{0});
  AUGSTORE_ASSIGN(SharedBytes body, writer.Finish(0, 0));
  return BatchFrame(std::move(body), request.request_id);
}

Result<Frame> BeginDraft(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const BeginDraftRequest message, FromFrame<BeginDraftRequest>(request));
  AUGSTORE_ASSIGN(const DraftReply reply, state.catalog->BeginDraft(message));
  return ToFrame(reply, request.request_id);
}

Result<Frame> AppendSamples(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const AppendSamplesRequest message, FromFrame<AppendSamplesRequest>(request));
  AUGSTORE_TRY(CheckRows("samples", message.samples.size()));
  AUGSTORE_TRY(state.catalog->AppendSamples(message.draft, message.samples));
  return ToFrame(EndReply{}, request.request_id);
}

Result<Frame> CommitDraft(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const CommitDraftRequest message, FromFrame<CommitDraftRequest>(request));
  AUGSTORE_ASSIGN(const Named<CollectionRecord> made,
                  state.catalog->CommitDraft(message.draft, message.appended));
  return ToFrame(
      RecordReply{RecordKind::kCollection, made.name, made.version, Encode(made.record), ""},
      request.request_id);
}

Result<Frame> AbortDraft(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const AbortDraftRequest message, FromFrame<AbortDraftRequest>(request));
  AUGSTORE_TRY(state.catalog->AbortDraft(message.draft));
  return ToFrame(EndReply{}, request.request_id);
}

Result<Frame> GetSamples(ServiceState& state, const Frame& request) {
  AUGSTORE_ASSIGN(const GetSamplesRequest message, FromFrame<GetSamplesRequest>(request));
  if (message.count > kSampleChunkRows) {
    return InvalidArgument(
        "{} samples asked for at once, the limit is {}: ask for the rest with the next `begin`",
        message.count, kSampleChunkRows);
  }
  AUGSTORE_ASSIGN(const Named<CollectionRecord> collection,
                  state.catalog->GetCollection(message.collection));
  SamplesReply reply;
  AUGSTORE_ASSIGN(reply.samples,
                  state.catalog->GetSamples(collection.record, message.begin, message.count));
  return ToFrame(reply, request.request_id);
}

}  // namespace augstore::handlers

#include "server/service/service_ingest.h"

#include <algorithm>

#include "engine/images/view_law.h"
#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "server/service/service_reply.h"

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
    return InvalidArgument("embeddings of {} columns: a backbone returns 1 to {}", dim, kMaxDim);
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
        "feature maps of {} values for backbone '{}', which returns {}: use its own", values,
        backbone->ref(), backbone->record.feature_map.values());
  }
  return OkStatus();
}

// A client without images sends no hashes: the bytes of an embedding then identify its row. Feature
// maps belong to images, so they always come with hashes.
void HashRows(AppendRowsRequest* message) {
  if (!message->images.empty() || message->feature_maps.values != 0) return;
  for (size_t i = 0; i < message->embeddings.rows(); ++i) {
    const auto row = message->embeddings.row(i);
    message->images.push_back(
        HashContent({reinterpret_cast<const uint8_t*>(row.data()), row.size_bytes()}));
  }
}

Status CheckReturnsFeatureMap(const Versioned<BackboneRecord>& backbone) {
  if (backbone.record.feature_map.values() > 0) return OkStatus();
  return FailedPrecondition(
      "backbone '{}' returns no feature map: ingest with a TorchScript file that returns "
      "(embedding, "
      "map)",
      backbone.ref());
}

}  // namespace

Result<RowIdsReply> FindImages(ServiceState& state, FindImagesRequest& message) {
  AUGSTORE_TRY(CheckRows("image hashes", message.images.size()));
  RowIdsReply reply;
  reply.rows.assign(message.images.size(), kNoRow);
  Store* store = state.catalog->store();
  const Result<SpaceInfo> space = store->FindSpace(message.backbone, message.dtype);
  if (space.ok()) {
    AUGSTORE_TRY(state.catalog->FindImages(space->id, message.images, reply.rows));
  } else if (space.status().code() != Code::kNotFound) {
    return space.status();
  }
  return reply;
}

Result<RowIdsReply> AppendRows(ServiceState& state, AppendRowsRequest& message) {
  HashRows(&message);
  AUGSTORE_TRY(CheckEmbeddings(*state.catalog, message));
  Store* store = state.catalog->store();
  AUGSTORE_ASSIGN(
      const SpaceId space,
      store->OpenSpace(message.backbone, static_cast<uint32_t>(message.embeddings.cols()),
                       message.dtype));
  RowIdsReply reply;
  reply.rows.assign(message.images.size(), kNoRow);
  AUGSTORE_TRY(state.catalog->AppendRows(
      space,
      {message.images, message.embeddings.view(), message.feature_maps.view(), message.sources},
      reply.rows));
  return reply;
}

Result<SharedBytes> ReadRows(ServiceState& state, ReadRowsRequest& message,
                             const Cancellation& cancellation) {
  AUGSTORE_TRY(CheckRows("rows", message.rows.size()));
  Store* store = state.catalog->store();
  AUGSTORE_ASSIGN(const SpaceInfo space, store->FindSpace(message.backbone, message.dtype));
  uint32_t columns = space.dim;
  if (message.feature_maps) {
    AUGSTORE_ASSIGN(const auto backbone, state.catalog->FindBackbone(message.backbone));
    AUGSTORE_TRY(CheckReturnsFeatureMap(backbone));
    columns = static_cast<uint32_t>(backbone.record.feature_map.values());
  }
  AUGSTORE_TRY(CheckBatchSize(message.rows.size(), columns));
  AUGSTORE_ASSIGN(MemoryBudget::Share share, TakeReply(state, message.rows.size(), columns));
  BatchWriter writer(message.rows.size(), columns);
  AUGSTORE_TRY(
      message.feature_maps
          ? store->ReadFeatureMaps(space.id, message.rows, writer.embeddings(), cancellation)
          : store->ReadRows(space.id, message.rows, writer.embeddings(), cancellation));
  std::ranges::copy(message.rows, writer.samples().begin());
  std::ranges::fill(writer.labels(), -1);
  std::ranges::fill(writer.chains(), uint16_t{0});
  AUGSTORE_ASSIGN(SharedBytes body, writer.Finish(0, 0));
  return WithShare(std::move(body), std::move(share));
}

namespace {

// Whoever reads the version must be able to read its laws.
Status CheckLaw(const ViewSet& set) {
  AUGSTORE_ASSIGN(const ViewLaw law, ViewLaw::Parse(set));
  if (law.set().law == set.law) return OkStatus();
  return InvalidArgument("the law '{}' of a view set must be written '{}'", set.law, law.set().law);
}

}  // namespace

Result<DraftReply> BeginDraft(ServiceState& state, BeginDraftRequest& message,
                              const Principal& caller) {
  for (const ViewSet& set : message.views) AUGSTORE_TRY(CheckLaw(set));
  return state.catalog->BeginDraft(message, caller.who);
}

Result<EndReply> AppendSamples(ServiceState& state, AppendSamplesRequest& message) {
  AUGSTORE_TRY(CheckRows("samples", message.samples.size()));
  AUGSTORE_TRY(state.catalog->AppendSamples(message.draft, message.samples));
  return EndReply{};
}

Result<EndReply> AppendViews(ServiceState& state, AppendViewsRequest& message) {
  AUGSTORE_TRY(state.catalog->AppendViews(message.draft, message.begin, message.images));
  return EndReply{};
}

Result<CompareAnswer> CompareDraft(ServiceState& state, CompareDraftRequest& message) {
  return state.catalog->CompareDraft(message.draft);
}

Result<CommitAnswer> CommitDraft(ServiceState& state, CommitDraftRequest& message) {
  AUGSTORE_ASSIGN(const CommitOutcome outcome,
                  state.catalog->CommitDraft(message.draft, message.appended));
  if (const auto* progress = std::get_if<DraftProgress>(&outcome)) return CommitAnswer(*progress);
  const auto& made = std::get<Versioned<CollectionRecord>>(outcome);
  return CommitAnswer(
      RecordReply{RecordKind::kCollection, made.name, made.version, Encode(made.record), ""});
}

Result<EndReply> AbortDraft(ServiceState& state, AbortDraftRequest& message) {
  AUGSTORE_TRY(state.catalog->AbortDraft(message.draft));
  return EndReply{};
}

Result<SamplesReply> GetSamples(ServiceState& state, GetSamplesRequest& message) {
  if (message.count > kSampleChunkRows) {
    return InvalidArgument(
        "{} samples were requested at once, the limit is {}: request the rest with the next "
        "`begin`",
        message.count, kSampleChunkRows);
  }
  AUGSTORE_ASSIGN(const Versioned<CollectionRecord> collection,
                  state.catalog->Get<CollectionRecord>(message.collection));
  SamplesReply reply;
  AUGSTORE_ASSIGN(reply.samples,
                  state.catalog->GetSamples(collection.record, message.begin, message.count));
  return reply;
}

}  // namespace augstore::handlers

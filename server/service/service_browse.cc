#include "server/service/service_browse.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/math/permutation.h"
#include "engine/math/principal_plane.h"
#include "engine/streams/stream.h"
#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "server/service/collection_summary.h"
#include "server/service/service_registry.h"
#include "server/service/service_reply.h"
#include "server/service/service_stream.h"

namespace augstore::handlers {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kPageNames = 50;
constexpr uint32_t kMostPageNames = 200;
constexpr size_t kMostPageBytes = size_t{4} << 20;  // of records, but one is always sent
constexpr uint32_t kPictureSamples = 1000;
constexpr uint32_t kMostPictureSamples = 5000;

std::string LowerCase(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// Their ids within the collection.
std::vector<SampleId> DrawSamples(const SampleTable& table, const ProjectRequest& message) {
  const uint64_t wanted = message.samples == 0 ? kPictureSamples : message.samples;
  const uint64_t count = std::min<uint64_t>(wanted, table.samples.size());
  const Permutation order(table.samples.size(), message.seed, 0);
  std::vector<uint64_t> places(count);
  for (uint64_t i = 0; i < count; ++i) places[i] = order.At(i);
  std::ranges::sort(places);  // neighbours share segments
  std::vector<SampleId> samples;
  samples.reserve(count);
  for (const uint64_t place : places) samples.push_back(table.samples[place]);
  return samples;
}

// What is drawn, as queries answer it.
struct Picture {
  ServiceState& state;
  const Cancellation& cancellation;
  std::string collection;
  std::vector<SampleId> samples;

  Result<Batch> Ask(const std::string& chain) const {
    QueryRequest query{collection, samples, chain, ""};
    AUGSTORE_ASSIGN(SharedBytes body, Query(state, query, cancellation));
    return BatchFromFrame(BatchFrame(std::move(body), 0));
  }
};

Json PointsJson(const PrincipalPlane& plane, const Batch& batch) {
  Json points = Json::array();
  for (const auto& point : ProjectOnto(plane, batch.embeddings)) points.push_back(point);
  return points;
}

Result<Json> MovedJson(const Picture& picture, const PrincipalPlane& plane,
                       const std::vector<std::string>& chains) {
  Json moved = Json::array();
  for (const std::string& chain : chains) {
    AUGSTORE_ASSIGN(const Batch batch, picture.Ask(chain));
    moved.push_back({{"chain", chain}, {"points", PointsJson(plane, batch)}});
  }
  return moved;
}

// Of a law with several views of each sample, one.
Result<Json> ViewsJson(const Picture& picture, const PrincipalPlane& plane,
                       const std::vector<ViewSet>& sets) {
  Json views = Json::array();
  for (const ViewSet& set : sets) {
    AUGSTORE_ASSIGN(const Batch batch, picture.Ask(fmt::format("view({})", set.law)));
    views.push_back({{"law", set.law}, {"points", PointsJson(plane, batch)}});
  }
  return views;
}

}  // namespace

Result<RecordListReply> Browse(ServiceState& state, BrowseRequest& message,
                               const Principal& caller) {
  AUGSTORE_TRY(CheckPublicKind(message.kind));
  if (message.kind == RecordKind::kAliases) {
    return InvalidArgument("aliases are not browsed: get those of a name by GetRecord");
  }
  Store& store = *state.catalog->store();
  AUGSTORE_ASSIGN(std::vector<std::string> names,
                  store.ListNames(message.kind, std::numeric_limits<size_t>::max()));
  const std::string part = LowerCase(message.find);
  std::erase_if(names, [&](const std::string& name) {
    const bool visible = message.kind != RecordKind::kCollection || caller.may_see(name);
    return !visible || LowerCase(name).find(part) == std::string::npos;
  });
  RecordListReply reply{{}, names.size()};
  const uint32_t limit = message.limit == 0 ? kPageNames : std::min(message.limit, kMostPageNames);
  size_t bytes = 0;
  for (auto name = std::ranges::upper_bound(names, message.after);
       name != names.end() && reply.records.size() < limit; ++name) {
    Result<RecordEntry> entry = store.LatestRecord(message.kind, *name);
    if (entry.status().code() == Code::kNotFound) continue;  // deleted meanwhile
    AUGSTORE_TRY(entry);
    bytes += entry->bytes.size();
    if (bytes > kMostPageBytes && !reply.records.empty()) break;  // the next page has it
    reply.records.push_back({entry->key.kind, std::move(entry->key.name), entry->key.version,
                             std::move(entry->bytes), ""});
  }
  return reply;
}

Result<JsonReply> DescribeCollection(ServiceState& state, DescribeCollectionRequest& message,
                                     const Cancellation& cancellation) {
  AUGSTORE_ASSIGN(const auto collection, state.catalog->Get<CollectionRecord>(message.collection));
  AUGSTORE_ASSIGN(Json summary, SummariseCollection(*state.catalog, collection, state.stream_memory,
                                                    cancellation));
  if (!message.other.empty()) {
    AUGSTORE_ASSIGN(const Ref other_ref, ParseRef(message.other));
    if (other_ref.name != collection.name) {
      return InvalidArgument("'{}' is no version of collection '{}': compare two of one name",
                             message.other, collection.name);
    }
    AUGSTORE_ASSIGN(const auto other, state.catalog->Get<CollectionRecord>(message.other));
    AUGSTORE_ASSIGN(summary["diff"], CompareCollections(*state.catalog, collection, other,
                                                        state.stream_memory, cancellation));
  }
  return JsonReply{summary.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

Result<JsonReply> Project(ServiceState& state, ProjectRequest& message,
                          const Cancellation& cancellation) {
  if (message.samples > kMostPictureSamples) {
    return InvalidArgument("{} samples are too many for a picture: at most {}", message.samples,
                           kMostPictureSamples);
  }
  AUGSTORE_ASSIGN(const auto collection, state.catalog->Get<CollectionRecord>(message.collection));
  AUGSTORE_ASSIGN(const auto table,
                  LoadSampleTable(*state.catalog, state.stream_memory, collection.record,
                                  message.split, "", {}, cancellation));
  const Picture picture{state, cancellation, collection.ref(), DrawSamples(*table, message)};
  if (picture.samples.empty()) return InvalidArgument("'{}' has no samples", collection.ref());
  // Of the centred copy; queries take their own.
  AUGSTORE_ASSIGN(const MemoryBudget::Share share,
                  TakeReply(state, picture.samples.size(), table->dim));
  AUGSTORE_ASSIGN(const Batch batch, picture.Ask("identity"));
  AUGSTORE_ASSIGN(const PrincipalPlane plane, FindPrincipalPlane(batch.embeddings, cancellation));
  Json json = {{"collection", collection.ref()},
               {"dim", table->dim},
               {"explained", plane.explained},
               {"ids", picture.samples},
               {"labels", std::vector<int32_t>(batch.labels.begin(), batch.labels.end())},
               {"classes", table->classes},
               {"points", PointsJson(plane, batch)}};
  AUGSTORE_ASSIGN(json["moved"], MovedJson(picture, plane, message.chains));
  AUGSTORE_ASSIGN(
      json["views"],
      ViewsJson(picture, plane, message.views ? collection.record.views : std::vector<ViewSet>()));
  return JsonReply{json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace augstore::handlers

#include "tools/collection/view_embedder.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <unordered_map>

#include "engine/images/image_source.h"
#include "engine/math/compute_threads.h"
#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "tools/cli/progress.h"
#include "tools/collection/parallel_for.h"

namespace augstore {
namespace {

constexpr size_t kHashWindow = 4096;  // files between two updates of the progress line

// The hash of each item's file; zeros where it is no image.
Result<std::vector<ContentHash>> HashItems(std::span<const ImageItem> items, int threads,
                                           bool show) {
  std::vector<ContentHash> hashes(items.size());
  Progress progress("hash", "images", items.size(), show);
  const int workers = threads > 0 ? threads : HardwareThreads();
  for (size_t begin = 0; begin < items.size(); begin += kHashWindow) {
    const size_t count = std::min(kHashWindow, items.size() - begin);
    AUGSTORE_TRY(ParallelFor(count, workers, [&](size_t i) {
      const Result<std::string> bytes = ReadItem(items[begin + i]);
      // A damaged image is in no collection.
      if (bytes.status().code() == Code::kInvalidArgument) return OkStatus();
      if (!bytes.ok()) return bytes.status();
      hashes[begin + i] =
          HashContent({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()});
      return OkStatus();
    }));
    progress.Update(begin + count);
    if (Interrupted()) return InterruptedStatus("nothing was changed");
  }
  return hashes;
}

std::vector<ContentHash> DistinctImages(const CollectionImages& of) {
  std::vector<ContentHash> images;
  for (const uint64_t sample : of.chosen) images.push_back(of.images[sample]);
  std::sort(images.begin(), images.end());
  images.erase(std::unique(images.begin(), images.end()), images.end());
  return images;
}

}  // namespace

Result<std::vector<MissingViews>> FindMissingViews(Client& client, const CollectionImages& of,
                                                   const std::vector<ViewLaw>& laws, bool show) {
  const std::vector<ContentHash> images = DistinctImages(of);
  std::vector<MissingViews> all;
  uint64_t views = 0;
  for (const ViewLaw& law : laws) views += law.set().count;
  Progress progress("look up", "views", images.size() * views, show);
  uint64_t done = 0;
  for (size_t l = 0; l < laws.size(); ++l) {
    for (uint32_t number = 0; number < laws[l].set().count; ++number) {
      MissingViews missing{l, number, {}};
      for (size_t begin = 0; begin < images.size(); begin += kMaxBatchRows) {
        const size_t end = std::min<size_t>(images.size(), begin + kMaxBatchRows);
        FindImagesRequest request{.backbone = of.collection.record.backbone,
                                  .images = {},
                                  .dtype = of.collection.record.dtype};
        for (size_t i = begin; i < end; ++i)
          request.images.push_back(laws[l].Hash(number, images[i]));
        AUGSTORE_ASSIGN(const RowIdsReply reply, client.Call<RowIdsReply>(request));
        if (reply.rows.size() != end - begin)
          return Internal("the database answered for another number of images");
        for (size_t i = begin; i < end; ++i) {
          if (reply.rows[i - begin] == kNoRow) missing.images.push_back(images[i]);
        }
        progress.Update(done += end - begin);
        if (Interrupted()) return InterruptedStatus("nothing was changed");
      }
      if (!missing.images.empty()) all.push_back(std::move(missing));
    }
  }
  return all;
}

uint64_t CountMissing(const std::vector<MissingViews>& missing) {
  uint64_t views = 0;
  for (const MissingViews& some : missing) views += some.images.size();
  return views;
}

Result<std::vector<HashedItem>> ItemsOfMissing(Client& client, const CollectionImages& of,
                                               const std::vector<MissingViews>& missing,
                                               std::span<const ImageItem> items, int threads,
                                               bool show) {
  std::set<ContentHash> wanted;
  for (const MissingViews& some : missing) wanted.insert(some.images.begin(), some.images.end());
  AUGSTORE_ASSIGN(const std::vector<ContentHash> hashes, HashItems(items, threads, show));
  std::vector<HashedItem> found;
  for (size_t i = 0; i < items.size(); ++i) {
    if (wanted.erase(hashes[i]) > 0) found.push_back({items[i], hashes[i]});
  }
  if (wanted.empty()) return found;
  const auto sample = std::ranges::find_if(
      of.chosen, [&](uint64_t chosen) { return wanted.contains(of.images[chosen]); });
  const GetSamplesRequest request{.collection = of.collection.ref(), .begin = *sample, .count = 1};
  AUGSTORE_ASSIGN(const SamplesReply reply, client.Call<SamplesReply>(request));
  if (reply.samples.size() != 1) return Internal("there is no sample {}", *sample);
  return NotFound(
      "{} images of '{}' of which views are missing are not in --images, such as that of sample "
      "'{}': name the folder or manifest that they were ingested from, or another --split",
      wanted.size(), of.collection.ref(), reply.samples.keys[0]);
}

Result<EmbedCounts> EmbedMissing(Database& database, LazyBackbone& backbone,
                                 const std::vector<ViewLaw>& laws,
                                 const std::vector<MissingViews>& missing,
                                 std::span<const HashedItem> items, bool show) {
  EmbedCounts counts;
  for (const MissingViews& some : missing) {
    const ViewLaw& law = laws[some.law];
    std::vector<ImageItem> now;
    std::vector<ImageOp> ops;
    for (const HashedItem& hashed : items) {
      if (!std::ranges::binary_search(some.images, hashed.image)) continue;
      now.push_back(hashed.item);
      ops.push_back(law.Op(some.number, hashed.image));
    }
    const std::string label =
        fmt::format("{} ({} of {})", law.set().law, some.number + 1, law.set().count);
    AUGSTORE_ASSIGN(const EmbedOutcome outcome,
                    EmbedItems(database, backbone, now, ops, label, show));
    counts.Add(outcome);
  }
  return counts;
}

}  // namespace augstore

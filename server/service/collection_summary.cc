#include "server/service/collection_summary.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "schemas/base/digest.h"
#include "schemas/base/limits.h"

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostExamples = 50;
constexpr uint64_t kMostCounts = uint64_t{1} << 20;
constexpr uint64_t kBytesPerCount = 40;  // as a number, in JSON, and as text
constexpr uint64_t kBytesPerEntry = 96;  // of a map of std::unordered_map, its table included

// What tells two samples of one (split, key) apart.
struct Entry {
  ContentHash image;
  int32_t label = -1;
  bool met = false;
};
// By a hash of (split, key): two keys that share one would be told apart wrongly, of which there is
// no chance worth a second look in a summary for people.
using Entries = std::unordered_map<uint64_t, Entry>;

uint64_t HashOf(const std::string& split, const std::string& key) {
  const std::string text = split + '\0' + key;
  return Checksum64({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

const std::string& SplitOf(const SampleChunk& chunk, size_t i) {
  return chunk.split_names[chunk.splits[i]];
}

int32_t LabelOf(const SampleChunk& chunk, size_t i) {
  return chunk.labels.empty() ? -1 : chunk.labels[0][i];
}

// Calls `visit(chunk, i)` for every sample of the version.
template <typename Visit>
Status ForEachSample(Catalog& catalog, const CollectionRecord& collection,
                     const Cancellation& cancellation, const Visit& visit) {
  for (uint64_t begin = 0; begin < collection.samples;) {
    AUGSTORE_TRY(cancellation.Check());
    AUGSTORE_ASSIGN(const SampleChunk chunk,
                    catalog.GetSamples(collection, begin, kSampleChunkRows));
    if (chunk.size() == 0) return DataLoss("the samples of a version end at {}", begin);
    for (size_t i = 0; i < chunk.size(); ++i) visit(chunk, i);
    begin += chunk.size();
  }
  return OkStatus();
}

struct Differences {
  uint64_t added = 0;
  uint64_t removed = 0;
  uint64_t relabelled = 0;
  uint64_t replaced = 0;
  uint64_t left = 0;
  Json examples = Json::array();

  void Note(const char* what, uint64_t* count, const std::string& split, const std::string& key) {
    ++*count;
    if (examples.size() >= kMostExamples) return;
    examples.push_back({{"what", what}, {"split", split}, {"key", key}});
  }
};

}  // namespace

Result<Json> SummariseCollection(Catalog& catalog, const Versioned<CollectionRecord>& collection,
                                 MemoryBudget& memory, const Cancellation& cancellation) {
  struct Counts {
    uint64_t samples = 0;
    uint64_t unlabelled = 0;
    std::vector<uint64_t> classes;
  };
  const CollectionRecord& record = collection.record;
  const size_t classes = record.labels.empty() ? 0 : record.labels[0].classes.size();
  const uint64_t counts_of_all = record.splits.size() * classes;
  if (counts_of_all > kMostCounts) {
    return ResourceExhausted(
        "'{}' has {} splits and {} classes: more than {} counts are no summary", collection.ref(),
        record.splits.size(), classes, kMostCounts);
  }
  AUGSTORE_ASSIGN(const MemoryBudget::Share share,
                  memory.TakeNow(counts_of_all * kBytesPerCount, "a summary"));
  std::map<std::string, Counts> splits;
  AUGSTORE_TRY(
      ForEachSample(catalog, record, cancellation, [&](const SampleChunk& chunk, size_t i) {
        Counts& counts = splits[SplitOf(chunk, i)];
        counts.classes.resize(classes);
        ++counts.samples;
        const auto label = static_cast<size_t>(LabelOf(chunk, i));
        ++(label < classes ? counts.classes[label] : counts.unlabelled);
      }));
  Json columns = Json::array();
  for (const LabelColumn& column : record.labels) {
    columns.push_back({{"name", column.name}, {"classes", column.classes}});
  }
  Json listed = Json::array();
  for (const SplitCount& split : record.splits) {  // in the order in which they came
    const Counts& counts = splits[split.name];
    listed.push_back({{"name", split.name},
                      {"samples", counts.samples},
                      {"unlabelled", counts.unlabelled},
                      {"classes", counts.classes}});
  }
  return Json{{"collection", collection.ref()},
              {"samples", record.samples},
              {"columns", std::move(columns)},
              {"splits", std::move(listed)}};
}

Result<Json> CompareCollections(Catalog& catalog, const Versioned<CollectionRecord>& collection,
                                const Versioned<CollectionRecord>& other, MemoryBudget& memory,
                                const Cancellation& cancellation) {
  AUGSTORE_ASSIGN(const MemoryBudget::Share share,
                  memory.TakeNow(other.record.samples * kBytesPerEntry, "a comparison"));
  // Labels are compared as classes, whose numbers may differ between versions.
  std::map<std::string, int32_t> class_numbers;
  const auto class_of = [&](const CollectionRecord& record, int32_t label) {
    if (label < 0) return -1;
    const auto number = static_cast<size_t>(label);
    if (record.labels.empty() || number >= record.labels[0].classes.size()) return -1;  // damaged
    const std::string& name = record.labels[0].classes[number];
    return class_numbers.emplace(name, static_cast<int32_t>(class_numbers.size())).first->second;
  };
  Entries entries;
  entries.reserve(other.record.samples);
  AUGSTORE_TRY(
      ForEachSample(catalog, other.record, cancellation, [&](const SampleChunk& chunk, size_t i) {
        entries[HashOf(SplitOf(chunk, i), chunk.keys[i])] = {
            chunk.images[i], class_of(other.record, LabelOf(chunk, i))};
      }));
  Differences differences;
  AUGSTORE_TRY(ForEachSample(
      catalog, collection.record, cancellation, [&](const SampleChunk& chunk, size_t i) {
        const std::string& split = SplitOf(chunk, i);
        const std::string& key = chunk.keys[i];
        const auto before = entries.find(HashOf(split, key));
        if (before == entries.end()) {
          differences.Note("added", &differences.added, split, key);
          return;
        }
        before->second.met = true;
        if (before->second.image != chunk.images[i]) {
          differences.Note("replaced", &differences.replaced, split, key);
        } else if (before->second.label != class_of(collection.record, LabelOf(chunk, i))) {
          differences.Note("relabelled", &differences.relabelled, split, key);
        } else {
          ++differences.left;
        }
      }));
  if (differences.added + other.record.samples > collection.record.samples) {
    AUGSTORE_TRY(
        ForEachSample(catalog, other.record, cancellation, [&](const SampleChunk& chunk, size_t i) {
          const std::string& split = SplitOf(chunk, i);
          if (entries[HashOf(split, chunk.keys[i])].met) return;
          differences.Note("removed", &differences.removed, split, chunk.keys[i]);
        }));
  }
  return Json{{"other", other.ref()},
              {"added", differences.added},
              {"removed", differences.removed},
              {"relabelled", differences.relabelled},
              {"replaced", differences.replaced},
              {"left", differences.left},
              {"examples", std::move(differences.examples)}};
}

}  // namespace augstore

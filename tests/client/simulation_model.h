// What a store should hold, in the simplest way that says it: lists and maps, no files, no drafts.
#ifndef AUGSTORE_TESTS_CLIENT_SIMULATION_MODEL_H_
#define AUGSTORE_TESTS_CLIENT_SIMULATION_MODEL_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schemas/base/types.h"

namespace augstore::simulation {

struct Sample {
  std::string split;
  std::string key;
  uint64_t image = 0;
  int32_t label = 0;
  bool operator==(const Sample&) const = default;
};
using Content = std::vector<Sample>;  // in the order of sample ids

// Where each (split, key) is.
using Places = std::map<std::pair<std::string, std::string>, size_t>;
inline Places PlacesOf(const Content& content) {
  Places places;
  for (size_t i = 0; i < content.size(); ++i) places[{content[i].split, content[i].key}] = i;
  return places;
}

// The samples of `added` in the places of those with their keys, the others behind.
inline Content Grow(Content base, const Content& added) {
  const Places places = PlacesOf(base);
  for (const Sample& sample : added) {
    const auto same = places.find({sample.split, sample.key});
    if (same == places.end()) {
      base.push_back(sample);
    } else {
      base[same->second] = sample;
    }
  }
  return base;
}

// Samples of `base` that `added` would replace by others.
inline uint64_t CountReplaced(const Content& base, const Content& added) {
  const Places places = PlacesOf(base);
  uint64_t replaced = 0;
  for (const Sample& sample : added) {
    const auto same = places.find({sample.split, sample.key});
    replaced += same != places.end() && base[same->second] != sample ? 1 : 0;
  }
  return replaced;
}

struct Version {
  Content content;
  std::optional<Digest> digest;  // once a client has seen it
};

struct Collection {
  std::map<uint32_t, Version> versions;  // without those that were deleted
  uint32_t last = 0;                     // the highest number that was ever given

  uint32_t latest() const { return versions.empty() ? 0 : versions.rbegin()->first; }
  Content LatestContent() const {
    return versions.empty() ? Content() : versions.rbegin()->second.content;
  }
};

// What a writer has sent to a draft.
struct Draft {
  std::string collection;
  uint32_t number = 0;    // the server's
  uint32_t restarts = 0;  // of the server, when the draft began
  uint32_t latest = 0;    // version of the collection then; 0: none
  bool start_empty = false;
  bool replace = false;
  Content base;
  Content added;
  Content in_doubt;  // sent, and no reply came
};

enum class Outcome { kNewVersion, kSameVersion, kRefused };

struct Model {
  std::map<std::string, Collection> collections;
  std::map<std::string, std::vector<float>> transforms;            // scale of version i + 1
  std::map<std::string, std::map<std::string, uint32_t>> aliases;  // of transforms
  std::map<uint64_t, RowId> rows;  // of images that a client was told of

  // What a commit does to the model.
  Outcome Commit(const Draft& draft, const Content& added) {
    Collection& collection = collections[draft.collection];
    const Content content = Grow(draft.base, added);
    if (!draft.replace && CountReplaced(draft.base, added) > 0) return Outcome::kRefused;
    if (collection.latest() != 0 && collection.LatestContent() == content) {
      return Outcome::kSameVersion;
    }
    if (collection.latest() != draft.latest) return Outcome::kRefused;
    collection.versions[++collection.last] = {content, {}};
    return Outcome::kNewVersion;
  }
};

}  // namespace augstore::simulation

#endif  // AUGSTORE_TESTS_CLIENT_SIMULATION_MODEL_H_

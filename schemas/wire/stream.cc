#include "schemas/wire/stream.h"

#include <algorithm>
#include <string_view>

#include "schemas/base/status.h"

namespace augstore {
namespace {

// Collects "name: a here, b before" for what differs.
class Differences {
 public:
  template <typename T>
  void Compare(std::string_view name, const T& here, const T& before) {
    if (here == before) return;
    if (!text_.empty()) text_ += "; ";
    text_ += fmt::format("{}: {} here, {} before", name, Show(here), Show(before));
  }
  // Names the first place where two lists differ.
  template <typename T>
  void CompareLists(std::string_view name, const std::vector<T>& here,
                    const std::vector<T>& before) {
    if (here.size() != before.size())
      Compare(fmt::format("number of {}", name), here.size(), before.size());
    for (size_t i = 0; i < std::min(here.size(), before.size()); ++i) {
      if (here[i] == before[i]) continue;
      Compare(fmt::format("{}[{}]", name, i), here[i], before[i]);
      return;
    }
  }
  std::string text_;

 private:
  static std::string Show(const std::string& text) { return fmt::format("'{}'", text); }
  static std::string Show(const Digest& digest) { return digest.Hex().substr(0, 16) + "…"; }
  template <typename T>
  static std::string Show(T value) {
    return fmt::format("{}", value);
  }
};

}  // namespace

std::string DescribeDifference(const StreamReply& here, const StreamReply& before) {
  Differences d;
  d.Compare("collection", here.spec.collection, before.spec.collection);
  d.Compare("collection digest", here.collection_digest, before.collection_digest);
  d.Compare("split", here.spec.split, before.spec.split);
  d.Compare("policy", here.spec.policy, before.spec.policy);
  d.Compare("label column", here.spec.label_column, before.spec.label_column);
  d.Compare("seed", here.spec.seed, before.spec.seed);
  d.Compare("batch size", here.spec.batch_size, before.spec.batch_size);
  d.Compare("world size", here.spec.world_size, before.spec.world_size);
  d.Compare("shuffle", here.spec.shuffle, before.spec.shuffle);
  d.Compare("drop last", here.spec.drop_last, before.spec.drop_last);
  d.Compare("shuffle window", here.spec.shuffle_window, before.spec.shuffle_window);
  d.Compare("dtype", std::string(DtypeName(here.spec.dtype)),
            std::string(DtypeName(before.spec.dtype)));
  d.Compare("precision", std::string(PrecisionName(here.spec.precision)),
            std::string(PrecisionName(before.spec.precision)));
  d.CompareLists("chains", here.chains, before.chains);
  d.CompareLists("transforms", here.transforms, before.transforms);
  d.CompareLists("classes", here.classes, before.classes);
  d.Compare("samples", here.samples, before.samples);
  d.Compare("dim", here.dim, before.dim);
  // The number of steps may depend on the rank, and follows from what was compared.
  if (here.spec.rank == before.spec.rank) d.Compare("steps", here.steps, before.steps);
  if (d.text_.empty()) d.Compare("fingerprint", here.fingerprint, before.fingerprint);
  return d.text_;
}

}  // namespace augstore

#include "tools/head/loaded_head.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tools/cli/backbone_name.h"
#include "tools/cli/record_text.h"

namespace augstore {

Result<LoadedHead> LoadHead(Client& client, const std::string& ref) {
  AUGSTORE_ASSIGN(const auto head, client.Get<HeadRecord>(RecordKind::kHead, ref));
  AUGSTORE_ASSIGN(Layers layers, client.GetLayers(head.ref()));
  if (layers.dim_in() != head.record.dim || layers.dim_out() != head.record.classes.size()) {
    return DataLoss(
        "head {} maps {} to {} values, and its record says {} to {} classes: run `augstore verify`",
        head.ref(), layers.dim_in(), layers.dim_out(), head.record.dim, head.record.classes.size());
  }
  AUGSTORE_ASSIGN(NetworkPtr network, MakeNetwork(std::move(layers)));
  return LoadedHead{head.ref(), head.record, std::move(network)};
}

Status CheckBackbone(Client& client, const LoadedHead& head, const Digest& backbone,
                     const std::string& what) {
  if (head.record.backbone == backbone) return OkStatus();
  return FailedPrecondition(
      "head {} was trained on embeddings of backbone {}, and {} has those of backbone {}: use "
      "embeddings of the head's backbone, or train a head for this one",
      head.ref, BackboneName(client, head.record.backbone), what, BackboneName(client, backbone));
}

Status CheckSplit(const Client::Versioned<CollectionRecord>& collection, const std::string& flag,
                  const std::string& split) {
  std::vector<std::string> names;
  for (const SplitCount& known : collection.record.splits) {
    if (split.empty() || known.name == split) return OkStatus();
    names.push_back(known.name);
  }
  return NotFound("{}: collection {} has no split '{}'; it has: {}", flag, collection.ref(), split,
                  ListText(names, "none"));
}

void Softmax(MatrixView p) {
  for (size_t i = 0; i < p.rows; ++i) {
    const auto row = p.row(i);
    if (row.empty()) continue;
    const double max = *std::ranges::max_element(row);
    double sum = 0;
    for (const float value : row) sum += std::exp(value - max);
    for (float& value : row) value = static_cast<float>(std::exp(value - max) / sum);
  }
}

}  // namespace augstore

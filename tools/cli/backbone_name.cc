#include "tools/cli/backbone_name.h"

#include <fmt/format.h>

namespace augstore {

std::string BackboneName(Client& client, const Digest& digest) {
  const std::string text = fmt::format("digest {}…", digest.Hex().substr(0, 12));
  const auto known = client.List<BackboneRecord>(RecordKind::kBackbone);
  if (!known.ok()) return text;
  for (const auto& entry : *known) {
    if (entry.record.digest == digest) return fmt::format("{} ({})", entry.ref(), text);
  }
  return text;
}

}  // namespace augstore

#include "tools/collection/proven_transform.h"

#include <algorithm>

#include "engine/streams/transform_choice.h"
#include "schemas/base/names.h"
#include "schemas/records/card_worth.h"

namespace augstore {

Result<const Versioned<TransformRecord>*> ChampionOrProven(
    Client& client, const std::vector<Versioned<TransformRecord>>& versions) {
  AUGSTORE_ASSIGN(const AliasHistory aliases,
                  client.Aliases(RecordKind::kTransform, versions[0].name));
  const uint32_t champion = aliases.Find(kChampion);
  const auto found = std::ranges::find(versions, champion, &Versioned<TransformRecord>::version);
  if (found != versions.end()) return &*found;
  return BestProven(versions);
}

Result<Versioned<TransformRecord>> GetTransform(Client& client, const std::string& ref,
                                                const Digest& backbone) {
  AUGSTORE_ASSIGN(const Ref parsed, ParseRef(ref));
  if (parsed.version == 0 && parsed.alias.empty()) {
    AUGSTORE_ASSIGN(auto versions, client.List<TransformRecord>(parsed.name));
    std::erase_if(versions, [&](const auto& one) { return one.record.backbone != backbone; });
    if (!versions.empty()) {
      AUGSTORE_ASSIGN(const auto* const chosen, ChampionOrProven(client, versions));
      if (chosen != nullptr) return *chosen;
      return FailedPrecondition(
          "no version of transform {} is proven for this backbone, and it has no alias 'champion' "
          "there: name one as name@version, such as {}",
          parsed.name, versions.back().ref());
    }
  }
  return client.Get<TransformRecord>(ref);
}

}  // namespace augstore

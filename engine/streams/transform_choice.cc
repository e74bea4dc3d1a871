#include "engine/streams/transform_choice.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "schemas/records/card_worth.h"

namespace augstore {
namespace {

using Version = Versioned<TransformRecord>;

std::string BackboneName(Catalog& catalog, const Digest& digest) {
  const auto backbone = catalog.FindBackbone(digest);
  return backbone.ok() ? backbone.value().ref() : "sha256 " + digest.Hex().substr(0, 12);
}

Status OtherBackbone(Catalog& catalog, const Version& transform, const Digest& backbone) {
  return FailedPrecondition(
      "transform {} was trained for backbone {}, and the embeddings are of backbone {}: train one "
      "for that backbone",
      transform.ref(), BackboneName(catalog, transform.record.backbone),
      BackboneName(catalog, backbone));
}

// Every version of `name`, in ascending order. Errors: kNotFound.
Result<std::vector<Version>> VersionsOf(Catalog& catalog, const std::string& name) {
  AUGSTORE_TRY(catalog.Resolve(RecordKind::kTransform, name));
  AUGSTORE_ASSIGN(const auto entries, catalog.store()->ListRecords(RecordKind::kTransform, name));
  std::vector<Version> versions;
  for (const RecordEntry& entry : entries) {
    AUGSTORE_ASSIGN(TransformRecord record, Decode<TransformRecord>(entry.bytes));
    versions.push_back({entry.key.name, entry.key.version, std::move(record)});
  }
  return versions;
}

Status NoneProven(const std::string& name, const std::vector<Version>& versions) {
  std::string listed;
  for (const Version& version : versions) {
    listed += fmt::format("{}{}: {}", listed.empty() ? "" : ", ", version.ref(),
                          WorthText(version.record.card));
  }
  return FailedPrecondition(
      "no version of transform {} is proven for this backbone ({}), and it has no alias 'champion' "
      "there: name one as name@version, such as {}",
      name, listed, versions.back().ref());
}

}  // namespace

Result<Version> ChooseTransform(Catalog& catalog, const Ref& ref, const Digest& backbone) {
  if (ref.version != 0 || !ref.alias.empty()) {
    AUGSTORE_ASSIGN(Version named, catalog.Get<TransformRecord>(ref.ToString()));
    if (named.record.backbone != backbone) return OtherBackbone(catalog, named, backbone);
    return named;
  }
  AUGSTORE_ASSIGN(std::vector<Version> versions, VersionsOf(catalog, ref.name));
  const Version latest = versions.back();
  std::erase_if(versions,
                [&](const Version& version) { return version.record.backbone != backbone; });
  if (versions.empty()) return OtherBackbone(catalog, latest, backbone);
  AUGSTORE_ASSIGN(const AliasHistory aliases, catalog.GetAliases(RecordKind::kTransform, ref.name));
  const uint32_t champion = aliases.Find(kChampion);
  const auto alias = std::ranges::find(versions, champion, &Version::version);
  if (alias != versions.end()) return *alias;
  const Version* best = BestProven(versions);
  if (best == nullptr) return NoneProven(ref.name, versions);
  return *best;
}

}  // namespace augstore

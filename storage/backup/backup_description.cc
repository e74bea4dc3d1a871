#include "storage/backup/backup_description.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "schemas/base/digest.h"

namespace augstore {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kFormat = 1;
constexpr std::array kKinds = {RecordKind::kBackbone, RecordKind::kCollection,
                               RecordKind::kTransform, RecordKind::kHead};

Digest DigestOf(const BackboneRecord& record) { return record.digest; }
Digest DigestOf(const CollectionRecord& record) { return record.digest; }
Digest DigestOf(const TransformRecord& record) { return record.weights; }
Digest DigestOf(const HeadRecord& record) { return record.weights; }
uint64_t SamplesOf(const CollectionRecord& record) { return record.samples; }
template <typename Record>
uint64_t SamplesOf(const Record&) {
  return 0;
}

template <typename Record>
Status AddVersions(Store& store, std::vector<BackupVersion>* versions) {
  AUGSTORE_ASSIGN(const auto entries, store.ListRecords(Record::kKind, ""));
  for (const RecordEntry& entry : entries) {
    const Result<Record> record = Decode<Record>(entry.bytes);
    if (!record.ok()) {
      return record.status().WithContext(fmt::format("{} '{}@{}'", RecordKindName(entry.key.kind),
                                                     entry.key.name, entry.key.version));
    }
    versions->push_back({entry.key, DigestOf(*record), SamplesOf(*record)});
  }
  return OkStatus();
}

std::string Sha256Hex(std::string_view text) {
  return Sha256({reinterpret_cast<const uint8_t*>(text.data()), text.size()}).Hex();
}

Json VersionJson(const BackupVersion& version) {
  Json json = {{"kind", RecordKindName(version.key.kind)},
               {"name", version.key.name},
               {"version", version.key.version},
               {"digest", version.digest.Hex()}};
  if (version.key.kind == RecordKind::kCollection) json["samples"] = version.samples;
  return json;
}

Json ToJson(const BackupDescription& description, bool with_versions) {
  Json json = {{"format", kFormat},
               {"id", description.id},
               {"store_id", description.store_id},
               {"sequence", description.sequence},
               {"created_unix_s", description.created_unix_s},
               {"bytes", description.bytes},
               {"copied_bytes", description.copied_bytes},
               {"file_list", description.file_list.Hex()}};
  if (with_versions) {
    json["versions"] = Json::array();
    for (const BackupVersion& version : description.versions) {
      json["versions"].push_back(VersionJson(version));
    }
  } else {
    for (const RecordKind kind : kKinds) {
      json[std::string(RecordKindName(kind)) + "s"] = description.CountOf(kind);
    }
  }
  return json;
}

// Of text whose checksum is right, so only another version of augstore could have written what is
// not understood. Throws nlohmann's exceptions.
Result<BackupDescription> FromJson(const Json& json) {
  BackupDescription description;
  json.at("id").get_to(description.id);
  json.at("store_id").get_to(description.store_id);
  json.at("sequence").get_to(description.sequence);
  json.at("created_unix_s").get_to(description.created_unix_s);
  json.at("bytes").get_to(description.bytes);
  json.at("copied_bytes").get_to(description.copied_bytes);
  AUGSTORE_ASSIGN(description.file_list, Digest::FromHex(json.at("file_list").get<std::string>()));
  for (const Json& item : json.at("versions")) {
    BackupVersion version;
    AUGSTORE_ASSIGN(version.key.kind, ParseRecordKind(item.at("kind").get<std::string>()));
    item.at("name").get_to(version.key.name);
    item.at("version").get_to(version.key.version);
    AUGSTORE_ASSIGN(version.digest, Digest::FromHex(item.at("digest").get<std::string>()));
    version.samples = item.value("samples", uint64_t{0});
    description.versions.push_back(std::move(version));
  }
  return description;
}

}  // namespace

uint64_t BackupDescription::CountOf(RecordKind kind) const {
  return static_cast<uint64_t>(std::ranges::count_if(
      versions, [&](const BackupVersion& version) { return version.key.kind == kind; }));
}

Result<std::vector<BackupVersion>> ListVersions(Store& store) {
  std::vector<BackupVersion> versions;
  AUGSTORE_TRY(AddVersions<BackboneRecord>(store, &versions));
  AUGSTORE_TRY(AddVersions<CollectionRecord>(store, &versions));
  AUGSTORE_TRY(AddVersions<TransformRecord>(store, &versions));
  AUGSTORE_TRY(AddVersions<HeadRecord>(store, &versions));
  return versions;
}

std::string DescriptionJson(const BackupDescription& description, bool with_versions) {
  return ToJson(description, with_versions).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string EncodeDescription(const BackupDescription& description) {
  const std::string json = DescriptionJson(description, /*with_versions=*/true);
  return json + "\n" + Sha256Hex(json) + "\n";
}

Result<BackupDescription> DecodeDescription(std::string_view text) {
  const size_t line = text.find('\n');
  if (line == std::string_view::npos ||
      text.substr(line + 1) != Sha256Hex(text.substr(0, line)) + "\n") {
    return DataLoss("its description is damaged");
  }
  const Json json = Json::parse(text.substr(0, line), nullptr, /*allow_exceptions=*/false);
  const auto newer = [] {
    return FailedPrecondition("its description is of another version of augstore: use that one");
  };
  if (!json.is_object() || json.value("format", Json()) != kFormat) return newer();
  try {
    return FromJson(json);
  } catch (const nlohmann::json::exception&) {
    return newer();
  }
}

}  // namespace augstore

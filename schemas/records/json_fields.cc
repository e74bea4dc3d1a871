#include "schemas/records/json_fields.h"

#include <fmt/format.h>

namespace augstore::codec {

void JsonWriter::Put(const std::vector<LabelColumn>& columns) {
  Json items = Json::array();
  for (const LabelColumn& column : columns) {
    items.push_back({{"name", column.name}, {"classes", column.classes}});
  }
  Set(Next<const fb::records::LabelColumns*>(), std::move(items));
}

void JsonWriter::Put(const std::vector<ViewSet>& sets) {
  Json items = Json::array();
  for (const ViewSet& set : sets) {
    items.push_back({{"law", set.law}, {"count", set.count}, {"seed", JsonNumber(set.seed)}});
  }
  Set(Next<const fb::records::ViewSets*>(), std::move(items));
}

Json WriteJson(const AliasHistory& history) {
  Json moves = Json::array();
  for (const AliasMove& move : history.moves) {
    moves.push_back({{"alias", move.alias},
                     {"version", move.version},
                     {"note", move.note},
                     {"unix_s", move.unix_s},
                     {"forced", move.forced}});
  }
  return {{"moves", std::move(moves)}};
}

Status JsonReader::Finish() {
  AUGSTORE_TRY(status_);
  if (found_ == object_.size()) return OkStatus();
  std::string known;
  for (size_t i = 0; i < size(); ++i) known += fmt::format("{}{}", i == 0 ? "" : ", ", Name(i));
  for (const auto& [name, value] : object_.items()) {
    bool is_known = false;
    for (size_t i = 0; i < size(); ++i) is_known = is_known || name == Name(i);
    if (is_known) continue;
    return InvalidArgument("there is no field '{}' here{}", name.substr(0, 100),
                           known.empty() ? "" : ": there are " + known);
  }
  return OkStatus();
}

void JsonReader::Get(Digest& digest) {
  const size_t field = Next<const VectorOf<uint8_t>*>();
  const std::string* text = FindText(field);
  if (text == nullptr) return;
  const Result<Digest> parsed = Digest::FromHex(*text);
  if (parsed.ok()) {
    digest = *parsed;
  } else {
    Fail(field, parsed.status().message());
  }
}

void JsonReader::Get(const Limited<std::vector<std::string>>& field) {
  const size_t index = Next<const TextVector*>();
  for (const Json& item : FindList(index)) {
    if (item.is_string()) {
      field.value.push_back(item.get<std::string>());
    } else {
      Fail(index, "a list of texts is needed");
    }
  }
}

bool JsonReader::ReadNumber(const Json& json, bool* value) {
  if (json.is_structured()) return false;
  const std::string text = json.is_string() ? json.get<std::string>() : json.dump();
  *value = text == "true" || text == "1";
  return *value || text == "false" || text == "0";
}

const Json* JsonReader::Find(size_t field) {
  const auto found = object_.find(Name(field));
  if (found == object_.end()) return nullptr;
  ++found_;
  return &*found;
}

const std::string* JsonReader::FindText(size_t field) {
  const Json* json = Find(field);
  if (json == nullptr) return nullptr;
  const auto* text = json->get_ptr<const std::string*>();
  if (text == nullptr) Fail(field, "a text is needed");
  return text;
}

const Json& JsonReader::FindList(size_t field) {
  static const Json none = Json::array();
  const Json* json = Find(field);
  if (json == nullptr) return none;
  if (json->is_array()) return *json;
  Fail(field, "a list is needed");
  return none;
}

void JsonReader::Fail(size_t field, std::string_view why) {
  if (status_.ok()) status_ = InvalidArgument("field '{}': {}", Name(field), why);
}

}  // namespace augstore::codec

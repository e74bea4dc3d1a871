// Internal to the codecs of schemas: the same lists of fields (fields.h), written and read as JSON.
// Names are those of the schema. Enums are texts, digests and hashes hexadecimal; an integer beyond
// 2^53, which JavaScript would round, is a decimal text, and readers take a text for any number.
// Numbers that are not finite are null.
#ifndef AUGSTORE_SCHEMAS_RECORDS_JSON_FIELDS_H_
#define AUGSTORE_SCHEMAS_RECORDS_JSON_FIELDS_H_

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "schemas/records/fields.h"
#include "schemas/records/keys.h"
#include "schemas/records/record_fields.h"

namespace augstore::codec {

using Json = nlohmann::ordered_json;

inline std::string_view EnumName(RecordKind value) { return RecordKindName(value); }
inline std::string_view EnumName(Role value) { return RoleName(value); }
inline std::string_view EnumName(Dtype value) { return DtypeName(value); }
inline std::string_view EnumName(Precision value) { return PrecisionName(value); }
inline std::string_view EnumName(BackboneForm value) { return BackboneFormName(value); }
inline std::string_view EnumName(Activation value) { return ActivationName(value); }
inline std::string_view EnumName(LayerKind value) {
  return value == LayerKind::kDiagonal ? "diagonal" : "dense";
}
inline Status ParseEnum(std::string_view text, RecordKind* value) {
  AUGSTORE_ASSIGN(*value, ParseRecordKind(text));
  return OkStatus();
}
inline Status ParseEnum(std::string_view text, Role* value) {
  AUGSTORE_ASSIGN(*value, ParseRole(text));
  return OkStatus();
}
inline Status ParseEnum(std::string_view text, Dtype* value) {
  AUGSTORE_ASSIGN(*value, ParseDtype(text));
  return OkStatus();
}
inline Status ParseEnum(std::string_view text, Precision* value) {
  AUGSTORE_ASSIGN(*value, ParsePrecision(text));
  return OkStatus();
}

template <IsNumber T>
Json JsonNumber(T number) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(number)) return nullptr;
  } else if constexpr (sizeof(T) == 8) {
    constexpr auto kMost = T{1} << 53;
    if (number > kMost || (std::is_signed_v<T> && number < T{} - kMost)) {
      return std::to_string(number);
    }
  }
  return number;
}

template <typename M>
Json WriteJson(const M& m);
Json WriteJson(const AliasHistory& history);

class JsonWriter : public FieldCursor {
 public:
  explicit JsonWriter(const TableShape& shape) : FieldCursor(shape) {}
  template <typename... Fields>
  void All(const Fields&... fields) {
    (Put(fields), ...);
  }
  Json Take() { return std::move(json_); }

 private:
  void Put(FormatField) { Next<uint32_t>(); }
  template <IsNumber T>
  void Put(const T& number) {
    Set(Next<T>(), JsonNumber(number));
  }
  template <IsEnum E>
  void Put(const E& value) {
    Set(Next<std::underlying_type_t<E>>(), EnumName(value));
  }
  void Put(const Digest& digest) { Set(Next<const VectorOf<uint8_t>*>(), digest.Hex()); }
  template <HasFields M>
  void Put(const M& m) {
    Set(Next<const typename Codec<M>::Table*>(), WriteJson(m));
  }
  void Put(const std::vector<LabelColumn>& columns);
  void Put(const std::vector<ViewSet>& sets);
  // Records and weights: whoever has them writes them himself.
  void Put(const BytesField<const std::string>&) { Next<const VectorOf<uint8_t>*>(); }
  template <IsNumber T>
  void Put(const Limited<const T>& field) {
    Put(field.value);
  }
  void Put(const Limited<const std::string>& field) {
    Set(Next<const flatbuffers::String*>(), field.value);
  }
  void Put(const Limited<const std::vector<std::string>>& field) {
    Set(Next<const TextVector*>(), field.value);
  }
  void Put(const Limited<const std::vector<Digest>>& field) { PutHex(field.value); }
  void Put(const Limited<const std::vector<ContentHash>>& field) { PutHex(field.value); }
  template <IsNumber T>
  void Put(const Limited<const std::vector<T>>& field) {
    Json numbers = Json::array();
    for (const T number : field.value) numbers.push_back(JsonNumber(number));
    Set(Next<const VectorOf<T>*>(), std::move(numbers));
  }
  template <HasFields M>
  void Put(const Limited<const std::vector<M>>& field) {
    Json items = Json::array();
    for (const M& m : field.value) {
      if constexpr (std::is_same_v<M, std::vector<int32_t>>) {
        items.push_back(m);  // a table only because FlatBuffers has no lists of lists
      } else {
        items.push_back(WriteJson(m));
      }
    }
    Set(Next<const VectorOf<Offset<typename Codec<M>::Table>>*>(), std::move(items));
  }
  template <typename T>
  void PutHex(const std::vector<T>& values) {
    Json texts = Json::array();
    for (const T& value : values) texts.push_back(value.Hex());
    Set(Next<const VectorOf<uint8_t>*>(), std::move(texts));
  }

  void Set(size_t field, Json value) { json_[Name(field)] = std::move(value); }

  Json json_ = Json::object();
};

template <typename M>
Json WriteJson(const M& m) {
  JsonWriter writer(ShapeOf<typename Codec<M>::Table>());
  Codec<M>::Fields(writer, m);
  writer.CheckComplete();
  return writer.Take();
}

// Takes fields out of an object. What is absent stays as it is by default.
class JsonReader : public FieldCursor {
 public:
  // `object` must outlive the reader.
  JsonReader(const Json& object, const TableShape& shape) : FieldCursor(shape), object_(object) {}
  template <typename... Fields>
  void All(Fields&&... fields) {
    (Get(fields), ...);
  }
  // Errors: kInvalidArgument, naming a field that is unknown, or that has another type.
  Status Finish();

 private:
  template <IsNumber T>
  void Get(T& number) {
    const size_t field = Next<T>();
    const Json* json = Find(field);
    if (json != nullptr && !ReadNumber(*json, &number)) Fail(field, "a number that fits is needed");
  }
  template <IsEnum E>
  void Get(E& value) {
    const size_t field = Next<std::underlying_type_t<E>>();
    const std::string* text = FindText(field);
    if (text == nullptr) return;
    const Status parsed = ParseEnum(*text, &value);
    if (!parsed.ok()) Fail(field, parsed.message());
  }
  void Get(Digest& digest);
  template <HasFields M>
  void Get(M& m);
  template <IsNumber T>
  void Get(const Limited<T>& field) {
    Get(field.value);
  }
  void Get(const Limited<std::string>& field) {
    const std::string* text = FindText(Next<const flatbuffers::String*>());
    if (text != nullptr) field.value = *text;
  }
  template <IsNumber T>
  void Get(const Limited<std::vector<T>>& field) {
    const size_t index = Next<const VectorOf<T>*>();
    for (const Json& item : FindList(index)) {
      if (!ReadNumber(item, &field.value.emplace_back())) {
        Fail(index, "a list of numbers that fit is needed");
      }
    }
  }
  void Get(const Limited<std::vector<std::string>>& field);

  static bool ReadNumber(const Json& json, bool* value);
  template <typename T>
  static bool ReadNumber(const Json& json, T* number);
  // Null where it is absent.
  const Json* Find(size_t field);
  const std::string* FindText(size_t field);
  const Json& FindList(size_t field);
  void Fail(size_t field, std::string_view why);

  const Json& object_;
  size_t found_ = 0;
  Status status_;
};

template <typename T>
bool JsonReader::ReadNumber(const Json& json, T* number) {
  if (const auto* text = json.get_ptr<const std::string*>()) {
    const char* end = text->data() + text->size();
    const auto [last, error] = std::from_chars(text->data(), end, *number);
    return error == std::errc() && last == end;
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (json.is_number()) *number = json.get<T>();
    return json.is_number();
  } else {
    // Through the text, which has no sign of its own type.
    return json.is_number_integer() && ReadNumber(Json(json.dump()), number);
  }
}

template <typename M>
Status ReadJson(const Json& object, M* m) {
  if (!object.is_object()) return InvalidArgument("a JSON object is needed");
  JsonReader reader(object, ShapeOf<typename Codec<M>::Table>());
  Codec<M>::Fields(reader, *m);
  reader.CheckComplete();
  return reader.Finish();
}

template <HasFields M>
void JsonReader::Get(M& m) {
  const size_t field = Next<const typename Codec<M>::Table*>();
  const Json* json = Find(field);
  if (json == nullptr) return;
  const Status read = ReadJson(*json, &m);
  if (!read.ok()) Fail(field, read.message());
}

}  // namespace augstore::codec

#endif  // AUGSTORE_SCHEMAS_RECORDS_JSON_FIELDS_H_

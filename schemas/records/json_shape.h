// Internal to the codecs of schemas: what a list of fields (fields.h) looks like in JSON
// (json_fields.h), as a JSON schema.
#ifndef AUGSTORE_SCHEMAS_RECORDS_JSON_SHAPE_H_
#define AUGSTORE_SCHEMAS_RECORDS_JSON_SHAPE_H_

#include <string>
#include <utility>
#include <vector>

#include "schemas/records/json_fields.h"

namespace augstore::codec {

template <typename M>
Json JsonShapeOf();

class JsonShape : public FieldCursor {
 public:
  explicit JsonShape(const TableShape& shape) : FieldCursor(shape) {}
  template <typename... Fields>
  void All(const Fields&... fields) {
    (Put(fields), ...);
  }
  Json Take() { return {{"type", "object"}, {"properties", std::move(properties_)}}; }

 private:
  void Put(FormatField) { Next<uint32_t>(); }
  template <IsNumber T>
  void Put(const T&) {
    Set(Next<T>(), NumberShape<T>());
  }
  template <IsEnum E>
  void Put(const E&) {
    Set(Next<std::underlying_type_t<E>>(), EnumShape<E>());
  }
  void Put(const Digest&) { Set(Next<const VectorOf<uint8_t>*>(), HexShape()); }
  template <HasFields M>
  void Put(const M&) {
    Set(Next<const typename Codec<M>::Table*>(), JsonShapeOf<M>());
  }
  void Put(const std::vector<LabelColumn>&) {
    Set(Next<const fb::records::LabelColumns*>(),
        ListShape(ObjectShape({{"name", TextShape()}, {"classes", ListShape(TextShape())}})));
  }
  void Put(const std::vector<ViewSet>&) {
    Set(Next<const fb::records::ViewSets*>(),
        ListShape(ObjectShape({{"law", TextShape()},
                               {"count", NumberShape<uint32_t>()},
                               {"seed", NumberShape<uint64_t>()}})));
  }
  void Put(const BytesField<const std::string>&) { Next<const VectorOf<uint8_t>*>(); }
  template <IsNumber T>
  void Put(const Limited<const T>& field) {
    Put(field.value);
  }
  void Put(const Limited<const std::string>&) {
    Set(Next<const flatbuffers::String*>(), TextShape());
  }
  void Put(const Limited<const std::vector<std::string>>&) {
    Set(Next<const TextVector*>(), ListShape(TextShape()));
  }
  void Put(const Limited<const std::vector<Digest>>&) {
    Set(Next<const VectorOf<uint8_t>*>(), ListShape(HexShape()));
  }
  void Put(const Limited<const std::vector<ContentHash>>&) {
    Set(Next<const VectorOf<uint8_t>*>(), ListShape(HexShape()));
  }
  template <IsNumber T>
  void Put(const Limited<const std::vector<T>>&) {
    Set(Next<const VectorOf<T>*>(), ListShape(NumberShape<T>()));
  }
  template <HasFields M>
  void Put(const Limited<const std::vector<M>>&) {
    const size_t field = Next<const VectorOf<Offset<typename Codec<M>::Table>>*>();
    if constexpr (std::is_same_v<M, std::vector<int32_t>>) {
      Set(field, ListShape(ListShape(NumberShape<int32_t>())));
    } else {
      Set(field, ListShape(JsonShapeOf<M>()));
    }
  }

  static Json TextShape() { return {{"type", "string"}}; }
  static Json HexShape() { return {{"type", "string"}, {"pattern", "^[0-9a-f]+$"}}; }
  static Json ListShape(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }
  static Json ObjectShape(Json properties) {
    return {{"type", "object"}, {"properties", std::move(properties)}};
  }
  template <typename T>
  static Json NumberShape() {
    if constexpr (std::is_same_v<T, bool>) return {{"type", "boolean"}};
    if constexpr (std::is_floating_point_v<T>) return {{"type", Json::array({"number", "null"})}};
    if constexpr (sizeof(T) == 8) return {{"type", Json::array({"integer", "string"})}};
    return {{"type", "integer"}};
  }
  template <typename E>
  static Json EnumShape() {
    Json names = Json::array();
    // Records of further kinds are how a store works inside.
    const int last = std::is_same_v<E, RecordKind> ? static_cast<int>(RecordKind::kAliases) : 31;
    for (int value = 0; value <= last; ++value) {
      E parsed{};
      const std::string name(EnumName(static_cast<E>(value)));
      if constexpr (requires { ParseEnum(name, &parsed); }) {
        const bool is_one = ParseEnum(name, &parsed).ok() && parsed == static_cast<E>(value);
        if (is_one) names.push_back(name);
      }
    }
    if (names.empty()) return TextShape();
    return {{"type", "string"}, {"enum", std::move(names)}};
  }
  void Set(size_t field, Json shape) { properties_[Name(field)] = std::move(shape); }

  Json properties_ = Json::object();
};

template <typename M>
Json JsonShapeOf() {
  JsonShape shape(ShapeOf<typename Codec<M>::Table>());
  const M m{};
  Codec<M>::Fields(shape, m);
  shape.CheckComplete();
  return shape.Take();
}

}  // namespace augstore::codec

#endif  // AUGSTORE_SCHEMAS_RECORDS_JSON_SHAPE_H_

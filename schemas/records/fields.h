// Internal to the codecs of schemas (it includes FlatBuffers): a struct and its table are one list
// of fields, written down once, from which the table is both written and read:
//
//   AUGSTORE_FIELDS(SplitCount, fb::records::SplitCount, AtMost(m.name, kMaxKeyBytes), m.samples);
//
// `m` is the struct. The list names all fields in the schema's order; texts and lists have limits,
// which the reader checks. Rules between fields are an overload of CheckFields(in, m) in this
// namespace (an unnamed one is not searched), called once they are read. What no list can say
// defines Codec<M> by hand, with Fields(v, m) for a TableWriter `v` and a const `m`, and for a
// TableReader.
//
// A list that differs from the schema in the number, order or type of fields ends the program: to
// read a field as another type could leave the bytes that the verifier has checked.
#ifndef AUGSTORE_SCHEMAS_RECORDS_FIELDS_H_
#define AUGSTORE_SCHEMAS_RECORDS_FIELDS_H_

#include <array>
#include <concepts>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "schemas/records/codec.h"

namespace augstore::codec {

inline constexpr uint32_t kRecordFormat = 1;  // of every stored root table

template <typename M>
struct Codec;
#define AUGSTORE_FIELDS(M, FlatBuffersTable, ...)                                 \
  template <>                                                                     \
  struct Codec<M> {                                                               \
    using Table = FlatBuffersTable;                                               \
    static void Fields(auto& v, [[maybe_unused]] auto& m) { v.All(__VA_ARGS__); } \
  }

template <typename M>
concept HasFields = requires {
  typename Codec<M>::Table;
};
template <typename T>
concept IsNumber = std::is_arithmetic_v<T>;
template <typename T>
concept IsEnum = std::is_enum_v<T>;

// A field with its limit: of a number's value, of a text's bytes, of a list's elements, whose
// texts have at most `max_bytes`.
template <typename T>
struct Limited {
  T& value;
  size_t limit;
  size_t max_bytes;
};
template <typename T>
Limited<T> AtMost(T& value, size_t limit, size_t max_bytes = 0) {
  return {value, limit, max_bytes};
}
// A text that the schema calls a vector of bytes.
template <typename T>
struct BytesField {
  T& value;
  size_t limit;
};
template <typename T>
BytesField<T> BytesAtMost(T& value, size_t limit) {
  return {value, limit};
}
// An enum whose reader takes any number.
template <typename E>
struct OpenEnum {
  E& value;
};
template <typename E>
OpenEnum<E> AnyNumber(E& value) {
  return {value};
}
// The format version of a stored root table.
struct FormatField {};
inline constexpr FormatField kFormat;

// A type as a value: the address.
template <typename T>
inline constexpr char kTypeTag = 0;

// What the schema says about a table.
struct TableShape {
  std::span<const char* const> names;
  std::span<const void* const> types;  // kTypeTag of what the field's accessor returns
};

template <typename Traits, size_t... I>
std::array<const void*, sizeof...(I)> TypeTags(std::index_sequence<I...>) {
  return {&kTypeTag<typename Traits::template FieldType<I>>...};
}

template <typename Table>
const TableShape& ShapeOf() {
  using Traits = typename Table::Traits;
  static const auto types = TypeTags<Traits>(std::make_index_sequence<Traits::fields_number>());
  static const TableShape shape{Traits::field_names, types};
  return shape;
}

class FieldCursor {
 public:
  // For a list that is out of order.
  void Seek(size_t field) { next_ = field; }
  void CheckComplete() const { AUGSTORE_CHECK(next_ == size()); }

 protected:
  explicit FieldCursor(const TableShape& shape) : shape_(shape) {}
  // The index of the next field, whose accessor returns T.
  template <typename T>
  size_t Next() {
    AUGSTORE_CHECK(next_ < size() && shape_.types[next_] == &kTypeTag<T>);
    return next_++;
  }
  size_t size() const { return shape_.types.size(); }
  const char* Name(size_t field) const { return shape_.names[field]; }
  static uint16_t Place(size_t field) {
    return flatbuffers::FieldIndexToOffset(static_cast<uint16_t>(field));
  }

 private:
  const TableShape& shape_;
  size_t next_ = 0;
};

template <typename M>
Offset<typename Codec<M>::Table> WriteTable(Builder& b, const M& m);
template <typename M>
void ReadTable(Reader& in, const flatbuffers::Table& table, M* m);

// Children are written as they come, the table itself by Finish().
class TableWriter : public FieldCursor {
 public:
  TableWriter(Builder& b, const TableShape& shape) : FieldCursor(shape), b_(b) {
    AUGSTORE_CHECK(size() <= slots_.size());
  }
  template <typename... Fields>
  void All(const Fields&... fields) {
    (Put(fields), ...);
  }
  // The table. Once.
  flatbuffers::uoffset_t Finish();

 private:
  // What goes into the table itself: a number, or the place of a child.
  struct Slot {
    size_t bytes = 0;  // 0: left out
    bool is_offset = false;
    uint64_t bits = 0;
  };

  void Put(FormatField) { Put(kRecordFormat); }
  template <IsNumber T>
  void Put(const T& number) {
    SetNumber(Next<T>(), number);
  }
  template <IsEnum E>
  void Put(const E& value) {
    using T = std::underlying_type_t<E>;
    SetNumber(Next<T>(), static_cast<T>(value));
  }
  template <typename E>
  void Put(const OpenEnum<E>& field) {
    Put(field.value);
  }
  void Put(const Digest& digest) { SetBytes(b_.PutDigest(digest)); }
  // Two fields: the number of columns, and the values, aligned.
  void Put(const Matrix& matrix);
  // What can be empty is left out when it is.
  template <HasFields M>
  void Put(const M& m) {
    const size_t field = Next<const typename Codec<M>::Table*>();
    if constexpr (requires { m.empty(); }) {
      if (m.empty()) return;
    }
    SetOffset(field, WriteTable(b_, m));
  }
  void Put(const BytesField<const std::string>& field) { SetBytes(b_.PutBytes(field.value)); }
  template <IsNumber T>
  void Put(const Limited<const T>& field) {
    Put(field.value);
  }
  void Put(const Limited<const std::string>& field) {
    SetOffset(Next<const flatbuffers::String*>(), b_.PutText(field.value));
  }
  void Put(const Limited<const std::vector<std::string>>& field) {
    SetOffset(Next<const TextVector*>(), b_.PutTexts(field.value));
  }
  void Put(const Limited<const std::vector<Digest>>& field) {
    SetBytes(b_.PutDigests(field.value));
  }
  void Put(const Limited<const std::vector<ContentHash>>& field) {
    SetBytes(b_.PutHashes(field.value));
  }
  template <IsNumber T>
  void Put(const Limited<const std::vector<T>>& field) {
    SetOffset(Next<const VectorOf<T>*>(), b_.PutNumbers(field.value));
  }
  template <HasFields M>
  void Put(const Limited<const std::vector<M>>& field) {
    using Element = Offset<typename Codec<M>::Table>;
    std::vector<Element> tables;
    tables.reserve(field.value.size());
    for (const M& m : field.value) tables.push_back(WriteTable(b_, m));
    SetOffset(Next<const VectorOf<Element>*>(), b_.PutTables(tables));
  }

  template <typename T>
  void SetNumber(size_t field, T value) {
    if (value == T{}) return;  // as FlatBuffers does: absent is zero
    slots_[field].bytes = sizeof(T);
    std::memcpy(&slots_[field].bits, &value, sizeof(T));
  }
  template <typename T>
  void SetOffset(size_t field, Offset<T> child) {
    if (!child.IsNull()) slots_[field] = {sizeof(child.o), true, child.o};
  }
  void SetBytes(Offset<VectorOf<uint8_t>> child) {
    SetOffset(Next<const VectorOf<uint8_t>*>(), child);
  }

  Builder& b_;
  std::array<Slot, 16> slots_{};
};

class TableReader : public FieldCursor {
 public:
  TableReader(Reader& in, const flatbuffers::Table& table, const TableShape& shape)
      : FieldCursor(shape), in_(in), table_(table) {}
  template <typename... Fields>
  void All(Fields&&... fields) {
    (Get(fields), ...);
  }
  Reader& in() { return in_; }

 private:
  void Get(const FormatField&);
  template <IsNumber T>
  void Get(T& number) {
    // A bool is a byte of any value.
    using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;
    number = static_cast<T>(Stored{Number<Stored>(Next<T>())});
  }
  template <IsEnum E>
  void Get(E& value) {
    using T = std::underlying_type_t<E>;
    const size_t field = Next<T>();
    in_.Enum(Name(field), Number<T>(field), &value);
  }
  template <typename E>
  void Get(const OpenEnum<E>& field) {
    using T = std::underlying_type_t<E>;
    field.value = E{Number<T>(Next<T>())};
  }
  void Get(Digest& digest) {
    const auto [name, child] = Child<VectorOf<uint8_t>>();
    digest = in_.OneDigest(name, child);
  }
  void Get(Matrix& matrix);
  template <HasFields M>
  void Get(M& m) {
    const auto [name, child] = Child<typename Codec<M>::Table>();
    if constexpr (requires { m.empty(); }) {
      if (child == nullptr) return;
    }
    if (in_.Present(name, child)) ReadChild(name, child, &m);
  }
  void Get(const BytesField<std::string>& field) {
    const auto [name, child] = Child<VectorOf<uint8_t>>();
    field.value = in_.Bytes(name, child, field.limit);
  }
  template <std::unsigned_integral T>
  void Get(const Limited<T>& field) {
    const size_t index = Next<T>();
    field.value = Number<T>(index);
    in_.AtMost(Name(index), field.value, field.limit);
  }
  void Get(const Limited<std::string>& field) {
    const auto [name, child] = Child<flatbuffers::String>();
    field.value = in_.Text(name, child, field.limit);
  }
  void Get(const Limited<std::vector<std::string>>& field) {
    const auto [name, child] = Child<TextVector>();
    field.value = in_.Texts(name, child, field.limit, field.max_bytes);
  }
  void Get(const Limited<std::vector<Digest>>& field) {
    const auto [name, child] = Child<VectorOf<uint8_t>>();
    field.value = in_.Digests(name, child, field.limit);
  }
  void Get(const Limited<std::vector<ContentHash>>& field) {
    const auto [name, child] = Child<VectorOf<uint8_t>>();
    field.value = in_.Hashes(name, child, field.limit);
  }
  template <IsNumber T>
  void Get(const Limited<std::vector<T>>& field) {
    const auto [name, child] = Child<VectorOf<T>>();
    field.value = in_.Numbers(name, child, field.limit);
  }
  template <HasFields M>
  void Get(const Limited<std::vector<M>>& field) {
    const auto [name, child] = Child<VectorOf<Offset<typename Codec<M>::Table>>>();
    if (child == nullptr || !in_.AtMost(name, child->size(), field.limit)) return;
    for (const auto* element : *child) ReadChild(name, element, &field.value.emplace_back());
  }

  template <typename T>
  T Number(size_t field) const {
    return table_.GetField<T>(Place(field), 0);
  }
  // The next field's name, and what it refers to or null.
  template <typename T>
  std::pair<const char*, const T*> Child() {
    const size_t field = Next<const T*>();
    return {Name(field), table_.GetPointer<const T*>(Place(field))};
  }
  template <typename M>
  void ReadChild(const char* name, const typename Codec<M>::Table* child, M* m) {
    const Reader::Inside inside(in_, name);
    ReadTable(in_, *reinterpret_cast<const flatbuffers::Table*>(child), m);
  }

  Reader& in_;
  const flatbuffers::Table& table_;
};

template <typename M>
Offset<typename Codec<M>::Table> WriteTable(Builder& b, const M& m) {
  TableWriter writer(b, ShapeOf<typename Codec<M>::Table>());
  Codec<M>::Fields(writer, m);
  return writer.Finish();
}

template <typename M>
void ReadTable(Reader& in, const flatbuffers::Table& table, M* m) {
  TableReader reader(in, table, ShapeOf<typename Codec<M>::Table>());
  Codec<M>::Fields(reader, *m);
  reader.CheckComplete();
  if constexpr (requires { CheckFields(in, *m); }) CheckFields(in, *m);
}

// Reads the root table of `in`. REQUIRES: *m as it is by default.
template <typename M>
Status ReadRoot(Reader& in, M* m, const char* identifier = nullptr) {
  if (const auto* table = in.Root<typename Codec<M>::Table>(identifier))
    ReadTable(in, *reinterpret_cast<const flatbuffers::Table*>(table), m);
  return in.status();
}

}  // namespace augstore::codec

#endif  // AUGSTORE_SCHEMAS_RECORDS_FIELDS_H_

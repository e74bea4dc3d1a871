// Keys of the RocksDB store. Integers are big-endian, so that keys sort as numbers do. Internal to
// storage/rocksdb_*.
//
//   default    "format" -> u32 · "release" -> text · "id" -> 32 hexadecimal digits ·
//              "next list" -> u32
//   registry   record  := kind u8        · name · NUL · version u32
//              blob    := kind u8 + 0x80 · name · NUL · version u32
//              counter := kind u8 + 0x40 · name · NUL                  -> next version u32
//   images     space u32 · content hash 16 bytes                       -> row u64, of a view then
//                                                                         the image's content hash;
//                                                                         1 u8 if the row is erased
//   segments   space u32 · segment u64                                 -> storage/store/segment.h;
//                                                                         empty: given back
//   maps       the same                                                -> segment of feature maps;
//                                                                         absent: none were given
//   samples    list u32                                                -> empty: the list exists
//              list u32 · number u64                                   -> storage/catalog/
//                                                                         collection_chunks.h
//
// A space is a registry record of kind kSpace, its name the backbone's digest in hexadecimal
// digits (followed by ".f16" or ".u8" when its rows are stored so), its version 1, its value
// id u32 · dim u32 · rows u64 · segments u64.
#ifndef AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_KEYS_H_
#define AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/store/store.h"

namespace augstore::rocks {

inline constexpr uint32_t kStoreFormat = 2;
inline constexpr std::string_view kFormatKey = "format";
// The release that gave the store its format: whoever writes a format writes this.
inline constexpr std::string_view kReleaseKey = "release";
inline constexpr std::string_view kIdKey = "id";
inline constexpr std::string_view kNextListKey = "next list";

inline constexpr uint8_t kRecordTag = 0;
inline constexpr uint8_t kCounterTag = 0x40;
inline constexpr uint8_t kBlobTag = 0x80;

template <typename Integer>
void PutBig(std::string* out, Integer value) {
  for (int shift = 8 * (sizeof(Integer) - 1); shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(value >> shift));
  }
}

// REQUIRES: bytes.size() >= sizeof(Integer).
template <typename Integer>
Integer GetBig(std::string_view bytes) {
  Integer value = 0;
  for (size_t i = 0; i < sizeof(Integer); ++i) {
    value = static_cast<Integer>(value << 8 | static_cast<uint8_t>(bytes[i]));
  }
  return value;
}

// Nothing when `bytes` has another size than the integer.
template <typename Integer>
std::optional<Integer> ParseBig(std::string_view bytes) {
  if (bytes.size() != sizeof(Integer)) return std::nullopt;
  return GetBig<Integer>(bytes);
}

template <typename Integer>
std::string Big(Integer value) {
  std::string bytes;
  PutBig(&bytes, value);
  return bytes;
}

// The prefix of all keys of (kind, name); of all names of the kind when `name` is empty.
inline std::string RegistryPrefix(uint8_t tag, RecordKind kind, std::string_view name) {
  std::string key(1, static_cast<char>(static_cast<uint8_t>(kind) + tag));
  if (name.empty()) return key;
  key += name;
  key.push_back('\0');
  return key;
}

inline std::string RegistryKey(uint8_t tag, const RecordKey& key) {
  std::string bytes = RegistryPrefix(tag, key.kind, key.name);
  PutBig(&bytes, key.version);
  return bytes;
}

inline std::string ImageKey(SpaceId space, const ContentHash& image) {
  std::string key = Big(space);
  key.append(reinterpret_cast<const char*>(image.bytes.data()), image.bytes.size());
  return key;
}

// A value of the image index.
struct ImageEntry {
  RowId row = kNoRow;
  std::optional<ContentHash> source;  // of which the image is a view
  bool erased = false;
};

inline std::string EncodeImage(RowId row, const ContentHash* source, bool erased = false) {
  std::string value = Big(row);
  if (source != nullptr) {
    value.append(reinterpret_cast<const char*>(source->bytes.data()), source->bytes.size());
  }
  if (erased) value += '\1';
  return value;
}

// Nothing when `value` has another size.
inline std::optional<ImageEntry> ParseImage(std::string_view value) {
  const bool erased = value.size() % 2 != 0;
  if (erased && value.back() != 1) return std::nullopt;
  if (erased) value.remove_suffix(1);
  if (value.size() != sizeof(RowId) && value.size() != sizeof(RowId) + sizeof(ContentHash)) {
    return std::nullopt;
  }
  ImageEntry entry{GetBig<RowId>(value), std::nullopt, erased};
  if (value.size() > sizeof(RowId)) {
    ContentHash& source = entry.source.emplace();
    value.copy(reinterpret_cast<char*>(source.bytes.data()), source.bytes.size(), sizeof(RowId));
  }
  return entry;
}

inline std::string SegmentKey(SpaceId space, uint64_t segment) { return Big(space) + Big(segment); }

inline std::string SampleKey(const ChunkId& chunk) { return Big(chunk.list) + Big(chunk.number); }

}  // namespace augstore::rocks

#endif  // AUGSTORE_STORAGE_ROCKSDB_ROCKSDB_KEYS_H_

// Internal to the codecs of this folder (it includes FlatBuffers): a builder and a reader that know
// augstore's types.
#ifndef AUGSTORE_SCHEMAS_RECORDS_CODEC_H_
#define AUGSTORE_SCHEMAS_RECORDS_CODEC_H_

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "flatbuffers/flatbuffers.h"
#include "schemas/base/limits.h"
#include "schemas/base/types.h"
#include "schemas/records/keys.h"
#include "schemas/records/records.h"
#include "schemas/weights/dtype.h"
#include "schemas/weights/layers.h"

namespace augstore::codec {

static_assert(FLATBUFFERS_LITTLEENDIAN, "vectors are copied as they are in memory");

template <typename T>
using Offset = flatbuffers::Offset<T>;
template <typename T>
using VectorOf = flatbuffers::Vector<T>;
using TextVector = VectorOf<Offset<flatbuffers::String>>;

// `bytes` themselves when they are at a multiple of `alignment` (a power of two <= kAlignment), a
// copy that does otherwise.
SharedBytes Aligned(const SharedBytes& bytes, size_t alignment);

// A FlatBufferBuilder on memory at kAlignment. Empty texts and vectors are left out; elements of
// vectors never are. Equal values are equal bytes as long as callers put them in a fixed order:
// never call two Put… in one argument list.
class Builder : public flatbuffers::FlatBufferBuilder {
 public:
  // `expected_bytes`: the builder does not reallocate up to there. REQUIRES: below 2 GiB.
  explicit Builder(size_t expected_bytes = 1024);

  Offset<flatbuffers::String> PutText(std::string_view text);
  Offset<TextVector> PutTexts(const std::vector<std::string>& texts);
  Offset<VectorOf<uint8_t>> PutBytes(std::string_view bytes);
  Offset<VectorOf<uint8_t>> PutDigest(const Digest& digest);
  Offset<VectorOf<uint8_t>> PutDigests(const std::vector<Digest>& digests);
  Offset<VectorOf<uint8_t>> PutHashes(const std::vector<ContentHash>& hashes);
  template <typename T>
  Offset<VectorOf<T>> PutNumbers(const std::vector<T>& numbers) {
    if (numbers.empty()) return 0;
    return CreateVector(numbers);
  }
  template <typename Table>
  Offset<VectorOf<Offset<Table>>> PutTables(const std::vector<Offset<Table>>& tables) {
    if (tables.empty()) return 0;
    return CreateVector(tables);
  }
  // `count` floats at a multiple of kAlignment from the start of the finished buffer; *data points
  // at them, uninitialised, for as long as the builder does not reallocate.
  Offset<VectorOf<float>> PutAlignedFloats(size_t count, float** data);

  // The finished body of a frame, at kAlignment. Once.
  template <typename Table>
  SharedBytes Seal(Offset<Table> root) {
    TrackMinAlign(kAlignment);
    Finish(root);
    return ReleaseShared();
  }
  // The finished stored value. Once.
  template <typename Table>
  std::string SealRecord(Offset<Table> root, const char* identifier) {
    Finish(root, identifier);
    return {reinterpret_cast<const char*>(GetBufferPointer()), GetSize()};
  }

 private:
  SharedBytes ReleaseShared();
};

// Reads one buffer. The first thing wrong is kept in status(), and whatever is read after that may
// be empty: read all fields, then return status(). Nothing read can be larger than the buffer,
// whatever its offsets share.
class Reader {
 public:
  // `what` (a literal) and `code` go into every error.
  Reader(const char* what, const SharedBytes& bytes, size_t max_bytes, Code code);
  // A frame's body.
  Reader(const char* what, const SharedBytes& body)
      : Reader(what, body, kMaxReplyBytes, Code::kInvalidArgument) {}

  // The verified root, or null. It lives as long as the reader and the bytes given to it.
  template <typename Table>
  const Table* Root(const char* identifier = nullptr) {
    if (!status_.ok()) return nullptr;
    flatbuffers::Verifier verifier(bytes_.bytes.data(), bytes_.bytes.size(), kVerifierMaxDepth,
                                   kVerifierMaxTables);
    if (verifier.VerifyBuffer<Table>(identifier))
      return flatbuffers::GetRoot<Table>(bytes_.bytes.data());
    FailDamaged();
    return nullptr;
  }

  // As long as it lives, the fields that errors name are those of the table in `field`.
  class Inside {
   public:
    Inside(Reader& in, const char* field) : path_(in.path_), size_(path_.size()) {
      path_.append(field).append(".");
    }
    ~Inside() { path_.resize(size_); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    std::string& path_;
    size_t size_;
  };

  const Status& status() const { return status_; }
  // What Root() reads from: the bytes given, or their aligned copy.
  const SharedBytes& bytes() const { return bytes_; }
  void Fail(const char* field, std::string_view problem);
  // A stored value of a format that this program does not know.
  void FailNewer(uint32_t format, uint32_t known);
  // Fails unless `size` equals `expected`, the size of `reference`.
  void Equal(const char* field, size_t size, size_t expected, const char* reference);
  // Fails when `value` is over the limit.
  bool AtMost(const char* field, uint64_t value, uint64_t limit);
  // Fails when the table is absent.
  bool Present(const char* field, const void* table);

  std::string Text(const char* field, const flatbuffers::String* text, size_t max_bytes);
  std::vector<std::string> Texts(const char* field, const TextVector* texts, size_t max_count,
                                 size_t max_bytes);
  std::string Bytes(const char* field, const VectorOf<uint8_t>* bytes, size_t max_bytes);
  Digest OneDigest(const char* field, const VectorOf<uint8_t>* bytes);
  std::vector<Digest> Digests(const char* field, const VectorOf<uint8_t>* bytes, size_t max_count);
  std::vector<ContentHash> Hashes(const char* field, const VectorOf<uint8_t>* bytes,
                                  size_t max_count);
  // Fails when `number` is no value of the enum.
  void Enum(const char* field, uint8_t number, RecordKind* kind);
  void Enum(const char* field, uint8_t number, Role* role);
  void Enum(const char* field, uint8_t number, Dtype* dtype);
  void Enum(const char* field, uint8_t number, Precision* precision);
  void Enum(const char* field, uint8_t number, BackboneForm* form);
  void Enum(const char* field, uint8_t number, Activation* activation);
  void Enum(const char* field, uint8_t number, LayerKind* kind);
  template <typename T>
  std::vector<T> Numbers(const char* field, const VectorOf<T>* numbers, size_t max_count) {
    std::vector<T> result;
    if (numbers == nullptr || numbers->size() == 0) return result;
    if (!AtMost(field, numbers->size(), max_count) || !Spend(field, numbers->size() * sizeof(T)))
      return result;
    result.resize(numbers->size());
    // The verifier leaves the alignment of elements unchecked: no access through a T*.
    std::memcpy(result.data(), numbers->Data(), result.size() * sizeof(T));
    return result;
  }

 private:
  void FailDamaged();
  // Hostile offsets can name the same bytes many times; the bytes copied may not exceed those
  // received.
  bool Spend(const char* field, size_t bytes);
  template <typename T>
  std::vector<T> FixedSize(const char* field, const VectorOf<uint8_t>* bytes, size_t max_count);

  const char* what_;
  SharedBytes bytes_;
  Code code_;
  size_t budget_;
  std::string path_;  // of the table being read: "card.entries."
  Status status_;
};

}  // namespace augstore::codec

#endif  // AUGSTORE_SCHEMAS_RECORDS_CODEC_H_

#include "schemas/records/codec.h"

#include <algorithm>

#include "schemas/base/block_memory.h"

namespace augstore::codec {
namespace {

class AlignedAllocator : public flatbuffers::Allocator {
 public:
  uint8_t* allocate(size_t size) override { return TakeBlock(size); }
  void deallocate(uint8_t* memory, size_t) override { ReturnBlock(memory); }
};

AlignedAllocator& SharedAllocator() {
  static AlignedAllocator allocator;
  return allocator;
}

bool IsAligned(const void* memory, size_t alignment) {
  return (reinterpret_cast<uintptr_t>(memory) & (alignment - 1)) == 0;
}

}  // namespace

SharedBytes Aligned(const SharedBytes& bytes, size_t alignment) {
  if (IsAligned(bytes.bytes.data(), alignment)) return bytes;
  const size_t size = bytes.bytes.size();
  std::shared_ptr<uint8_t[]> copy = SharedBlock(size);
  std::copy_n(bytes.bytes.data(), size, copy.get());
  return {copy, {copy.get(), size}};
}

// The memory's end is at a multiple of kAlignment: a buffer grows down from there.
Builder::Builder(size_t expected_bytes)
    : FlatBufferBuilder(expected_bytes, &SharedAllocator(), false, kAlignment) {
  AUGSTORE_CHECK(expected_bytes < FLATBUFFERS_MAX_BUFFER_SIZE);
}

Offset<flatbuffers::String> Builder::PutText(std::string_view text) {
  if (text.empty()) return 0;
  return CreateString(text.data(), text.size());
}

Offset<TextVector> Builder::PutTexts(const std::vector<std::string>& texts) {
  if (texts.empty()) return 0;
  return CreateVectorOfStrings(texts);
}

Offset<VectorOf<uint8_t>> Builder::PutBytes(std::string_view bytes) {
  if (bytes.empty()) return 0;
  return CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

Offset<VectorOf<uint8_t>> Builder::PutDigest(const Digest& digest) {
  return CreateVector(digest.bytes.data(), digest.bytes.size());
}

Offset<VectorOf<uint8_t>> Builder::PutDigests(const std::vector<Digest>& digests) {
  static_assert(sizeof(Digest) == 32);
  return PutBytes({reinterpret_cast<const char*>(digests.data()), digests.size() * sizeof(Digest)});
}

Offset<VectorOf<uint8_t>> Builder::PutHashes(const std::vector<ContentHash>& hashes) {
  static_assert(sizeof(ContentHash) == 16);
  return PutBytes(
      {reinterpret_cast<const char*>(hashes.data()), hashes.size() * sizeof(ContentHash)});
}

Offset<VectorOf<float>> Builder::PutAlignedFloats(size_t count, float** data) {
  // ForceVectorAlignment would do the same, but asserts that alignments end at 32.
  PreAlign(count * sizeof(float), kAlignment);
  return CreateUninitializedVector<float>(count, data);
}

SharedBytes Builder::ReleaseShared() {
  auto buffer = std::make_shared<flatbuffers::DetachedBuffer>(Release());
  AUGSTORE_CHECK(IsAligned(buffer->data(), kAlignment));
  return {buffer, {buffer->data(), buffer->size()}};
}

Reader::Reader(const char* what, const SharedBytes& bytes, size_t max_bytes, Code code)
    : what_(what), code_(code), budget_(bytes.bytes.size()) {
  AUGSTORE_CHECK(max_bytes < FLATBUFFERS_MAX_BUFFER_SIZE);  // the verifier asserts it
  if (bytes.bytes.size() > max_bytes) {
    status_ = {code_, fmt::format("{} has {} bytes, the limit is {}", what_, bytes.bytes.size(),
                                  max_bytes)};
    return;
  }
  bytes_ = Aligned(bytes, alignof(uint64_t));
}

void Reader::FailDamaged() {
  const char* remedy = code_ == Code::kDataLoss
                           ? "the store is damaged, run `augstore verify`"
                           : "the peer is damaged or does not speak augstore's protocol";
  status_ = {code_, fmt::format("{}: these {} bytes are not a valid encoding: {}", what_,
                                bytes_.bytes.size(), remedy)};
}

void Reader::Fail(const char* field, std::string_view problem) {
  if (status_.ok()) status_ = {code_, fmt::format("{}.{}{} {}", what_, path_, field, problem)};
}

void Reader::FailNewer(uint32_t format, uint32_t known) {
  if (!status_.ok()) return;
  status_ = FailedPrecondition(
      "{} has format {}, this augstore reads up to {}: use a newer augstore", what_, format, known);
}

void Reader::Equal(const char* field, size_t size, size_t expected, const char* reference) {
  if (size == expected) return;
  Fail(field, fmt::format("has {} elements, but {} asks for {}", size, reference, expected));
}

bool Reader::AtMost(const char* field, uint64_t value, uint64_t limit) {
  if (value <= limit) return true;
  Fail(field, fmt::format("has the length or value {}, the limit is {}", value, limit));
  return false;
}

bool Reader::Present(const char* field, const void* table) {
  if (table == nullptr) Fail(field, "is missing");
  return table != nullptr;
}

bool Reader::Spend(const char* field, size_t bytes) {
  if (bytes > budget_) {
    Fail(field, "names bytes that another field names too");
    return false;
  }
  budget_ -= bytes;
  return true;
}

std::string Reader::Text(const char* field, const flatbuffers::String* text, size_t max_bytes) {
  if (text == nullptr || !AtMost(field, text->size(), max_bytes)) return {};
  if (!Spend(field, sizeof(flatbuffers::uoffset_t) + text->size())) return {};
  return text->str();
}

std::vector<std::string> Reader::Texts(const char* field, const TextVector* texts, size_t max_count,
                                       size_t max_bytes) {
  std::vector<std::string> result;
  if (texts == nullptr || !AtMost(field, texts->size(), max_count)) return result;
  if (!Spend(field, texts->size() * sizeof(flatbuffers::uoffset_t))) return result;
  result.reserve(texts->size());
  for (const flatbuffers::String* text : *texts) {
    result.push_back(Text(field, text, max_bytes));
    if (!status_.ok()) break;
  }
  return result;
}

std::string Reader::Bytes(const char* field, const VectorOf<uint8_t>* bytes, size_t max_bytes) {
  if (bytes == nullptr || !AtMost(field, bytes->size(), max_bytes)) return {};
  if (!Spend(field, bytes->size())) return {};
  return {reinterpret_cast<const char*>(bytes->Data()), bytes->size()};
}

template <typename T>
std::vector<T> Reader::FixedSize(const char* field, const VectorOf<uint8_t>* bytes,
                                 size_t max_count) {
  std::vector<T> result;
  if (bytes == nullptr || bytes->size() == 0) return result;
  if (bytes->size() % sizeof(T) != 0) {
    Fail(field,
         fmt::format("has {} bytes, which is not a multiple of {}", bytes->size(), sizeof(T)));
    return result;
  }
  const size_t count = bytes->size() / sizeof(T);
  if (!AtMost(field, count, max_count) || !Spend(field, bytes->size())) return result;
  result.resize(count);
  std::memcpy(result.data(), bytes->Data(), bytes->size());
  return result;
}

Digest Reader::OneDigest(const char* field, const VectorOf<uint8_t>* bytes) {
  const std::vector<Digest> digests = FixedSize<Digest>(field, bytes, 1);
  if (digests.size() == 1) return digests.front();
  Fail(field, "is missing: a digest of 32 bytes is needed");
  return {};
}

std::vector<Digest> Reader::Digests(const char* field, const VectorOf<uint8_t>* bytes,
                                    size_t max_count) {
  return FixedSize<Digest>(field, bytes, max_count);
}

std::vector<ContentHash> Reader::Hashes(const char* field, const VectorOf<uint8_t>* bytes,
                                        size_t max_count) {
  return FixedSize<ContentHash>(field, bytes, max_count);
}

void Reader::Enum(const char* field, uint8_t number, RecordKind* kind) {
  *kind = RecordKind{number};
  if (*kind < RecordKind::kBackbone || *kind > RecordKind::kErasure)
    Fail(field, fmt::format("is {}, which is no kind of record (1 to 9)", number));
}

void Reader::Enum(const char* field, uint8_t number, Role* role) {
  *role = Role{number};
  if (*role < Role::kRead || *role > Role::kAdmin)
    Fail(field, fmt::format("is {}, which is no role (1 to 3)", number));
}

void Reader::Enum(const char* field, uint8_t number, Dtype* dtype) {
  if (IsDtype(number)) {
    *dtype = Dtype{number};
  } else {
    Fail(field, fmt::format("is number {}, which is no dtype (0 to 2)", number));
  }
}

void Reader::Enum(const char* field, uint8_t number, Precision* precision) {
  if (IsPrecision(number)) {
    *precision = Precision{number};
  } else {
    Fail(field, fmt::format("is number {}, which is no precision (0 or 1)", number));
  }
}

void Reader::Enum(const char* field, uint8_t number, BackboneForm* form) {
  *form = BackboneForm{number};
  if (*form > BackboneForm::kOptimised)
    Fail(field, fmt::format("is {}, which is no form of a backbone (0 or 1)", number));
}

void Reader::Enum(const char* field, uint8_t number, Activation* activation) {
  *activation = Activation{number};
  if (*activation > Activation::kRelu)
    Fail(field, fmt::format("is {}, which is no activation (0 or 1)", number));
}

void Reader::Enum(const char* field, uint8_t number, LayerKind* kind) {
  *kind = LayerKind{number};
  if (*kind > LayerKind::kDiagonal)
    Fail(field, fmt::format("is {}, which is no kind of layer (0 or 1)", number));
}

}  // namespace augstore::codec

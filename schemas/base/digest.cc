#include "schemas/base/digest.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <vector>

namespace augstore {
namespace {

constexpr size_t kReadBytes = 1u << 20;

struct ContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::array<uint8_t, 8> LittleEndian(uint64_t value) {
  std::array<uint8_t, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(value >> (8 * i));
  return bytes;
}

// One half of a SHA-256, from its byte `begin` on.
ContentHash CutHash(std::span<const uint8_t> bytes, size_t begin) {
  const Digest digest = Sha256(bytes);
  ContentHash hash;
  std::memcpy(hash.bytes.data(), digest.bytes.data() + begin, hash.bytes.size());
  return hash;
}

}  // namespace

struct DigestBuilder::State {
  std::unique_ptr<EVP_MD_CTX, ContextFree> context{EVP_MD_CTX_new()};
  bool finished = false;
};

DigestBuilder::DigestBuilder() : state_(std::make_unique<State>()) {
  AUGSTORE_CHECK(state_->context != nullptr);
  AUGSTORE_CHECK(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}

DigestBuilder::~DigestBuilder() = default;

DigestBuilder& DigestBuilder::AddBytes(std::span<const uint8_t> bytes) {
  AUGSTORE_CHECK(!state_->finished);
  AUGSTORE_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

DigestBuilder& DigestBuilder::AddText(std::string_view text) {
  AddU64(text.size());
  return AddBytes({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

DigestBuilder& DigestBuilder::AddU64(uint64_t value) { return AddBytes(LittleEndian(value)); }

Digest DigestBuilder::Finish() {
  AUGSTORE_CHECK(!state_->finished);
  state_->finished = true;
  Digest digest;
  unsigned int size = 0;
  AUGSTORE_CHECK(EVP_DigestFinal_ex(state_->context.get(), digest.bytes.data(), &size) == 1);
  AUGSTORE_CHECK(size == digest.bytes.size());
  return digest;
}

Digest Sha256(std::span<const uint8_t> bytes) {
  // Fetched once: looking the algorithm up takes longer than hashing a short text.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Digest digest;
  unsigned int size = 0;
  AUGSTORE_CHECK(
      EVP_Digest(bytes.data(), bytes.size(), digest.bytes.data(), &size, kSha256, nullptr) == 1);
  AUGSTORE_CHECK(size == digest.bytes.size());
  return digest;
}

Result<Digest> Sha256File(const std::string& path) {
  const auto reason = [] { return std::generic_category().message(errno); };
  std::unique_ptr<std::FILE, FileClose> file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return NotFound("file '{}' does not exist: check the path", path);
    }
    return Unavailable("opening '{}' failed: {}", path, reason());
  }
  DigestBuilder builder;
  std::vector<uint8_t> buffer(kReadBytes);
  while (true) {
    const size_t n = std::fread(buffer.data(), 1, buffer.size(), file.get());
    builder.AddBytes({buffer.data(), n});
    if (n == buffer.size()) continue;
    if (std::ferror(file.get()) != 0) return Unavailable("reading '{}' failed: {}", path, reason());
    return builder.Finish();
  }
}

ContentHash HashContent(std::span<const uint8_t> bytes) { return CutHash(bytes, 0); }

ContentHash DeriveHash(const ContentHash& image, std::string_view op) {
  if (op.empty()) return image;
  std::vector<uint8_t> bytes(image.bytes.begin(), image.bytes.end());
  bytes.insert(bytes.end(), op.begin(), op.end());
  // The other half than a file's: no file can be made that has the same hash.
  return CutHash(bytes, sizeof(ContentHash::bytes));
}

uint64_t Checksum64(std::span<const uint8_t> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace augstore

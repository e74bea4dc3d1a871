#include "schemas/base/types.h"

#include <utility>

namespace augstore {
namespace {

std::string ToHex(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (uint8_t byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

// The digit's value, or -1.
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Status ParseHex(std::string_view what, std::string_view hex, std::span<uint8_t> bytes) {
  const size_t digits = bytes.size() * 2;
  if (hex.size() != digits) {
    return InvalidArgument("{} has {} characters: give {} hexadecimal digits", what, hex.size(),
                           digits);
  }
  for (size_t i = 0; i < digits; i += 2) {
    const int high = HexDigit(hex[i]);
    const int low = HexDigit(hex[i + 1]);
    if (high < 0 || low < 0) {
      return InvalidArgument("{} '{}' has no hexadecimal digit at position {}: give {} of 0-9a-f",
                             what, hex, high < 0 ? i : i + 1, digits);
    }
    bytes[i / 2] = static_cast<uint8_t>(high * 16 + low);
  }
  return OkStatus();
}

}  // namespace

std::string ContentHash::Hex() const { return ToHex(bytes); }

std::string Digest::Hex() const { return ToHex(bytes); }

Result<Digest> Digest::FromHex(std::string_view hex) {
  Digest digest;
  AUGSTORE_TRY(ParseHex("digest", hex, digest.bytes));
  return digest;
}

Result<ContentHash> ContentHash::FromHex(std::string_view hex) {
  ContentHash hash;
  AUGSTORE_TRY(ParseHex("content hash", hex, hash.bytes));
  return hash;
}

SharedBytes SharedBytes::FromString(std::string value) {
  auto owner = std::make_shared<const std::string>(std::move(value));
  SharedBytes shared;
  shared.bytes = {reinterpret_cast<const uint8_t*>(owner->data()), owner->size()};
  shared.owner = std::move(owner);
  return shared;
}

}  // namespace augstore

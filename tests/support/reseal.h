// Frames whose header was changed, with a checksum that matches: as of a peer of another release.
#ifndef AUGSTORE_TESTS_SUPPORT_RESEAL_H_
#define AUGSTORE_TESTS_SUPPORT_RESEAL_H_

#include <cstdint>
#include <string>

#include "schemas/wire/frame.h"

namespace augstore {

inline std::string Wire(const Frame& frame) {
  const auto header = SealHeader(frame);
  std::string bytes(header.begin(), header.end());
  return bytes.append(frame.body.text());
}

// `wire` begins with a frame's header; `at` is one of its first 20 bytes.
inline std::string Reseal(std::string wire, size_t at, uint8_t value) {
  wire[at] = static_cast<char>(value);
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < 20; ++i) {
    crc ^= static_cast<uint8_t>(wire[i]);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
  }
  crc = ~crc;
  for (int i = 0; i < 4; ++i) wire[20 + i] = static_cast<char>(crc >> (8 * i));
  return wire;
}

inline std::string OfVersion(const Frame& frame, uint8_t version) {
  return Reseal(Wire(frame), 4, version);
}

}  // namespace augstore

#endif  // AUGSTORE_TESTS_SUPPORT_RESEAL_H_

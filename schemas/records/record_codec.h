// Internal to schemas: what the stored records' codecs share.
#ifndef AUGSTORE_SCHEMAS_RECORDS_RECORD_CODEC_H_
#define AUGSTORE_SCHEMAS_RECORDS_RECORD_CODEC_H_

#include <string_view>

#include "schemas/records/codec.h"
#include "schemas/records_generated.h"

namespace augstore::codec {

inline constexpr uint32_t kRecordFormat = 1;

inline Reader RecordReader(const char* what, std::string_view bytes) {
  const std::span<const uint8_t> view(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return {what, SharedBytes{nullptr, view}, kMaxRecordBytes, Code::kDataLoss};
}

template <typename Table>
void ReadFormat(Reader& in, const Table& table) {
  if (table.format() > kRecordFormat) {
    in.FailNewer(table.format(), kRecordFormat);
  } else if (table.format() == 0) {
    in.Fail("format", "is missing");
  }
}

// Of a table with map_height, map_width and map_channels.
template <typename Table>
MapShape ReadMapShape(Reader& in, const Table& table) {
  const MapShape map{table.map_height(), table.map_width(), table.map_channels()};
  if (in.AtMost("map_height", map.height, kMaxMapCells) &&
      in.AtMost("map_width", map.width, kMaxMapCells) &&
      in.AtMost("map_channels", map.channels, kMaxDim)) {
    in.AtMost("map", map.values(), kMaxDim);
  }
  return map;
}

}  // namespace augstore::codec

#endif  // AUGSTORE_SCHEMAS_RECORDS_RECORD_CODEC_H_

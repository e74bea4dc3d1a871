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

// Of a table with feature_map_height, feature_map_width and feature_map_channels.
template <typename Table>
FeatureMapShape ReadFeatureMapShape(Reader& in, const Table& table) {
  const FeatureMapShape feature_map{table.feature_map_height(), table.feature_map_width(),
                                    table.feature_map_channels()};
  if (in.AtMost("feature_map_height", feature_map.height, kMaxFeatureMapCells) &&
      in.AtMost("feature_map_width", feature_map.width, kMaxFeatureMapCells) &&
      in.AtMost("feature_map_channels", feature_map.channels, kMaxDim)) {
    in.AtMost("feature_map", feature_map.values(), kMaxDim);
  }
  return feature_map;
}

}  // namespace augstore::codec

#endif  // AUGSTORE_SCHEMAS_RECORDS_RECORD_CODEC_H_

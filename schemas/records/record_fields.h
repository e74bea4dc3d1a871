// Internal to the codecs of schemas: the fields that records and messages share.
#ifndef AUGSTORE_SCHEMAS_RECORDS_RECORD_FIELDS_H_
#define AUGSTORE_SCHEMAS_RECORDS_RECORD_FIELDS_H_

#include <vector>

#include "schemas/records/fields.h"
#include "schemas/records/records.h"
#include "schemas/records_generated.h"

namespace augstore::codec {

AUGSTORE_FIELDS(StreamSpec, fb::records::StreamSpec, AtMost(m.collection, kMaxRefBytes),
                AtMost(m.split, kMaxKeyBytes), AtMost(m.policy, kMaxTextBytes),
                AtMost(m.label_column, kMaxKeyBytes), m.seed, m.batch_size, m.rank, m.world_size,
                m.shuffle, m.drop_last, m.shuffle_window, m.dtype, m.precision);

// One table for all columns.
template <>
struct Codec<std::vector<LabelColumn>> {
  using Table = fb::records::LabelColumns;
  static void Fields(TableWriter& v, const std::vector<LabelColumn>& columns);
  static void Fields(TableReader& v, std::vector<LabelColumn>& columns);
};

template <>
struct Codec<std::vector<ViewSet>> {
  using Table = fb::records::ViewSets;
  static void Fields(TableWriter& v, const std::vector<ViewSet>& sets);
  static void Fields(TableReader& v, std::vector<ViewSet>& sets);
};

// The labels of one column.
AUGSTORE_FIELDS(std::vector<int32_t>, fb::records::LabelValues, AtMost(m, kMaxBatchRows));
AUGSTORE_FIELDS(SampleChunk, fb::records::SampleChunk, kFormat, AtMost(m.rows, kMaxBatchRows),
                AtMost(m.split_names, kMaxSplits, kMaxKeyBytes), AtMost(m.splits, kMaxBatchRows),
                AtMost(m.labels, kMaxLabelColumns), AtMost(m.keys, kMaxBatchRows, kMaxKeyBytes),
                AtMost(m.images, kMaxBatchRows), AtMost(m.views, kSampleChunkRows* kMaxViews));
void CheckChunk(Reader& in, const SampleChunk& m);
inline void CheckFields(Reader& in, const SampleChunk& m) { CheckChunk(in, m); }

}  // namespace augstore::codec

#endif  // AUGSTORE_SCHEMAS_RECORDS_RECORD_FIELDS_H_

// Internal to the codecs of schemas: the fields of records. Rules between them (CheckFields) are in
// records.cc, which alone reads their tables.
#ifndef AUGSTORE_SCHEMAS_RECORDS_RECORD_FIELDS_H_
#define AUGSTORE_SCHEMAS_RECORDS_RECORD_FIELDS_H_

#include <vector>

#include "schemas/records/fields.h"
#include "schemas/records/keys.h"
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

AUGSTORE_FIELDS(BackboneWay, fb::records::BackboneWay, m.form, m.channels_last, m.batch,
                m.images_per_second, m.slot_difference);
AUGSTORE_FIELDS(BackboneRecord, fb::records::Backbone, kFormat, m.digest, AtMost(m.dim, kMaxDim),
                m.input_height, m.input_width, AtMost(m.mean, kMaxChannels),
                AtMost(m.stddev, kMaxChannels), AtMost(m.source, kMaxTextBytes), m.multiply_adds,
                m.created_unix_s, AtMost(m.feature_map.height, kMaxFeatureMapCells),
                AtMost(m.feature_map.width, kMaxFeatureMapCells),
                AtMost(m.feature_map.channels, kMaxDim), m.way, m.normalised);

AUGSTORE_FIELDS(SplitCount, fb::records::SplitCount, AtMost(m.name, kMaxKeyBytes), m.samples);
AUGSTORE_FIELDS(CollectionRecord, fb::records::Collection, kFormat, m.backbone,
                AtMost(m.dim, kMaxDim), m.samples, m.sample_list, m.labels,
                AtMost(m.splits, kMaxSplits), m.digest, AtMost(m.source, kMaxTextBytes),
                m.created_unix_s, m.dtype, AtMost(m.lists, kMaxChunks), m.views, m.viewed);
AUGSTORE_FIELDS(ChunkTable, fb::records::ChunkTable, kFormat, AtMost(m.lists, kMaxChunks),
                AtMost(m.numbers, kMaxChunks), AtMost(m.samples, kMaxChunks),
                AtMost(m.digests, kMaxChunks), AtMost(m.row_sums, kMaxChunks),
                AtMost(m.viewed, kMaxChunks));
AUGSTORE_FIELDS(ChunkSummary, fb::records::ChunkSummary, kFormat,
                AtMost(m.samples, kSampleChunkRows), AtMost(m.images, kSampleChunkRows));

AUGSTORE_FIELDS(LayerShape, fb::records::LayerShape, AtMost(m.in, kMaxDim), AtMost(m.out, kMaxDim),
                m.activation, m.residual, m.kind);

AUGSTORE_FIELDS(CardEntry, fb::records::CardEntry, AtMost(m.data, kMaxTextBytes), m.pairs, m.mse,
                m.identity_mse, m.r2, m.cosine_before, m.cosine_after, m.dispersion, m.r2_low,
                m.r2_high, m.retrieval_pool, m.mrr, m.hit1, m.hit5);
AUGSTORE_FIELDS(CardCandidate, fb::records::CardCandidate, AtMost(m.family, kMaxNameBytes), m.r2,
                m.r2_low, m.r2_high, m.mse, m.multiply_adds, m.train_seconds,
                AtMost(m.notes, kMaxTextBytes));
AUGSTORE_FIELDS(CardMeasure, fb::records::CardMeasure, AtMost(m.name, kMaxNameBytes), m.value);
AUGSTORE_FIELDS(Card, fb::records::Card, AtMost(m.entries, kMaxCardEntries), m.train_pairs, m.seed,
                m.train_seconds, m.multiply_adds, AtMost(m.notes, kMaxTextBytes),
                AtMost(m.candidates, kMaxCardEntries), AtMost(m.measures, kMaxCardEntries));
AUGSTORE_FIELDS(TransformRecord, fb::records::Transform, kFormat, m.backbone,
                AtMost(m.dim, kMaxDim), AtMost(m.op, kMaxTextBytes),
                AtMost(m.family, kMaxNameBytes), AtMost(m.layers, kMaxLayers), m.weights, m.card,
                m.created_unix_s, AtMost(m.feature_map.height, kMaxFeatureMapCells),
                AtMost(m.feature_map.width, kMaxFeatureMapCells),
                AtMost(m.feature_map.channels, kMaxDim));

AUGSTORE_FIELDS(HeadLineage, fb::records::HeadLineage, m.stream, m.collection_digest,
                AtMost(m.transforms, kMaxChains* kMaxChainLength), m.seed, m.epochs,
                AtMost(m.optimizer, kMaxTextBytes), m.learning_rate, m.weight_decay,
                AtMost(m.init, kMaxRefBytes));
AUGSTORE_FIELDS(HeadRecord, fb::records::Head, kFormat, m.backbone, AtMost(m.dim, kMaxDim),
                AtMost(m.arch, kMaxTextBytes), AtMost(m.classes, kMaxClasses, kMaxKeyBytes),
                AtMost(m.layers, kMaxLayers), m.weights, m.lineage, m.train_loss, m.test_accuracy,
                m.test_loss, AtMost(m.test_split, kMaxKeyBytes), m.test_samples, m.created_unix_s);

AUGSTORE_FIELDS(KeyRecord, fb::records::Key, kFormat, m.secret, m.role,
                AtMost(m.scope, kMaxKeyBytes), AtMost(m.note, kMaxKeyBytes), m.created_unix_s,
                m.expires_unix_s, m.revoked_unix_s, m.previous, m.previous_until_unix_s);

AUGSTORE_FIELDS(ErasureRecord, fb::records::Erasure, kFormat, m.replaced_by, m.unix_s);

}  // namespace augstore::codec

#endif  // AUGSTORE_SCHEMAS_RECORDS_RECORD_FIELDS_H_

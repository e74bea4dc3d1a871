// What the registry stores: plain structs and their FlatBuffer encoding (schemas/records.fbs).
// Records are immutable once stored, except the alias history, which only grows. The grammar is in
// docs/formats.md.
//
// Encode(record) returns bytes; Decode<Record>(bytes) verifies them first. Errors of Decode:
// kDataLoss, naming the record kind and the field; kFailedPrecondition when a newer augstore wrote
// the record. Equal records have equal bytes. Encode checks nothing: what limits.h does not allow
// (kMaxRecordBytes, kMaxKeyBytes, ...) is refused before it gets here, else by Decode.
#ifndef AUGSTORE_SCHEMAS_RECORDS_RECORDS_H_
#define AUGSTORE_SCHEMAS_RECORDS_RECORDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/types.h"
#include "schemas/records/stream_spec.h"
#include "schemas/weights/dtype.h"
#include "schemas/weights/layers.h"
#include "schemas/weights/spatial_front.h"

namespace augstore {

// On disk and on the wire: never change a number.
enum class RecordKind : uint8_t {
  kBackbone = 1,
  kCollection = 2,
  kTransform = 3,
  kHead = 4,
  kAliases = 5,  // name: "<kind>/<name>", version 1, overwritten
  kSpace = 6,    // internal to storage
  kDraft = 7,    // internal to storage: a collection version being written
  kKey = 8,      // of access; named by its id, version 1, overwritten too
  kErasure = 9,  // internal to storage; named by the version, "digits@2", version 1
};
std::string_view RecordKindName(RecordKind kind);  // "backbone", "collection", …
Result<RecordKind> ParseRecordKind(std::string_view text);

// What is made of a TorchScript file before it is run. On disk and on the wire: never change a
// number.
enum class BackboneForm : uint8_t {
  kFrozen = 0,     // its weights are constants
  kOptimised = 1,  // and Torch has rewritten it for inference
};
std::string_view BackboneFormName(BackboneForm form);  // "frozen", "optimised"

// How Φ is run, on one thread. Which way is the fastest depends on the network.
struct BackboneWay {
  BackboneForm form = BackboneForm::kFrozen;
  bool channels_last = false;    // order of the batch's values in memory, else plane by plane
  uint32_t batch = 0;            // images at a time; 0: unknown (imported embeddings)
  double images_per_second = 0;  // of CPU time, when the way was chosen
  // The most by which a value of an embedding differed at another slot of the batch, in standard
  // deviations of all values; 0: no bit differed.
  double slot_difference = 0;
  bool operator==(const BackboneWay&) const = default;
  bool empty() const { return batch == 0; }
  std::string ToString() const;  // "optimised, channels last, batches of 16"; empty: "unknown"
};

// Φ as it was registered. The file itself is not stored.
struct BackboneRecord {
  static constexpr RecordKind kKind = RecordKind::kBackbone;
  Digest digest;              // SHA-256 of the TorchScript file
  uint32_t dim = 0;           // d
  uint32_t input_height = 0;  // pixels; 0: unknown (imported embeddings)
  uint32_t input_width = 0;
  std::vector<float> mean;  // per channel, of [0, 1] values; empty: Φ normalises by itself
  std::vector<float> stddev;
  std::string source;          // where it came from, for people
  uint64_t multiply_adds = 0;  // per image; 0: unknown
  int64_t created_unix_s = 0;
  FeatureMapShape feature_map;  // the feature map that Φ returns with z; 0 values: none
  BackboneWay way = {};
  bool normalised = false;  // every embedding has length 1, and so have the outputs of transforms
  bool operator==(const BackboneRecord&) const = default;
};

struct LabelColumn {
  std::string name;                  // "label" by default
  std::vector<std::string> classes;  // class index -> name
  bool operator==(const LabelColumn&) const = default;
};

struct SplitCount {
  std::string name;
  uint64_t samples = 0;
  bool operator==(const SplitCount&) const = default;
};

// Views that are stored of every sample of a collection: Φ(g(x)), g drawn by a law.
struct ViewSet {
  std::string law;     // image ops, canonical: "rotate(-30..30)>brightness(0.7..1.4)", "vflip"
  uint32_t count = 0;  // views of each sample; 1 for a law without ranges
  uint64_t seed = 0;   // of the draws; 0 for a law without ranges
  bool operator==(const ViewSet&) const = default;
};
// Views of each sample, of all sets together.
size_t CountViews(const std::vector<ViewSet>& sets);

// One committed version of a collection.
struct CollectionRecord {
  static constexpr RecordKind kKind = RecordKind::kCollection;
  Digest backbone;
  uint32_t dim = 0;
  uint64_t samples = 0;
  uint32_t sample_list = 0;  // the sample list that has its ChunkTable
  std::vector<LabelColumn> labels;
  std::vector<SplitCount> splits;  // in the order in which they came
  Digest digest;                   // of the logical content: see docs/formats.md
  std::string source;
  int64_t created_unix_s = 0;
  Dtype dtype = Dtype::kF32;    // in which its embeddings are stored
  std::vector<uint32_t> lists;  // the sample lists that its ChunkTable names, ascending
  std::vector<ViewSet> views;
  uint64_t viewed = 0;  // samples of which all views are stored
  bool operator==(const CollectionRecord&) const = default;
};

// Up to kSampleChunkRows consecutive samples of a version. All vectors have the same length, except
// the table of splits.
struct SampleChunk {
  // Where their embeddings are stored; empty in what a writer sends: the store finds them by
  // `images`.
  std::vector<RowId> rows;
  std::vector<std::string> split_names;      // the splits that occur in this chunk
  std::vector<uint16_t> splits;              // index into split_names
  std::vector<std::vector<int32_t>> labels;  // [label column][sample]; -1: unlabelled
  std::vector<std::string> keys;  // where the sample came from; unique within (version, split)
  std::vector<ContentHash> images;
  // The rows of views: that of view v of sample i is at v * size() + i, or is kNoRow. The views of
  // the collection's sets one set after the other; empty where there are none, and in what a writer
  // sends.
  std::vector<RowId> views;
  bool operator==(const SampleChunk&) const = default;
  size_t size() const { return keys.size(); }
};

// The chunks of a collection version, in order. Versions share the chunks that they have in common.
// All vectors have the same length.
struct ChunkTable {
  std::vector<uint32_t> lists;     // the sample list that has the chunk
  std::vector<uint64_t> numbers;   // its number there
  std::vector<uint32_t> samples;   // how many it has
  std::vector<Digest> digests;     // of its content: docs/formats.md
  std::vector<uint64_t> row_sums;  // Checksum64 of its rows and then its views, little-endian
  std::vector<uint32_t> viewed;    // samples that have all their views; empty: no chunk has views
  bool operator==(const ChunkTable&) const = default;
  size_t size() const { return lists.size(); }
};

// What is stored beside a chunk so that a key or an image is found without reading the chunk: 8
// bytes of the hash of (split, key), and 8 of the image's hash, for each sample.
struct ChunkSummary {
  std::vector<uint64_t> samples;
  std::vector<uint64_t> images;
  bool operator==(const ChunkSummary&) const = default;
};

// The quality of a transform on one set of (z, z') pairs, z' = Φ(g(x)). Means over pairs.
struct CardEntry {
  std::string data;  // "held-out", or the name of the folder that was checked
  uint64_t pairs = 0;
  double mse = 0;           // mean over pairs and dimensions of (Ω(z) - z')²
  double identity_mse = 0;  // the same with Ω = identity: the baseline to beat
  double r2 =
      0;  // G = 1 - Σ|Ω(z) - z'|² / Σ|z - z'|²; 0: identity, 1: perfect, < 0: worse than identity
  double cosine_before = 0;  // cos(z, z')
  double cosine_after = 0;   // cos(Ω(z), z')
  double dispersion = 0;     // tr Cov(Ω(z)) / tr Cov(z')
  // Bootstrap 95 % interval of `r2` over pairs; both equal to it: not measured.
  double r2_low = 0;
  double r2_high = 0;
  // The rank of the true z' among `retrieval_pool` views when they are sorted by their distance to
  // Ω(z): z' itself and views of the same image under other ops and of other images. Mean
  // reciprocal rank, and the part of pairs with rank <= 1 and <= 5. retrieval_pool 0: not measured.
  uint32_t retrieval_pool = 0;
  double mrr = 0;
  double hit1 = 0;
  double hit5 = 0;
  bool operator==(const CardEntry&) const = default;
};

// One family that was fitted to the same pairs, measured on the same held-out part.
struct CardCandidate {
  std::string family;
  double r2 = 0;  // G
  double r2_low = 0;
  double r2_high = 0;
  double mse = 0;
  uint64_t multiply_adds = 0;  // per row
  double train_seconds = 0;
  std::string notes;  // hyperparameters chosen
  bool operator==(const CardCandidate&) const = default;
};

// A further number about a transform. Names: docs/formats.md.
struct CardMeasure {
  std::string name;
  double value = 0;
  bool operator==(const CardMeasure&) const = default;
};

struct Card {
  std::vector<CardEntry>
      entries;  // first: the held-out part; empty: no card (registered without data)
  uint64_t train_pairs = 0;
  uint64_t seed = 0;
  double train_seconds = 0;
  uint64_t multiply_adds = 0;  // per row
  std::string notes;           // hyperparameters chosen: "lambda=3.2", "epochs=17"
  std::vector<CardCandidate>
      candidates;  // every family that was tried, cheapest first; empty: one was named
  std::vector<CardMeasure> measures;
  bool operator==(const Card&) const = default;
};

// Ω@version without its weights (they are the record's blob, a safetensors file).
struct TransformRecord {
  static constexpr RecordKind kKind = RecordKind::kTransform;
  Digest backbone;
  uint32_t dim = 0;
  std::string op;  // canonical op text, "rotate(15)"; of a conditional transform all its ops,
                   // "hflip,rotate(-15..15)"; empty: unknown
  std::string
      family;  // engine/fitting/transform_trainer.h names them; "custom": registered as weights
  std::vector<LayerShape> layers;
  Digest weights;  // SHA-256 of the blob
  Card card;
  int64_t created_unix_s = 0;
  FeatureMapShape feature_map;  // the feature map that it reads; 0 values: none
  bool operator==(const TransformRecord&) const = default;
};

// Where a head came from: enough to train it again.
struct HeadLineage {
  StreamSpec stream;  // that it was trained on, with every version pinned
  Digest collection_digest;
  std::vector<Digest> transforms;  // weights digests, in the order of the policy's first mention
  uint64_t seed = 0;               // of the initial weights
  uint32_t epochs = 0;
  std::string optimizer;  // "adamw"
  double learning_rate = 0;
  double weight_decay = 0;
  std::string init;  // the head that training started from, "digits@3"; empty: random weights
  bool operator==(const HeadLineage&) const = default;
};

// Ψ@version without its weights (the record's blob).
struct HeadRecord {
  static constexpr RecordKind kKind = RecordKind::kHead;
  Digest backbone;
  uint32_t dim = 0;
  std::string arch;  // "mlp(1024,128)" or "linear"
  std::vector<std::string> classes;
  std::vector<LayerShape> layers;
  Digest weights;
  HeadLineage lineage;
  double train_loss = 0;
  double test_accuracy = 0;  // 0 .. 1
  double test_loss = 0;
  std::string test_split;  // empty: not tested
  uint64_t test_samples = 0;
  int64_t created_unix_s = 0;
  bool operator==(const HeadRecord&) const = default;
};

struct AliasMove {
  std::string alias;
  uint32_t version = 0;  // 0: the alias went with the version that it pointed to
  std::string note;
  int64_t unix_s = 0;
  bool forced = false;  // moved although the card did not allow it
  bool operator==(const AliasMove&) const = default;
};

// Every move of every alias of one name, oldest first; the last move of an alias is where it
// points.
struct AliasHistory {
  static constexpr RecordKind kKind = RecordKind::kAliases;
  std::vector<AliasMove> moves;
  bool operator==(const AliasHistory&) const = default;
  // The version that `alias` points to, or 0.
  uint32_t Find(std::string_view alias) const;
};

// Why a collection version is gone from which an image was erased.
struct ErasureRecord {
  static constexpr RecordKind kKind = RecordKind::kErasure;
  uint32_t replaced_by = 0;  // the version without the image; 0: no sample was left
  int64_t unix_s = 0;
  bool operator==(const ErasureRecord&) const = default;
};

// A record under the name and version that a reference resolved to.
template <typename T>
struct Versioned {
  std::string name;
  uint32_t version = 0;
  T record;
  std::string ref() const { return name + "@" + std::to_string(version); }
};

// One bounded step of the check of a store.
struct VerifyStep {
  std::string cursor;                 // where the next step goes on; empty: done
  uint64_t checked = 0;               // items that this step checked
  uint64_t total = 0;                 // items in the store, an estimate
  std::vector<std::string> problems;  // each names the item and what is wrong
};

// One bounded step of the search for lost rows.
struct RepairRowsStep {
  std::string cursor;  // as in VerifyStep, likewise `checked` and `total`
  uint64_t checked = 0;
  uint64_t total = 0;
  std::vector<std::string> problems;  // the segments that are damaged or gone
  uint64_t images = 0;                // whose rows are lost with them
};

// Both for the ten types that an identifier of docs/formats.md names, and no others.
template <typename T>
std::string Encode(const T& record);
template <typename T>
Result<T> Decode(std::string_view bytes);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_RECORDS_RECORDS_H_

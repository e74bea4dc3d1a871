// Every bound that augstore puts on what it reads, in one place. Checked before memory is
// allocated.
#ifndef AUGSTORE_SCHEMAS_BASE_LIMITS_H_
#define AUGSTORE_SCHEMAS_BASE_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace augstore {

inline constexpr uint32_t kSegmentRows = 256;       // rows of one stored segment
inline constexpr uint32_t kSampleChunkRows = 4096;  // samples of one stored chunk
inline constexpr uint32_t kMaxChunks = 1u << 20;    // chunks of one collection version
inline constexpr uint32_t kMaxDim = 65536;          // columns of an embedding
inline constexpr uint32_t kMaxLayers = 16;          // layers of a transform or a head
inline constexpr uint32_t kMaxBasis = 256;  // linear maps in the basis of a conditional transform
inline constexpr uint32_t kMaxErrorBankRows = 65536;   // rows of a transform's error bank
inline constexpr uint32_t kMaxFeatureMapCells = 4096;  // cells of a feature map
inline constexpr uint32_t kMaxConvs = 64;              // convolutions of a spatial transform
inline constexpr size_t kMaxWeightsBytes = 512u
                                           << 20;  // bytes of one transform's or head's weights
inline constexpr size_t kMaxRequestBytes = 600u << 20;  // bytes of one request's body
inline constexpr size_t kMaxReplyBytes = 1u << 30;      // bytes of one reply's body
inline constexpr uint32_t kMaxBatchRows = 65536;  // rows of one batch, one append or one query
inline constexpr uint32_t kMaxBatchesPerRequest = 1u << 20;
inline constexpr uint32_t kMaxChains = 256;      // chains of one policy
inline constexpr uint32_t kMaxChainLength = 16;  // transforms of one chain
inline constexpr size_t kMaxPolicyNetworkBytes =
    256u << 20;  // of the matrices that one policy's ops are made into
inline constexpr uint32_t kMaxProjectedChains = 16;  // chains of one picture of embeddings
inline constexpr uint32_t kMaxWorldSize = 65536;
inline constexpr uint32_t kMaxClasses = 1u << 20;  // classes of all label columns together
inline constexpr uint32_t kMaxLabelColumns = 64;
inline constexpr uint32_t kMaxSplits = 1024;  // distinct splits of one collection
inline constexpr uint32_t kMaxViews = 64;     // views of one sample, of all view sets together
inline constexpr size_t kMaxNameBytes =
    200;  // a collection's, transform's, head's or backbone's name
inline constexpr size_t kMaxRefBytes = 2 * kMaxNameBytes + 16;  // "name@alias", "kind/name"
inline constexpr size_t kMaxKeyBytes =
    4096;  // a sample's source key, a split, a label column, a class
inline constexpr size_t kMaxTextBytes = 1u << 20;  // any other text
inline constexpr size_t kMaxRecordBytes =
    64u << 20;  // one encoded record or stored chunk of samples, without weights
inline constexpr uint32_t kMaxAliasMoves = 1u << 20;  // moves of one alias history
inline constexpr uint32_t kMaxKeys = 4096;            // keys of one store
inline constexpr uint32_t kMaxCardEntries = 1024;     // rows, candidates or measures of one card
inline constexpr uint32_t kMaxChannels = 64;          // channels of a backbone's mean and stddev
inline constexpr uint32_t kMaxProblems = 65536;       // problems that one verify call reports
inline constexpr size_t kMaxSafetensorsHeaderBytes = 1u << 20;
inline constexpr size_t kMaxImageBytes = 256u << 20;      // bytes of one image file
inline constexpr size_t kMaxImagePixels = 64u << 20;      // width x height of one image
inline constexpr uint32_t kVerifierMaxDepth = 8;          // FlatBuffers: nesting
inline constexpr uint32_t kVerifierMaxTables = 1u << 16;  // FlatBuffers: tables of one buffer
inline constexpr uint32_t kMaxListedRecords = kVerifierMaxTables - 1;  // records of one listing

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_LIMITS_H_

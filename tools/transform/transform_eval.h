// Measures a registered transform on images: everything that a card says, computed again.
#ifndef AUGSTORE_TOOLS_TRANSFORM_TRANSFORM_EVAL_H_
#define AUGSTORE_TOOLS_TRANSFORM_TRANSFORM_EVAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/transforms/transform_chain.h"
#include "tools/transform/transform_training.h"

namespace augstore {

// A transform that was fetched, and the op that it is compared with.
struct LoadedTransform {
  std::string name;
  std::string ref;   // name@version
  std::string step;  // as a chain names it: "geo@2[hflip]"; else the ref
  TransformRecord record;
  TransformStep model;
  ImageOp op;
};
// `op` empty: the op in the record. A conditional transform takes fixed ops, "hflip>rotate(10)".
// Errors: kNotFound; kInvalidArgument (an op is missing, is not the one it was registered with, or
// is none that it was trained for).
Result<LoadedTransform> LoadTransform(Client& client, const std::string& ref,
                                      const std::string& op);
// One step of a chain: "vflip@champion", "geo[rotate(10)]", which a bare name means for `backbone`.
// Errors: those of ParseChain, GetTransform and LoadTransform.
Result<LoadedTransform> LoadChainStep(Client& client, const std::string& step,
                                      const Digest& backbone);

struct TransformEvalOptions {
  uint64_t retrieval = 500;  // images whose views are ranked; 0: none
  uint64_t seed = 0;         // of the other images that are drawn as candidates
  bool show_progress = true;
};

// Ω2(Ω1(z)) against Φ(op2(op1(x))), and Ω2 alone against Φ(op2(x)).
struct ChainEvaluation {
  std::string second;  // of Ω2: its step
  std::string op;      // "op1>op2"
  CardEntry chain;
  CardEntry second_alone;
};

struct TransformEvaluation {
  CardEntry entry;
  std::vector<CardMeasure> measures;  // docs/formats.md names them
  std::string inverse;                // the transform of the inverse op; empty: there is none
  std::optional<ChainEvaluation> chain;
  EmbedCounts counts;
};

// `data` names the images in the entry; `second` (may be null) makes the chain with `transform`.
// Errors: those of MakePairs.
Result<TransformEvaluation> EvaluateTransform(Database& database, LazyBackbone& backbone,
                                              const LoadedTransform& transform,
                                              const LoadedTransform* second,
                                              const std::vector<ImageItem>& items,
                                              const std::string& data,
                                              const TransformEvalOptions& options);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_TRANSFORM_TRANSFORM_EVAL_H_

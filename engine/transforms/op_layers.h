// The ops of a conditional transform as layers: what a step applies for each of its ops.
#ifndef AUGSTORE_ENGINE_TRANSFORMS_OP_LAYERS_H_
#define AUGSTORE_ENGINE_TRANSFORMS_OP_LAYERS_H_

#include <span>
#include <vector>

#include "engine/images/op_pattern.h"
#include "engine/kernels/engine.h"
#include "engine/transforms/transform_model.h"

namespace augstore {

// One op. With fixed parameters it is one affine map; with drawn ones the affine maps of its
// features form one network, and each row adds up its own.
struct OpLayer {
  NetworkPtr network;  // dim -> dim, or dim -> features * dim
  OpTerm op;
  bool fixed = true;
};
// Networks come from, and stay in, model.derived. REQUIRES: ops of model.family. Errors: those of
// MakeNetwork.
Result<std::vector<OpLayer>> MakeOpLayers(const TransformModel& model, const OpPattern& ops);

// Kept between calls, so that memory is allocated once.
struct OpScratch {
  Matrix between;  // outputs of all ops but the last
  Matrix outputs;  // of each feature's affine map, for a block of rows
};

// Applies layers one after another, then, after several, model.network. `parameters` has those of
// all ops for each row of `in`, one row after the other; it is not read when all layers are fixed.
// Errors: those of Engine::Apply.
Status ApplyOpLayers(Engine& engine, const TransformModel& model, std::span<const OpLayer> layers,
                     std::span<const double> parameters, ConstMatrixView in, MatrixView out,
                     OpScratch* scratch);

// A view of rows x cols on `buffer`, which grows when it is smaller.
MatrixView Reserve(Matrix* buffer, size_t rows, size_t cols);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_TRANSFORMS_OP_LAYERS_H_

// Which way of running Φ is the fastest, measured. For torch_*.cc alone: includes Torch.
#ifndef AUGSTORE_ENGINE_BACKBONE_TORCH_WAYS_H_
#define AUGSTORE_ENGINE_BACKBONE_TORCH_WAYS_H_

#include <torch/csrc/jit/api/module.h>

#include <functional>
#include <string>

#include "engine/backbone/torch_module.h"
#include "schemas/records/records.h"

namespace augstore {

struct ChosenWay {
  BackboneWay way;
  torch::jit::Module module;
  bool unit_length = false;  // every embedding of a trial batch had length 1
};

// Tries the forms and orders of a batch in memory on one size of batch, then sizes of batches on
// the best of them. A way is a candidate when its outputs are those of the frozen network up to
// rounding, and embeddings depend on it as CheckDependence allows. What is measured is CPU time in
// seven rounds, the ways by turns; of ways that differ by less than 2 %, one whose embeddings do
// not depend on the slot wins, then the one that is tried first, so that the choice seldom depends
// on chance.
//
// Takes about two seconds of CPU time for small networks, and the time of some 100 images for large
// ones.
// `report` is told of each step. Throws what Torch throws. Errors: those of LoadModule and
// CheckDependence.
Result<ChosenWay> ChooseWay(const std::string& path, uint32_t height, uint32_t width,
                            const std::function<void(const std::string& what)>& report);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_BACKBONE_TORCH_WAYS_H_

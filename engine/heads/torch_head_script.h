// Heads as TorchScript files. No Torch type here.
#ifndef AUGSTORE_ENGINE_HEADS_TORCH_HEAD_SCRIPT_H_
#define AUGSTORE_ENGINE_HEADS_TORCH_HEAD_SCRIPT_H_

#include <string>

#include "schemas/base/status.h"
#include "schemas/weights/layers.h"

namespace augstore {

// Writes a head as a TorchScript module (forward: n x d float32 -> n x classes logits). Errors:
// kInvalidArgument (layers that do not validate), kUnavailable (the file), kInternal (Torch).
Status SaveTorchScript(const Layers& head, const std::string& path);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_HEADS_TORCH_HEAD_SCRIPT_H_

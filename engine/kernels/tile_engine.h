// The f32 engine on the tile kernels of tile_product.h. Shapes, errors, memory and thread safety
// are those of engine.h.
#ifndef AUGSTORE_ENGINE_KERNELS_TILE_ENGINE_H_
#define AUGSTORE_ENGINE_KERNELS_TILE_ENGINE_H_

#include <memory>
#include <vector>

#include "engine/kernels/engine.h"

namespace augstore {

struct TileKernel;

// On `kernel`, which this processor must have, or on its best. One thread per call. The packed
// weights of a network are made once in the process.
std::unique_ptr<Engine> NewTileEngine(const TileKernel& kernel);
std::unique_ptr<Engine> NewTileEngine();
// The kernels that this processor can run, the best last.
std::vector<const TileKernel*> SupportedTiles();

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_KERNELS_TILE_ENGINE_H_

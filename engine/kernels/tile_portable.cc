#include "engine/kernels/tile_kernel.h"

namespace augstore {

const TileKernel kPortableTiles{"portable", 8, &RunTiles<4, 6>, &RunRegisters<4, 6>};

}  // namespace augstore

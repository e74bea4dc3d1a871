#include "engine/kernels/tile_kernel.h"

#if defined(__x86_64__)
namespace augstore {

// 12 of 16 registers hold sums.
const TileKernel kAvx2Tiles{"avx2", 16, &RunTiles<8, 6>, &RunRegisters<8, 6>};

}  // namespace augstore
#endif

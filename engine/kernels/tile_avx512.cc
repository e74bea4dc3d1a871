#include "engine/kernels/tile_kernel.h"

#if defined(__x86_64__)
namespace augstore {

// 24 of 32 registers hold sums.
const TileKernel kAvx512Tiles{"avx512", 32, &RunTiles<16, 12>, &RunRegisters<16, 12>};

}  // namespace augstore
#endif

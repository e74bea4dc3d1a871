// What a comparison will ask of Φ, told before it starts.
#ifndef AUGSTORE_TOOLS_COMPARE_COMPARE_COST_H_
#define AUGSTORE_TOOLS_COMPARE_COMPARE_COST_H_

#include <cstdint>

#include "tools/collection/embedder.h"
#include "tools/compare/compare.h"

namespace augstore {

// Φ calls at most, for so many images: every image of the transforms and of the test under no op
// and under every op, the training samples once, and in pixel space every sample of every epoch and
// seed.
uint64_t ComparePhiCalls(const CompareFlags& flags, uint64_t train, uint64_t base, uint64_t test);

// Lists the images, times Φ and prints the calls with an estimate on standard error. Errors: those
// of ListImages and MeasurePhi.
Status AnnounceCompare(const CompareFlags& flags, LazyBackbone& backbone);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_COMPARE_COMPARE_COST_H_

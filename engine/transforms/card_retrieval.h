// Whether Ω(z) finds the true z' among other views: the rank of z' in a pool of views sorted by
// their distance to Ω(z). G says how much of the way Ω goes; the rank says whether the result still
// tells one image and one op from others, which a blurred average of them would not.
//
// After Q. Garrido, L. Najman, Y. LeCun, "Self-supervised learning of Split Invariant Equivariant
// representations", ICML 2023 (MRR and H@k, after T. Kipf et al., "Contrastive Learning of
// Structured World Models", ICLR 2020), which rank among views of the same object. Here the
// pool also has other images, and z itself, so that an Ω that does nothing is found out.
#ifndef AUGSTORE_ENGINE_TRANSFORMS_CARD_RETRIEVAL_H_
#define AUGSTORE_ENGINE_TRANSFORMS_CARD_RETRIEVAL_H_

#include <cstdint>
#include <span>

#include "schemas/base/types.h"
#include "schemas/records/records.h"

namespace augstore {

struct RetrievalOptions {
  uint32_t pool = 50;         // z' included
  uint32_t max_pairs = 1000;  // spread evenly over the pairs when there are more
  uint64_t seed = 0;          // of the other images that are drawn
};

// Fills `retrieval_pool`, `mrr`, `hit1` and `hit5` of the entry. The pool of pair i has z'_i, z_i,
// row i of each of `other_views` (the same image under other ops; the first ones, where there are
// too many), and z' of other pairs, drawn without repetition by (seed, i). With fewer pairs than
// options.pool all pools are smaller, of one size. The rank of z' is 1 plus the number of views
// strictly nearer (L2) to Ω(z). REQUIRES: n x d each, n >= 1, same shape;
// options.pool >= 2.
void MeasureRetrieval(ConstMatrixView z, ConstMatrixView z_target, ConstMatrixView z_mapped,
                      std::span<const ConstMatrixView> other_views, const RetrievalOptions& options,
                      CardEntry* entry);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_TRANSFORMS_CARD_RETRIEVAL_H_

// Which version of a transform a reference means where the backbone is known.
#ifndef AUGSTORE_ENGINE_STREAMS_TRANSFORM_CHOICE_H_
#define AUGSTORE_ENGINE_STREAMS_TRANSFORM_CHOICE_H_

#include "schemas/base/digest.h"
#include "schemas/base/names.h"
#include "storage/catalog/catalog.h"

namespace augstore {

// The alias that a name without a version means.
inline constexpr char kChampion[] = "champion";

// A version or an alias means that one. A bare name means the alias `champion` where it points to a
// transform of `backbone`, else the best version proven for that backbone (BestProven), never
// merely the latest: another project in the store, or a trial, shall not change what a policy does.
// Errors: kNotFound (no such transform); kFailedPrecondition (a transform of another backbone,
// naming both; a bare name of which no version is proven, naming those there are with their G).
Result<Versioned<TransformRecord>> ChooseTransform(Catalog& catalog, const Ref& ref,
                                                   const Digest& backbone);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_STREAMS_TRANSFORM_CHOICE_H_

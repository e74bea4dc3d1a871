// Training and measuring transforms on pairs, wherever the pairs come from.
#ifndef AUGSTORE_TOOLS_TRANSFORM_PAIR_TRAINING_H_
#define AUGSTORE_TOOLS_TRANSFORM_PAIR_TRAINING_H_

#include <string>

#include "tools/transform/transform_training.h"

namespace augstore {

// --family and what else says how to fit.
void AddTrainingFlags(Command* command, TransformTrainOptions* options);

// Fits Ω, with a progress line when `show`; the card has what it costs on this machine, too.
// Errors: those of TrainTransform; kUnavailable "interrupted" after Ctrl-C.
Result<TrainedTransform> TrainOnPairs(const Pairs& pairs, const TransformTrainOptions& options,
                                      bool show);

// Says on standard error that a transform is no better than none, if that is so.
void WarnIfUseless(const std::string& ref, const Card& card);

// Pairs from two .npy files of as many rows: z, and z' of the same images. Errors: those of
// ReadNpyMatrix; kInvalidArgument (other dimensions than the backbone's, other numbers of rows, a
// NaN or an infinity; naming the file).
Result<Pairs> ReadPairs(const std::string& z, const std::string& z_target,
                        const BackboneRecord& backbone);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_TRANSFORM_PAIR_TRAINING_H_

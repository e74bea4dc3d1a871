// What `head train` and `head fit` share: flags, opening what a run reads, finishing it.
#ifndef AUGSTORE_TOOLS_HEAD_CMD_HEAD_TRAIN_H_
#define AUGSTORE_TOOLS_HEAD_CMD_HEAD_TRAIN_H_

#include <memory>

#include "tools/head/head_report.h"

namespace augstore {

// --collection to --batch-size, --prefetch, --test-split, --name, --out, --register, --no-register.
void AddRunFlags(Command* command, HeadTrainFlags* flags);
// Defaults the name to the collection's. Errors: kInvalidArgument.
Status CheckHeadName(HeadTrainFlags* flags);
// Opens what a run reads, pins the collection's version in `flags`, and fills in stream, backbone
// and tests. Errors: kNotFound (collection, split), kFailedPrecondition (fewer than 2 classes),
// those of OpenStream.
Result<std::unique_ptr<BatchSource>> OpenHeadRun(Client& client, HeadTrainFlags* flags,
                                                 TrainedHeads* trained);
// Chooses the best head, registers, prints the report and writes --out. Errors: those of Add and
// SaveHeads.
Status FinishHeadRun(Client& client, const HeadTrainFlags& flags, const MetricsFile& metrics,
                     TrainedHeads* trained);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_HEAD_CMD_HEAD_TRAIN_H_

// What the `head` subcommands share.
#ifndef AUGSTORE_TOOLS_HEAD_CMD_HEAD_H_
#define AUGSTORE_TOOLS_HEAD_CMD_HEAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/heads/head_trainer.h"
#include "engine/kernels/engine.h"
#include "schemas/records/records.h"
#include "tools/cli/command.h"

namespace augstore {

// Each in its file; AddHeadCommands adds them below `head`.
void AddHeadTrainCommand(CLI::App* group);
void AddHeadFitCommand(CLI::App* group);
void AddHeadPredictCommand(CLI::App* group);
void AddHeadReadCommands(CLI::App* group);  // ls, show, eval

// The heads that comma lists ask for: every combination, learning rates outermost, seeds innermost.
// `heads` 0: as many as there are combinations; else one combination is repeated with seeds seed ..
// seed + heads - 1. Errors: kInvalidArgument (a value out of range; a grid of another size than
// `heads`, naming both; more than 1024 heads).
Result<std::vector<HeadConfig>> HeadGrid(const std::vector<double>& learning_rates,
                                         const std::vector<double>& weight_decays,
                                         const std::vector<uint64_t>& seeds, uint32_t heads);

// A registered head, ready to be applied.
struct LoadedHead {
  std::string ref;
  HeadRecord record;
  NetworkPtr network;
};
// Errors: kNotFound, kDataLoss.
Result<LoadedHead> LoadHead(Client& client, const std::string& ref);
// kFailedPrecondition, naming both digests, unless the embeddings of `what` come from the backbone
// the head was trained on.
Status CheckBackbone(const LoadedHead& head, const Digest& backbone, const std::string& what);

// kNotFound, naming `flag` and the splits that there are, unless the collection has `split` (empty:
// all samples).
Status CheckSplit(const Versioned<CollectionRecord>& collection, const std::string& flag,
                  const std::string& split);

// p.row(i) = softmax(p.row(i)), in place.
void Softmax(MatrixView p);

Json HeadJson(const Versioned<HeadRecord>& head);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_HEAD_CMD_HEAD_H_

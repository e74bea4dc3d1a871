// Registered heads, ready to be applied to the embeddings of a collection.
#ifndef AUGSTORE_TOOLS_HEAD_LOADED_HEAD_H_
#define AUGSTORE_TOOLS_HEAD_LOADED_HEAD_H_

#include <string>

#include "client/client.h"
#include "engine/kernels/engine.h"
#include "schemas/records/records.h"

namespace augstore {

// A registered head, ready to be applied.
struct LoadedHead {
  std::string ref;
  HeadRecord record;
  NetworkPtr network;
};
// Errors: kNotFound, kDataLoss.
Result<LoadedHead> LoadHead(Client& client, const std::string& ref);
// kFailedPrecondition, naming both, unless the embeddings of `what` come from the backbone
// the head was trained on.
Status CheckBackbone(Client& client, const LoadedHead& head, const Digest& backbone,
                     const std::string& what);

// kNotFound, naming `flag` and the splits that there are, unless the collection has `split` (empty:
// all samples).
Status CheckSplit(const Client::Versioned<CollectionRecord>& collection, const std::string& flag,
                  const std::string& split);

// p.row(i) = softmax(p.row(i)), in place.
void Softmax(MatrixView p);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_HEAD_LOADED_HEAD_H_

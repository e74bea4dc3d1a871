// Registered heads, and class probabilities of embeddings, plain or averaged over augmented views
// of them (test-time augmentation) that the transforms of a policy make.
#ifndef AUGSTORE_TOOLS_HEAD_HEAD_PREDICTOR_H_
#define AUGSTORE_TOOLS_HEAD_HEAD_PREDICTOR_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "client/client.h"
#include "engine/kernels/engine.h"
#include "engine/transforms/transform_chain.h"
#include "schemas/base/names.h"
#include "tools/flags/flags.h"

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

struct TestTimeFlags {
  std::string policy;  // empty: none; "trained": the policy that the head was trained with
  uint32_t draws = 4;  // views of each chain whose parameters or errors are drawn
  uint64_t seed = 0;   // of those draws
};
void AddTestTimeFlags(Command* command, TestTimeFlags* flags);

// Thread safety: none. The client is needed by Open alone, the head as long as the predictor.
class HeadPredictor {
 public:
  // Errors: kInvalidArgument (policy syntax), kNotFound (a transform), kFailedPrecondition (a
  // transform of another backbone than the head's), those of MakeStep.
  static Result<std::unique_ptr<HeadPredictor>> Open(Client& client, const LoadedHead& head,
                                                     const TestTimeFlags& flags);

  // The policy with every version pinned; empty without test-time augmentation.
  const std::string& policy() const { return policy_; }
  // Chains times draws: how often the head is applied to each row.
  size_t views() const;

  // p.row(i) = the weighted mean over views of softmax(head(view of z.row(i))). The draws depend on
  // (seed, ids[i], view) alone. REQUIRES: p is z.rows x classes, ids.size() == z.rows.
  Status Predict(ConstMatrixView z, std::span<const SampleId> ids, MatrixView p);

 private:
  struct Chain {
    std::vector<TransformStep> steps;
    double weight = 1;  // of all views together the weights add up to 1
    uint32_t draws = 1;
  };
  explicit HeadPredictor(const LoadedHead& head);
  Status AddChain(Client& client, const PolicyEntry& entry, const TestTimeFlags& flags,
                  PolicySpec* pinned);

  const LoadedHead& head_;
  std::unique_ptr<Engine> engine_;
  std::string policy_;
  uint64_t seed_ = 0;
  std::vector<Chain> chains_;
  ChainScratch scratch_;
};

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_HEAD_HEAD_PREDICTOR_H_

// What `head train` and `head fit` were asked and what they write: metrics, weights, the report.
#ifndef AUGSTORE_TOOLS_HEAD_HEAD_REPORT_H_
#define AUGSTORE_TOOLS_HEAD_HEAD_REPORT_H_

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/command.h"
#include "tools/cli/stream_flags.h"
#include "tools/head/head_runs.h"

namespace augstore {

struct HeadTrainFlags {
  CommonFlags common;
  StreamSpec spec;  // its split is set when the collection is known
  SplitFlag split;
  HeadTrainerOptions trainer;
  std::vector<double> learning_rates = {1e-3};
  std::vector<double> weight_decays = {1e-4};
  std::vector<uint64_t> seeds = {0};
  uint32_t heads = 0;
  uint32_t epochs = 30;
  uint32_t prefetch = 4;
  std::optional<std::string> test_split;  // none: "test" if the collection has it
  std::string init;                       // head to start from; empty: random weights
  std::string name;
  std::string out;
  std::string which = "best";
  bool no_register = false;
};

// What a run trained and where it came from.
struct TrainedHeads {
  StreamReply stream;
  Digest backbone;
  std::vector<TestSet> tests;
  HeadRunsReport report;
  std::vector<std::string> optimizers;  // of each head
  size_t best = 0;
  std::string init;               // the head that they started from; empty: random weights
  std::vector<std::string> refs;  // of each head; empty: not registered
  bool tested() const { return !tests.empty(); }
};

// The head with the highest test accuracy, then the lowest test loss; untested, the lowest training
// loss.
size_t BestHead(const TrainedHeads& trained);

// metrics.jsonl: one line per curve point, each flushed, so that a run can be watched. Does nothing
// before Open.
class MetricsFile {
 public:
  // Makes `folder` and starts the file anew. Errors: kUnavailable, naming the path.
  Status Open(const std::string& folder);
  void Add(const CurvePoint& point, const HeadConfig& config);
  // kUnavailable when a line could not be written.
  Status Check() const;

 private:
  std::string path_;
  std::ofstream file_;
};

// head.safetensors and head.pt; of many, head-<i>.*. Errors: kUnavailable, kInternal.
Status SaveHeads(const HeadRunsReport& report, const std::string& folder);

// On standard output: a table, or JSON with --json.
void PrintHeadReport(const HeadTrainFlags& flags, const TrainedHeads& trained);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_HEAD_HEAD_REPORT_H_

// bench commit: what adding one sample costs, to a small collection and to a large one.
#include <algorithm>
#include <fstream>
#include <functional>

#include "client/client.h"
#include "schemas/base/digest.h"
#include "schemas/base/limits.h"
#include "tools/bench/bench_data.h"
#include "tools/bench/bench_measure.h"
#include "tools/bench/bench_parts.h"
#include "tools/cli/database.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

constexpr uint64_t kSamples = 10'000'000;
constexpr uint64_t kSamplesPerDraft = 2'000'000;
constexpr uint64_t kImages = 65536;  // that the samples share: what is measured is not embeddings
constexpr uint32_t kDim = 8;
constexpr int kAdditions = 5;
constexpr const char* kCollection = "all";

ContentHash ImageOf(uint64_t number) {
  return HashContent({reinterpret_cast<const uint8_t*>(&number), sizeof number});
}

// Bytes of this process that are in memory.
double ResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) * 1024;
  }
  return 0;
}

Status AppendImages(Client& client, uint64_t begin, uint64_t count, uint64_t seed) {
  constexpr uint64_t kRowsPerCall = 4096;
  for (uint64_t done = 0; done < count; done += kRowsPerCall) {
    const uint64_t rows = std::min(kRowsPerCall, count - done);
    AppendRowsRequest request{.backbone = SyntheticBackbone(),
                              .images = {},
                              .embeddings = Matrix(rows, kDim),
                              .feature_maps = {}};
    FillRandom(seed + begin + done, request.embeddings.view());
    for (uint64_t i = 0; i < rows; ++i) request.images.push_back(ImageOf(begin + done + i));
    AUGSTORE_TRY(client.Call<RowIdsReply>(request));
  }
  return OkStatus();
}

struct CommitTimes {
  double append = 0;  // of the samples to the draft
  double compare = 0;
  double commit = 0;
  double longest_call = 0;  // of the last two
  uint64_t samples = 0;     // of the version
  double total() const { return append + compare + commit; }
};

// The time of a request that may take several calls, and of the longest of them.
template <typename Reply, typename Request>
Result<Reply> TimeSteps(Client& client, const Request& request, double* seconds, double* longest) {
  const Stopwatch clock;
  double before = 0;
  const auto call_ended = [&] {
    *longest = std::max(*longest, clock.seconds() - before);
    before = clock.seconds();
  };
  auto reply = client.CallInSteps<Reply>(request, [&](const auto&) { call_ended(); });
  call_ended();
  *seconds = clock.seconds();
  return reply;
}

// Adds samples `begin` .. `begin + count - 1`; `image` gives each its image.
Result<CommitTimes> Commit(Client& client, uint64_t begin, uint64_t count,
                           const std::function<ContentHash(uint64_t)>& image) {
  CommitTimes times;
  const Stopwatch clock;
  const BeginDraftRequest spec{.collection = kCollection,
                               .backbone = SyntheticBackbone(),
                               .labels = {{"label", {"a", "b"}}},
                               .source = "bench"};
  AUGSTORE_ASSIGN(const DraftReply draft, client.Call<DraftReply>(spec));
  for (uint64_t at = begin; at < begin + count; at += kSampleChunkRows) {
    if (Interrupted()) return InterruptedStatus("scratch stores are removed: run it again");
    AppendSamplesRequest request{.draft = draft.draft, .samples = {}};
    SampleChunk& chunk = request.samples;
    chunk.split_names = {"train"};
    chunk.labels.resize(1);
    for (uint64_t i = at; i < std::min(at + kSampleChunkRows, begin + count); ++i) {
      chunk.keys.push_back(fmt::format("{:08}.png", i));
      chunk.images.push_back(image(i));
      chunk.splits.push_back(0);
      chunk.labels[0].push_back(static_cast<int32_t>(i % 2));
    }
    AUGSTORE_TRY(client.Call<EndReply>(request));
  }
  times.append = clock.seconds();
  AUGSTORE_TRY(TimeSteps<DraftChangesReply>(client, CompareDraftRequest{draft.draft},
                                            &times.compare, &times.longest_call));
  AUGSTORE_ASSIGN(const RecordReply made,
                  TimeSteps<RecordReply>(client, CommitDraftRequest{draft.draft, count},
                                         &times.commit, &times.longest_call));
  AUGSTORE_ASSIGN(const CollectionRecord record, Decode<CollectionRecord>(made.record));
  times.samples = record.samples;
  return times;
}

// Adds one sample several times; a row of the table with the median of the times.
Result<Json> AddOne(Client& client, uint64_t* samples, uint64_t seed, double* seconds) {
  std::vector<double> totals;
  std::vector<double> commits;
  double longest = 0;
  const double before = ResidentBytes();
  for (int i = 0; i < kAdditions; ++i, ++*samples) {
    const uint64_t image = kImages + *samples;
    AUGSTORE_TRY(AppendImages(client, image, 1, seed));
    AUGSTORE_ASSIGN(const CommitTimes times,
                    Commit(client, *samples, 1, [&](uint64_t) { return ImageOf(image); }));
    AUGSTORE_CHECK(times.samples == *samples + 1);
    totals.push_back(times.total());
    commits.push_back(times.compare + times.commit);
    longest = std::max(longest, times.longest_call);
  }
  *seconds = *std::ranges::max_element(totals);
  return Json{{"samples", *samples},       {"added", 1},
              {"s", Median(totals)},       {"of them commit", Median(commits)},
              {"longest call s", longest}, {"MiB more", (ResidentBytes() - before) / (1 << 20)}};
}

Result<Json> AddMany(Client& client, uint64_t* samples, uint64_t count) {
  const double before = ResidentBytes();
  AUGSTORE_ASSIGN(const CommitTimes times,
                  Commit(client, *samples, count, [](uint64_t i) { return ImageOf(i % kImages); }));
  *samples += count;
  AUGSTORE_CHECK(times.samples == *samples);
  return Json{{"samples", *samples},
              {"added", count},
              {"s", times.total()},
              {"of them commit", times.compare + times.commit},
              {"longest call s", times.longest_call},
              {"MiB more", (ResidentBytes() - before) / (1 << 20)}};
}

}  // namespace

Status BenchCommit(const BenchFlags& flags, BenchReport* report) {
  const uint64_t total = Scaled(flags, flags.quick ? kSamples / 50 : kSamples, kSampleChunkRows);
  const uint64_t per_draft = std::min(kSamplesPerDraft, total / 2);
  AUGSTORE_ASSIGN(const auto scratch, ScratchFolder::Make(flags));
  AUGSTORE_ASSIGN(
      const auto database,
      Database::Open({.store = scratch->path() + "/store", .connect = {}}, StoreAccess::kCreate));
  Client& client = database->client();
  AUGSTORE_TRY(AppendImages(client, 0, kImages, flags.seed));
  BenchTable table{
      .name = "commit",
      .legend = fmt::format(
          "samples added to a collection through a service in this process: s from the beginning "
          "of the draft to its version, medians of {}\nwhere one is added; MiB more: memory after "
          "it. Samples share {} images of {} columns",
          kAdditions, kImages, kDim)};
  uint64_t samples = 0;
  double seconds = 0;
  AUGSTORE_ASSIGN(Json row, AddMany(client, &samples, kSampleChunkRows));
  table.rows.push_back(std::move(row));
  AUGSTORE_ASSIGN(row, AddOne(client, &samples, flags.seed, &seconds));
  table.rows.push_back(std::move(row));
  while (samples < total) {
    AUGSTORE_ASSIGN(row, AddMany(client, &samples, std::min(per_draft, total - samples)));
    table.rows.push_back(std::move(row));
  }
  AUGSTORE_ASSIGN(row, AddOne(client, &samples, flags.seed, &seconds));
  table.rows.push_back(std::move(row));
  report->tables.push_back(std::move(table));
  report->targets.push_back(
      {fmt::format("longest of {} commits of one sample, s", kAdditions), seconds, 1.0, true});
  return OkStatus();
}

}  // namespace augstore

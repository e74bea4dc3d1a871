// bench scale: the same questions to a small and to a large store.
#include <filesystem>
#include <fstream>

#include "client/client.h"
#include "storage/catalog/catalog.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "tools/bench/bench_data.h"
#include "tools/bench/bench_measure.h"
#include "tools/bench/bench_parts.h"
#include "tools/bench/bench_server.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kBatch = 256;
constexpr uint64_t kLeastMemoryMib = 16;  // the least that serve accepts
// A stream's window, so that a tenth of the data as memory holds two.
constexpr uint64_t kWindowsOfData = 25;
constexpr const char* kCollection = "all";

// Bytes that this process has passed to write() so far, on any file system.
double WrittenBytes() {
  std::ifstream io("/proc/self/io");
  for (std::string line; std::getline(io, line);) {
    if (line.starts_with("wchar:")) return std::stod(line.substr(6));
  }
  return 0;
}

double FolderBytes(const std::string& folder) {
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes;
}

// One store and its server.
struct ScalePoint {
  uint64_t rows = 0;
  uint64_t memory_mib = 0;
  double data_bytes = 0;
  double fill_seconds = 0;
  double written = 0;
  double disk = 0;
  double open_seconds = 0;
  double verify_seconds = 0;
  double resident_before = 0;
  std::string folder;
  std::unique_ptr<ServerProcess> server;
  std::unique_ptr<Client> client;
  std::unique_ptr<BatchStream> stream;
  uint64_t epoch = 0;

  double budget() const { return static_cast<double>(memory_mib << 20); }
  std::string store() const { return folder + "/store"; }
  // Goes on from one epoch into the next: each has another order, so that an epoch does not profit
  // from rows that the one before brought into memory.
  Status PullBatch() {
    AUGSTORE_ASSIGN(std::optional<Batch> batch, stream->Next());
    if (batch.has_value()) return OkStatus();
    stream->Seek(++epoch, 0);
    AUGSTORE_TRY(stream->Next());
    return OkStatus();
  }
  // The first batches of a window may wait for its segments and the others do not, so rates are
  // those of whole windows.
  uint64_t window() const { return rows / kWindowsOfData; }
  uint64_t batches_of_window() const { return std::max<uint64_t>(window() / kBatch, 1); }
  Status PullWindow() {
    for (uint64_t i = 0; i < batches_of_window(); ++i) AUGSTORE_TRY(PullBatch());
    return OkStatus();
  }
};

Status MeasureOpening(const BenchFlags& flags, ScalePoint* point) {
  std::vector<double> seconds;
  for (uint32_t i = 0; i < flags.repeat; ++i) {
    const Stopwatch clock;
    AUGSTORE_ASSIGN(
        const auto store,
        OpenRocksDbStore(point->store(), {.access = StoreAccess::kWrite,
                                          .memory_budget_bytes = point->memory_mib << 20}));
    AUGSTORE_ASSIGN(const auto catalog, Catalog::Open(store.get()));
    seconds.push_back(clock.seconds());
    if (i > 0) continue;
    const Stopwatch verify_clock;
    std::string cursor;
    do {
      AUGSTORE_ASSIGN(const VerifyStep step, catalog->Verify(cursor));
      if (!step.problems.empty()) return DataLoss("a scratch store: {}", step.problems[0]);
      if (Interrupted()) return InterruptedStatus("scratch stores are removed: run it again");
      cursor = step.cursor;
    } while (!cursor.empty());
    point->verify_seconds = verify_clock.seconds();
  }
  point->open_seconds = Median(std::move(seconds));
  return OkStatus();
}

Status MakePoint(const BenchFlags& flags, ScalePoint* point) {
  fs::create_directory(point->folder);
  point->data_bytes = static_cast<double>(point->rows * flags.dim * sizeof(float));
  point->memory_mib =
      std::max(kLeastMemoryMib, static_cast<uint64_t>(point->data_bytes / 10) >> 20);
  const double written = WrittenBytes();
  const Stopwatch clock;
  AUGSTORE_TRY(MakeSyntheticStore(flags, point->store(), {{kCollection, point->rows}}));
  point->fill_seconds = clock.seconds();
  point->written = WrittenBytes() - written;
  AUGSTORE_TRY(MeasureOpening(flags, point));
  point->disk = FolderBytes(point->store());
  AUGSTORE_ASSIGN(point->server,
                  ServerProcess::Start(flags, point->store(), point->folder,
                                       {.store_mib = point->memory_mib, .batch_cache_mib = 0}));
  AUGSTORE_ASSIGN(const uint64_t resident, point->server->ResidentBytes());
  point->resident_before = static_cast<double>(resident);
  AUGSTORE_ASSIGN(point->client, Client::Connect(point->server->unix_socket()));
  AUGSTORE_ASSIGN(point->stream, point->client->OpenStream({.collection = kCollection,
                                                            .seed = flags.seed,
                                                            .batch_size = kBatch,
                                                            .shuffle_window = point->window()}));
  point->stream->Seek(0, 0);
  return OkStatus();
}

// The case that streams from the store at `point`.
std::string CaseName(size_t point) { return fmt::format("store {}", point); }

Result<CaseRates> RunStreams(const BenchFlags& flags, std::vector<ScalePoint>& points) {
  BenchFlags longer = flags;  // several windows of a small store
  if (!flags.quick) longer.seconds = std::max(flags.seconds, 1.0);
  std::vector<Case> cases;
  for (size_t i = 0; i < points.size(); ++i) {
    cases.push_back({.name = CaseName(i),
                     .units = static_cast<double>(points[i].batches_of_window() * kBatch),
                     .once = [&point = points[i]](int) { return point.PullWindow(); }});
  }
  return RunCases(longer, cases);
}

}  // namespace

Status BenchScale(const BenchFlags& flags, BenchReport* report) {
  AUGSTORE_ASSIGN(const auto scratch, ScratchFolder::Make(flags));
  const std::vector<uint64_t> sizes = flags.quick
                                          ? std::vector<uint64_t>{10'000, 50'000}
                                          : std::vector<uint64_t>{100'000, 1'000'000, 10'000'000};
  std::vector<ScalePoint> points(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    points[i].rows = Scaled(flags, sizes[i], kBatch);
    points[i].folder = fmt::format("{}/{}", scratch->path(), i);
    if (!flags.quiet) std::fprintf(stderr, "bench: scale, %zu rows\n", points[i].rows);
    AUGSTORE_TRY(MakePoint(flags, &points[i]));
  }
  AUGSTORE_ASSIGN(const CaseRates rates, RunStreams(flags, points));
  BenchTable table{
      .name = "scale",
      .legend = fmt::format(
          "random rows of dim {}, budget 10 % of the data ({} MiB at least), no batch cache, "
          "shuffled in windows of 1/25 of the rows. 'written/ingested': bytes written per byte "
          "of\nembeddings; 'grown/budget': memory of the server that is no file's, less that "
          "before the first stream, over the budget;\n'of smallest': rate of streaming whole "
          "windows over that of the smallest store, measured in the same run",
          flags.dim, kLeastMemoryMib)};
  double grown = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    const ScalePoint& point = points[i];
    AUGSTORE_ASSIGN(const uint64_t resident, point.server->ResidentBytes());
    grown = (static_cast<double>(resident) - point.resident_before) / point.budget();
    const Rates& own = rates.at(CaseName(i));
    table.rows.push_back({{"rows", point.rows},
                          {"data GB", point.data_bytes / 1e9},
                          {"disk/data", point.disk / point.data_bytes},
                          {"fill s", point.fill_seconds},
                          {"written/ingested", point.written / point.data_bytes},
                          {"open s", point.open_seconds},
                          {"verify s", point.verify_seconds},
                          {"budget MiB", point.memory_mib},
                          {"grown/budget", grown},
                          {"stream rows/s", own.median()},
                          {"of smallest", Ratio(own, rates.at(CaseName(0)))}});
  }
  report->tables.push_back(std::move(table));
  report->targets.push_back({"streaming from the largest store / from the smallest",
                             Ratio(rates.at(CaseName(points.size() - 1)), rates.at(CaseName(0))),
                             0.9});
  report->targets.push_back({"largest store: memory grown / budget", grown, 1.1, true});
  report->targets.push_back(
      {"largest store: seconds to open", points.back().open_seconds, 2, true});
  return OkStatus();
}

}  // namespace augstore

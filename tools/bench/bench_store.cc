// bench store: gathering rows in random order.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "engine/streams/shuffle_order.h"
#include "schemas/base/files.h"
#include "schemas/weights/npy.h"
#include "schemas/wire/shared_bodies.h"
#include "storage/rocksdb/rocksdb_open.h"
#include "storage/store/store.h"
#include "tools/bench/bench_data.h"
#include "tools/bench/bench_measure.h"
#include "tools/bench/bench_parts.h"
#include "tools/bench/rocksdb_row_per_key.h"

namespace augstore {
namespace {

constexpr size_t kBatch = 256;
// A budget of a tenth of the data then holds two windows of a shuffle: the one that is read and the
// next one.
constexpr uint64_t kWindowsOfData = 25;

// The matrix of a .npy file, mapped, as np.load(mmap_mode="r") does. WriteNpyMatrix puts the matrix
// at the end of the file.
Result<std::shared_ptr<const float>> MapNpy(const std::string& path, size_t values) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0)
    return Unavailable("'{}' cannot be opened: {}", path, std::strerror(errno));
  const auto size = static_cast<size_t>(status.st_size);
  void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED)
    return Unavailable("'{}' cannot be mapped: {}", path, std::strerror(errno));
  const auto* end = static_cast<const uint8_t*>(memory) + size;
  const auto* first = reinterpret_cast<const float*>(end - values * sizeof(float));
  return std::shared_ptr<const float>(first, [=](const float*) { ::munmap(memory, size); });
}

Status CopyRows(ConstMatrixView from, std::span<const RowId> rows, MatrixView out) {
  for (size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(out.row(i).data(), from.row(rows[i]).data(), out.cols * sizeof(float));
  }
  return OkStatus();
}

// Random rows in huge pages, like the store's: the ceiling is the most that the machine can do.
Matrix RowsInHugePages(uint64_t rows, uint32_t dim, uint64_t seed) {
  Matrix matrix(rows, dim);
#if defined(__linux__)
  constexpr uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<uintptr_t>(matrix.data());
  const uintptr_t first = (begin + kPage - 1) / kPage * kPage;
  const uintptr_t last = begin + rows * dim * sizeof(float);
  ::madvise(reinterpret_cast<void*>(first), last - first,
            MADV_HUGEPAGE);  // a failure leaves small pages
#endif
  FillRandom(seed, matrix.view());
  return matrix;
}

using Gather = std::function<Status(std::span<const RowId>, MatrixView)>;

// Calls `gather` for the batches of an order of rows in turn; each worker has its own place in the
// order and its own memory.
class Walk {
 public:
  Walk(const std::vector<RowId>* order, size_t dim, int workers, Gather gather)
      : order_(order), gather_(std::move(gather)) {
    for (int worker = 0; worker < workers; ++worker) {
      places_.push_back(order->size() / static_cast<size_t>(workers) * static_cast<size_t>(worker));
      outs_.emplace_back(kBatch, dim);
    }
  }
  Status Once(int worker) {
    size_t& place = places_[static_cast<size_t>(worker)];
    if (place + kBatch > order_->size()) place = 0;
    const std::span<const RowId> rows(order_->data() + place, kBatch);
    place += kBatch;
    return gather_(rows, outs_[static_cast<size_t>(worker)].view());
  }

 private:
  const std::vector<RowId>* order_;
  Gather gather_;
  std::vector<size_t> places_;
  std::vector<Matrix> outs_;
};

// The data that all measurements share.
struct StoreBench {
  const BenchFlags& flags;
  std::string folder;
  Matrix data;                  // the ceiling's copy of the rows
  std::vector<RowId> shuffled;  // all rows
  std::vector<RowId> windowed;
  std::vector<RowId> in_order;

  uint64_t bytes() const { return data.rows() * data.cols() * sizeof(float); }
};

struct GatherCase {
  const char* name;  // of the table; a case with one thread for each core has it too
  const std::vector<RowId>* order;
  Gather gather;
  int workers = 1;
};
// The key of its rates.
std::string CaseName(const GatherCase& one) {
  return fmt::format("{}, threads {}", one.name, one.workers);
}

// Measures the cases and adds a row for each; their ratios are over the first.
Result<CaseRates> MeasureGathers(const StoreBench& bench, const std::string& memory,
                                 const std::vector<GatherCase>& gathers, BenchTable* table) {
  std::vector<Case> cases;
  for (const GatherCase& one : gathers) {
    const auto walk = std::make_shared<Walk>(one.order, bench.data.cols(), one.workers, one.gather);
    cases.push_back(
        {CaseName(one), kBatch, [walk](int worker) { return walk->Once(worker); }, one.workers});
  }
  AUGSTORE_ASSIGN(CaseRates rates, RunCases(bench.flags, cases));
  const double row_bytes = static_cast<double>(bench.data.cols() * sizeof(float));
  for (const GatherCase& one : gathers) {
    const Rates& own = rates.at(CaseName(one));
    table->rows.push_back({{"gather", one.name},
                           {"memory", memory},
                           {"threads", one.workers},
                           {"rows/s", own.median()},
                           {"GB/s", own.median() * row_bytes / 1e9},
                           {"of memcpy", Ratio(own, rates.at(CaseName(gathers[0])))}});
  }
  return rates;
}

Result<std::unique_ptr<Store>> OpenStore(const StoreBench& bench, uint64_t budget) {
  return OpenRocksDbStore(bench.folder + "/store",
                          {.access = StoreAccess::kWrite, .memory_budget_bytes = budget});
}

Gather FromMatrix(ConstMatrixView data) {
  return [data](auto rows, MatrixView out) { return CopyRows(data, rows, out); };
}

Status MeasureResident(const StoreBench& bench, BenchTable* table, BenchReport* report) {
  AUGSTORE_ASSIGN(const auto store, OpenStore(bench, 2 * bench.bytes()));
  AUGSTORE_ASSIGN(const SpaceInfo space, store->FindSpace(SyntheticBackbone()));
  AUGSTORE_ASSIGN(const auto baseline,
                  RowPerKeyStore::Create(bench.folder + "/rows", std::as_const(bench.data).view(),
                                         2 * bench.bytes()));
  const std::string npy = bench.folder + "/rows.npy";
  AUGSTORE_TRY(WriteFileAtomically(npy, WriteNpyMatrix(std::as_const(bench.data).view())));
  AUGSTORE_ASSIGN(const auto mapped, MapNpy(npy, bench.data.rows() * bench.data.cols()));
  AUGSTORE_ASSIGN(const SpaceInfo f16, store->FindSpace(SyntheticBackbone(), Dtype::kF16));
  AUGSTORE_ASSIGN(const SpaceInfo u8, store->FindSpace(SyntheticBackbone(), Dtype::kU8));
  const auto from = [&](SpaceId id) -> Gather {
    return [&store, id](auto rows, MatrixView out) { return store->ReadRows(id, rows, out); };
  };
  const Gather ours = from(space.id);
  const Gather multi_get = [&](auto rows, MatrixView out) { return baseline->Gather(rows, out); };
  const Gather memory = FromMatrix(std::as_const(bench.data).view());
  Matrix warm(kBatch, bench.data.cols());
  for (size_t begin = 0; begin + kBatch <= bench.in_order.size(); begin += kBatch) {
    const std::span<const RowId> rows(bench.in_order.data() + begin, kBatch);
    for (const SpaceId id : {space.id, f16.id, u8.id}) AUGSTORE_TRY(from(id)(rows, warm.view()));
    AUGSTORE_TRY(multi_get(rows, warm.view()));
  }
  const std::vector<RowId>* order = &bench.shuffled;
  const GatherCase ceiling{"memcpy", order, memory};
  const GatherCase own{"store", order, ours};
  // With one core they would be the cases above.
  std::vector<GatherCase> cases = {
      ceiling,
      own,
      {"MultiGet, a row per key", order, multi_get},
      {".npy memory map", order, FromMatrix({mapped.get(), bench.data.rows(), bench.data.cols()})},
      {"store, f16", order, from(f16.id)},
      {"store, u8", order, from(u8.id)}};
  if (AllWorkers() > 1) {
    cases.push_back({"memcpy", order, memory, AllWorkers()});
    cases.push_back({"store", order, ours, AllWorkers()});
  }
  AUGSTORE_ASSIGN(const CaseRates rates, MeasureGathers(bench, "resident", cases, table));
  report->targets.push_back({"store gather, resident / memcpy of random rows",
                             Ratio(rates.at(CaseName(own)), rates.at(CaseName(ceiling))), 0.7});
  return OkStatus();
}

Status MeasureBudget(const StoreBench& bench, BenchTable* table, BenchReport* report) {
  const uint64_t budget = bench.bytes() / 10;
  AUGSTORE_ASSIGN(const auto store, OpenStore(bench, budget));
  AUGSTORE_ASSIGN(const SpaceInfo space, store->FindSpace(SyntheticBackbone()));
  AUGSTORE_ASSIGN(const auto baseline,
                  RowPerKeyStore::Create(bench.folder + "/rows-budget",
                                         std::as_const(bench.data).view(), budget));
  const Gather ours = [&](auto rows, MatrixView out) {
    return store->ReadRows(space.id, rows, out);
  };
  const GatherCase windowed{"store, windowed shuffle", &bench.windowed, ours};
  const GatherCase in_order{"store, in order", &bench.in_order, ours};
  AUGSTORE_ASSIGN(
      const CaseRates rates,
      MeasureGathers(bench, "10 % budget",
                     {{"memcpy", &bench.shuffled, FromMatrix(std::as_const(bench.data).view())},
                      {"store", &bench.shuffled, ours},
                      windowed,
                      in_order,
                      {"MultiGet, a row per key", &bench.shuffled,
                       [&](auto rows, MatrixView out) { return baseline->Gather(rows, out); }}},
                     table));
  report->targets.push_back(
      {"store gather, windowed shuffle in a 10 % budget / the same store in order",
       Ratio(rates.at(CaseName(windowed)), rates.at(CaseName(in_order))), 0.6});
  return OkStatus();
}

// How well an order mixes rows that lie sorted by class, ten classes.
BenchTable ShuffleQuality(const BenchFlags& flags, uint64_t rows) {
  BenchTable table{
      .name = "shuffle",
      .legend = fmt::format(
          "what a window costs in mixing: {} rows that lie sorted in ten classes. 'moved': mean "
          "distance between a row's places in\nthe order and in the store, of all rows (a "
          "permutation: 0.333). 'classes': chi-squared of the classes of a batch of {},\nover its "
          "expectation under chance (a permutation: 1; batches of one class: {})",
          rows, kBatch, kBatch)};
  for (const uint64_t part : {uint64_t{1}, uint64_t{10}, kWindowsOfData, uint64_t{100}}) {
    const uint64_t window = rows / part;
    ShuffleOrder order(rows, flags.seed, 0, window);
    double moved = 0;
    double excess = 0;
    const double expected = kBatch / 10.0;
    for (uint64_t begin = 0; begin + kBatch <= rows; begin += kBatch) {
      std::array<double, 10> counts{};
      for (uint64_t i = begin; i < begin + kBatch; ++i) {
        const uint64_t row = order.At(i);
        moved += std::abs(static_cast<double>(row) - static_cast<double>(i));
        ++counts.at(row * 10 / rows);
      }
      for (const double count : counts) excess += std::pow(count - expected, 2) / expected;
    }
    const uint64_t whole = rows / kBatch;
    const auto batches = static_cast<double>(whole);
    table.rows.push_back({{"window", window},
                          {"of the rows", 1.0 / static_cast<double>(part)},
                          {"moved", moved / (batches * kBatch) / static_cast<double>(rows)},
                          {"classes", excess / batches / 9}});
  }
  return table;
}

}  // namespace

Status BenchStore(const BenchFlags& flags, BenchReport* report) {
  AUGSTORE_ASSIGN(const auto scratch, ScratchFolder::Make(flags));
  const uint64_t rows = Scaled(flags, flags.quick ? 50'000 : 200'000, 4 * kBatch);
  StoreBench bench{.flags = flags,
                   .folder = scratch->path(),
                   .data = RowsInHugePages(rows, flags.dim, flags.seed),
                   .shuffled = ShuffledRows(rows, rows, flags.seed),
                   .windowed = {},
                   .in_order = {}};
  ShuffleOrder windowed(rows, flags.seed, 0, rows / kWindowsOfData);
  for (RowId row = 0; row < rows; ++row) {
    bench.windowed.push_back(windowed.At(row));
    bench.in_order.push_back(row);
  }
  AUGSTORE_TRY(
      MakeSyntheticStore(flags, bench.folder + "/store",
                         {{"all", rows}, {"f16", rows, Dtype::kF16}, {"u8", rows, Dtype::kU8}}));
  BenchTable table{
      .name = "store",
      .legend = fmt::format(
          "batches of {} rows gathered in random order from {} rows of dim {}. 'of memcpy': over "
          "copying the same rows one by\none from one matrix in huge pages, one thread, in the "
          "same run; 'GB/s' of f32. What is not resident is in the system's page cache",
          kBatch, rows, flags.dim)};
  AUGSTORE_TRY(MeasureResident(bench, &table, report));
  AUGSTORE_TRY(MeasureBudget(bench, &table, report));
  report->tables.push_back(std::move(table));
  report->tables.push_back(ShuffleQuality(flags, rows));
  return OkStatus();
}

}  // namespace augstore

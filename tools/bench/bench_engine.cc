// bench engine: transforms on embeddings in memory.
#include <optional>

#include "engine/kernels/int8_engine.h"
#include "engine/kernels/tile_engine.h"
#include "engine/kernels/tile_product.h"
#include "tools/bench/bench.h"
#include "tools/bench/bench_data.h"
#include "tools/bench/onednn_ceiling.h"
#include "tools/bench/torch_baselines.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

constexpr size_t kBarRows = 256;  // bars look at batches of at least this many rows

// One worker of the engine, with rows of its own.
struct EngineWorker {
  EngineWorker(std::unique_ptr<Engine> the_engine, const NetworkPtr& the_network, size_t rows,
               uint64_t seed)
      : network(the_network),
        in(RandomRows(rows, network->layers.dim_in(), seed)),
        out(rows, network->layers.dim_out()),
        engine(std::move(the_engine)) {}
  Status Apply() { return engine->Apply(network, in.view(), out.view()); }

  NetworkPtr network;
  Matrix in;
  Matrix out;
  std::unique_ptr<Engine> engine;
};

// Nothing where oneDNN has no kernel of its own.
Result<std::unique_ptr<BareProducts>> BareProductsIfAny(const std::vector<LayerShape>& shapes,
                                                        size_t rows, ProductPrecision precision) {
  Result<std::unique_ptr<BareProducts>> made = BareProducts::Create(shapes, rows, precision);
  if (!made.ok() && made.status().code() == Code::kFailedPrecondition)
    return std::unique_ptr<BareProducts>();
  return made;
}

// One network at one batch size.
class EngineCell {
 public:
  static Result<std::unique_ptr<EngineCell>> Make(const Layers& layers, size_t rows,
                                                  uint64_t seed) {
    auto cell = std::unique_ptr<EngineCell>(new EngineCell);
    cell->rows_ = rows;
    cell->multiply_adds_ = static_cast<double>(rows) * static_cast<double>(layers.MultiplyAdds());
    AUGSTORE_ASSIGN(const NetworkPtr network, MakeNetwork(layers));
    AUGSTORE_ASSIGN(cell->ceiling_,
                    BareProducts::Create(layers.shapes(), rows, ProductPrecision::kF32));
    AUGSTORE_ASSIGN(cell->int8_ceiling_,
                    BareProductsIfAny(layers.shapes(), rows, ProductPrecision::kU8S8));
    for (int worker = 0; worker < AllWorkers(); ++worker) {
      cell->ours_.push_back(std::make_unique<EngineWorker>(NewTileEngine(), network, rows, seed));
      cell->int8_.push_back(std::make_unique<EngineWorker>(NewInt8Engine(), network, rows, seed));
      const ConstMatrixView in = cell->ours_.back()->in.view();
      AUGSTORE_ASSIGN(auto eager, TorchSequential(layers, in));
      cell->eager_.push_back(std::move(eager));
      AUGSTORE_ASSIGN(auto frozen, TorchFrozen(layers, in));
      cell->frozen_.push_back(std::move(frozen));
    }
    return cell;
  }

  // In the order of the enumeration below; without the last where oneDNN has none.
  std::vector<Contestant> Contestants() {
    const auto units = static_cast<double>(rows_);
    const int all = AllWorkers();
    const auto at = [](int worker) { return static_cast<size_t>(worker); };
    std::vector<Contestant> contestants = {
        {"bare products", units, [this](int) { return ceiling_->Run(); }},
        {"engine, one worker", units, [this](int) { return ours_[0]->Apply(); }},
        {"engine, all workers", units, [=, this](int w) { return ours_[at(w)]->Apply(); }, all},
        {"eager", units, [this](int) { return eager_[0]->Run(0); }},
        {"eager, one thread", units, [this](int) { return eager_[0]->Run(1); }},
        {"eager, a thread per worker", units, [=, this](int w) { return eager_[at(w)]->Run(1); },
         all},
        {"frozen", units, [this](int) { return frozen_[0]->Run(0); }},
        {"frozen, a thread per worker", units, [=, this](int w) { return frozen_[at(w)]->Run(1); },
         all},
        {"int8, one worker", units, [this](int) { return int8_[0]->Apply(); }},
        {"int8, all workers", units, [=, this](int w) { return int8_[at(w)]->Apply(); }, all},
        {"registers", units, [this](int) { return RunRegisters(); }},
        {"registers, all workers", units, [this](int) { return RunRegisters(); }, all},
    };
    if (int8_ceiling_ != nullptr)
      contestants.push_back(
          {"bare products in int8", units, [this](int) { return int8_ceiling_->Run(); }});
    return contestants;
  }

 private:
  EngineCell() = default;
  // The multiply-adds of the network, and nothing else.
  Status RunRegisters() const {
    const float sum = SupportedTiles().back()->multiply_adds(multiply_adds_);
    return sum > 0 ? OkStatus() : Internal("registers gave {}", sum);
  }

  size_t rows_ = 0;
  double multiply_adds_ = 0;
  std::unique_ptr<BareProducts> ceiling_;
  std::unique_ptr<BareProducts> int8_ceiling_;  // may be nullptr
  std::vector<std::unique_ptr<EngineWorker>> ours_;
  std::vector<std::unique_ptr<EngineWorker>> int8_;
  std::vector<std::unique_ptr<TorchRival>> eager_;
  std::vector<std::unique_ptr<TorchRival>> frozen_;
};
enum {
  kBare,
  kOne,
  kAll,
  kEager,
  kEagerOne,
  kEagerWorkers,
  kFrozen,
  kFrozenWorkers,
  kInt8One,
  kInt8All,
  kRegisters,
  kRegistersAll,
  kInt8Bare
};

// The tables of this part that are filled cell by cell.
struct EngineTables {
  BenchTable f32{
      .name = "engine",
      .legend =
          "transforms in f32 on rows in memory. 'of ceiling': one worker over the bare oneDNN "
          "products of the same\nshapes with packed weights on one thread. 'workers': all workers "
          "over one. 'x eager': all workers over LibTorch's\nnn::Sequential with its default "
          "threads; 'x eager 1': one worker over it with one thread; 'x frozen': all workers over\n"
          "frozen TorchScript with default threads; 'x best': all workers over the fastest of "
          "these and of one thread per worker. 'of peak': one worker over multiply-adds on "
          "registers "
          "alone, and the\nfastest of LibTorch over these on all cores",
      .columns = {"network", "dim", "rows", "ceiling GFLOP/s", "rows/s one worker", "of ceiling",
                  "of peak", "workers", "x eager", "x eager 1", "x frozen", "x best",
                  "best of peak"},
      .rows = {}};
  BenchTable int8{
      .name = "engine_int8",
      .legend =
          "the same with weights and activations of 8 bits, rows of f32 in and out. 'of "
          "ceiling': one worker over the\nbare oneDNN products of u8 x s8 with packed "
          "weights on one thread, '-' where it has no kernel of its own;\n'over f32': one "
          "worker over one of the engine in f32; the others as above",
      .columns = {"network", "dim", "rows", "rows/s one worker", "of ceiling", "over f32",
                  "workers", "x eager", "x best"},
      .rows = {}};
};

// The least of each figure over the cells that bars look at.
struct Worst {
  std::optional<double> of_ceiling, scaling, eager, best, int8_over_f32, int8_eager, int8_best;
  static void Lower(std::optional<double>* least, double value) {
    if (!least->has_value() || value < **least) *least = value;
  }
};

Status MeasureCell(const BenchFlags& flags, const std::string& name, uint32_t dim, size_t rows,
                   EngineTables* tables, Worst* worst) {
  const Layers layers =
      name == "affine" ? AffineNetwork(dim, flags.seed) : PaperNetwork(dim, flags.seed);
  AUGSTORE_ASSIGN(const std::unique_ptr<EngineCell> cell,
                  EngineCell::Make(layers, rows, flags.seed));
  AUGSTORE_ASSIGN(const std::vector<Rates> rates, Race(flags, cell->Contestants()));
  const Rates best = Best({rates[kEager], rates[kEagerOne], rates[kEagerWorkers], rates[kFrozen],
                           rates[kFrozenWorkers]});
  const double gflops = 2e-9 * static_cast<double>(layers.MultiplyAdds());
  const double of_ceiling = Ratio(rates[kOne], rates[kBare]);
  const double scaling = Ratio(rates[kAll], rates[kOne]);
  const double eager = Ratio(rates[kAll], rates[kEager]);
  const double over_best = Ratio(rates[kAll], best);
  tables->f32.rows.push_back(
      {name, dim, rows, rates[kBare].median() * gflops, rates[kOne].median(), of_ceiling,
       Ratio(rates[kOne], rates[kRegisters]), scaling, eager, Ratio(rates[kOne], rates[kEagerOne]),
       Ratio(rates[kAll], rates[kFrozen]), over_best, Ratio(best, rates[kRegistersAll])});
  const double int8_over_f32 = Ratio(rates[kInt8One], rates[kOne]);
  const double int8_eager = Ratio(rates[kInt8All], rates[kEager]);
  const double int8_best = Ratio(rates[kInt8All], best);
  const Json of_int8_ceiling =
      rates.size() > kInt8Bare ? Json(Ratio(rates[kInt8One], rates[kInt8Bare])) : Json();
  tables->int8.rows.push_back({name, dim, rows, rates[kInt8One].median(), of_int8_ceiling,
                               int8_over_f32, Ratio(rates[kInt8All], rates[kInt8One]), int8_eager,
                               int8_best});
  if (dim != flags.dim || rows < kBarRows) return OkStatus();
  Worst::Lower(&worst->of_ceiling, of_ceiling);
  Worst::Lower(&worst->scaling, scaling);
  Worst::Lower(&worst->eager, eager);
  Worst::Lower(&worst->best, over_best);
  Worst::Lower(&worst->int8_over_f32, int8_over_f32);
  Worst::Lower(&worst->int8_eager, int8_eager);
  Worst::Lower(&worst->int8_best, int8_best);
  return OkStatus();
}

std::vector<uint32_t> Dims(const BenchFlags& flags) {
  if (flags.quick) return {flags.dim};
  std::vector<uint32_t> dims = {128, 512, 768, 2048};
  if (std::find(dims.begin(), dims.end(), flags.dim) == dims.end()) dims.push_back(flags.dim);
  return dims;
}

Status MeasureNetworks(const BenchFlags& flags, BenchReport* report) {
  EngineTables tables;
  Worst worst;
  const std::vector<size_t> batches =
      flags.quick ? std::vector<size_t>{256, 1024} : std::vector<size_t>{64, 256, 1024, 4096};
  const std::vector<uint32_t> dims = Dims(flags);
  Progress progress("engine", "cells", dims.size() * 2 * batches.size(), !flags.quiet);
  uint64_t done = 0;
  for (const uint32_t dim : dims) {
    for (const char* name : {"affine", "omega"}) {
      for (const size_t rows : batches) {
        progress.Update(done++, fmt::format("{} {}, {} rows", name, dim, rows));
        AUGSTORE_TRY(MeasureCell(flags, name, dim, rows, &tables, &worst));
      }
    }
  }
  report->tables.push_back(std::move(tables.f32));
  report->tables.push_back(std::move(tables.int8));
  report->bars.push_back({"engine f32 / bare products, one worker (worst, batch >= 256)",
                          worst.of_ceiling.value_or(0), 0.92});
  report->bars.push_back(
      {"engine all workers / one (worst, batch >= 256)", worst.scaling.value_or(0), 1.85});
  report->bars.push_back(
      {"engine / LibTorch eager, default (worst, batch >= 256)", worst.eager.value_or(0), 5});
  report->bars.push_back(
      {"engine / LibTorch, best setting (worst, batch >= 256)", worst.best.value_or(0), 1.4});
  report->bars.push_back({"engine int8 / engine f32, one worker (worst, batch >= 256)",
                          worst.int8_over_f32.value_or(0), 3.5});
  report->bars.push_back({"engine int8 / LibTorch eager, default (worst, batch >= 256)",
                          worst.int8_eager.value_or(0), 20});
  report->bars.push_back({"engine int8 / LibTorch, best setting (worst, batch >= 256)",
                          worst.int8_best.value_or(0), 5});
  return OkStatus();
}

// What other precisions would give at most on this CPU.
Status MeasurePrecisions(const BenchFlags& flags, BenchReport* report) {
  BenchTable table{
      .name = "engine_precisions",
      .legend =
          "the bare oneDNN products of the paper's omega alone, one thread. 'over "
          "f32': how much a precision could gain\nat most on this CPU; '-': oneDNN "
          "has no kernel of its own for it here",
      .columns = {"precision", "dim", "rows", "G multiply-adds/s", "over f32", "kernel"},
      .rows = {}};
  const size_t rows = 1024;
  const std::vector<LayerShape> shapes = PaperNetwork(flags.dim, flags.seed).shapes();
  const std::vector<std::pair<std::string, ProductPrecision>> precisions = {
      {"f32", ProductPrecision::kF32},
      {"u8 x s8", ProductPrecision::kU8S8},
      {"bf16", ProductPrecision::kBf16}};
  std::vector<std::unique_ptr<BareProducts>> products;
  std::vector<Contestant> contestants;
  const double units = 1e-9 * static_cast<double>(rows) *
                       static_cast<double>(PaperNetwork(flags.dim, flags.seed).MultiplyAdds());
  for (const auto& [name, precision] : precisions) {
    AUGSTORE_ASSIGN(auto made, BareProductsIfAny(shapes, rows, precision));
    products.push_back(std::move(made));
    BareProducts* product = products.back().get();
    if (product != nullptr)
      contestants.push_back({name, units, [product](int) { return product->Run(); }});
  }
  AUGSTORE_ASSIGN(const std::vector<Rates> rates, Race(flags, contestants));
  size_t measured = 0;
  for (size_t p = 0; p < precisions.size(); ++p) {
    std::vector<Json> row = {precisions[p].first, flags.dim, rows, nullptr, nullptr, nullptr};
    if (products[p] != nullptr) {
      row[3] = rates[measured].median();
      row[4] = Ratio(rates[measured], rates[0]);
      row[5] = products[p]->kernel();
      ++measured;
    }
    table.rows.push_back(std::move(row));
  }
  report->tables.push_back(std::move(table));
  return OkStatus();
}

}  // namespace

Status BenchEngine(const BenchFlags& flags, BenchReport* report) {
  AUGSTORE_TRY(MeasureNetworks(flags, report));
  return MeasurePrecisions(flags, report);
}

}  // namespace augstore

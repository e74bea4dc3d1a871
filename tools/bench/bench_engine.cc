// bench engine: transforms on embeddings in memory.
#include <algorithm>
#include <map>

#include "engine/kernels/int8_engine.h"
#include "engine/kernels/tile_engine.h"
#include "engine/kernels/tile_product.h"
#include "tools/bench/bench_data.h"
#include "tools/bench/bench_measure.h"
#include "tools/bench/bench_parts.h"
#include "tools/bench/onednn_ceiling.h"
#include "tools/bench/torch_baselines.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

constexpr size_t kTargetRows = 256;  // targets look at batches of at least this many rows

// Null where oneDNN has no kernel of its own.
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
      AUGSTORE_ASSIGN(auto eager, TorchNetwork(layers, in, /*frozen=*/false));
      cell->eager_.push_back(std::move(eager));
      AUGSTORE_ASSIGN(auto frozen, TorchNetwork(layers, in, /*frozen=*/true));
      cell->frozen_.push_back(std::move(frozen));
    }
    return cell;
  }

  // "bare products, int8" is missing where oneDNN has no kernel of its own.
  std::vector<Case> Cases() {
    const auto units = static_cast<double>(rows_);
    const int all = AllWorkers();
    const auto at = [](int worker) { return static_cast<size_t>(worker); };
    std::vector<Case> cases = {
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
      cases.push_back({"bare products, int8", units, [this](int) { return int8_ceiling_->Run(); }});
    return cases;
  }

 private:
  EngineCell() = default;
  // The multiply-adds of the network, and nothing else.
  Status RunRegisters() const {
    const float sum = SupportedTiles().back()->multiply_adds(multiply_adds_);
    return sum > 0 ? OkStatus() : Internal("multiply-adds on registers returned {}", sum);
  }

  size_t rows_ = 0;
  double multiply_adds_ = 0;
  std::unique_ptr<BareProducts> ceiling_;
  std::unique_ptr<BareProducts> int8_ceiling_;  // may be nullptr
  std::vector<std::unique_ptr<EngineWorker>> ours_;
  std::vector<std::unique_ptr<EngineWorker>> int8_;
  std::vector<std::unique_ptr<TorchBaseline>> eager_;
  std::vector<std::unique_ptr<TorchBaseline>> frozen_;
};

// The tables of this part that are filled cell by cell.
struct EngineTables {
  BenchTable f32{
      .name = "engine",
      .legend =
          "transforms in f32 on rows in memory. 'of ceiling': one worker over the bare oneDNN "
          "products of the same\nshapes with packed weights on one thread. 'workers': all workers "
          "over one. 'x eager': all workers over LibTorch's\nnn::Sequential with its default "
          "threads; 'x eager 1': one worker over it with one thread; 'x frozen': all workers "
          "over\nfrozen TorchScript with default threads; 'x best': all workers over the fastest "
          "of these and of one thread per worker. 'of peak': one worker over multiply-adds on "
          "registers alone; 'best of peak': the\nfastest of LibTorch over multiply-adds on the "
          "registers of all cores"};
  BenchTable int8{.name = "engine_int8",
                  .legend =
                      "the same with weights and activations of 8 bits, rows of f32 in and out. "
                      "'of ceiling': one worker over the\nbare oneDNN products of u8 x s8 with "
                      "packed weights on one thread, '-' where it has no kernel of its own;\n'over "
                      "f32': one worker over one of the engine in f32; the others as above"};
};

// Keeps the worst figure of all cells for each target.
void KeepWorst(Target target, std::vector<Target>* targets) {
  target.name += " (worst, batch >= 256)";
  const auto found = std::ranges::find(*targets, target.name, &Target::name);
  if (found == targets->end())
    targets->push_back(std::move(target));
  else
    found->value = std::min(found->value, target.value);
}

Status MeasureCell(const BenchFlags& flags, const std::string& name, uint32_t dim, size_t rows,
                   EngineTables* tables, std::vector<Target>* targets) {
  const Layers layers =
      name == "affine" ? AffineNetwork(dim, flags.seed) : PaperNetwork(dim, flags.seed);
  AUGSTORE_ASSIGN(const std::unique_ptr<EngineCell> cell,
                  EngineCell::Make(layers, rows, flags.seed));
  AUGSTORE_ASSIGN(const CaseRates rates, RunCases(flags, cell->Cases()));
  const Rates best = Best({rates.at("eager"), rates.at("eager, one thread"),
                           rates.at("eager, a thread per worker"), rates.at("frozen"),
                           rates.at("frozen, a thread per worker")});
  const Rates& one = rates.at("engine, one worker");
  const Rates& all = rates.at("engine, all workers");
  const double gflops = 2e-9 * static_cast<double>(layers.MultiplyAdds());
  const Json f32 = {{"network", name},
                    {"dim", dim},
                    {"rows", rows},
                    {"ceiling GFLOP/s", rates.at("bare products").median() * gflops},
                    {"rows/s one worker", one.median()},
                    {"of ceiling", Ratio(one, rates.at("bare products"))},
                    {"of peak", Ratio(one, rates.at("registers"))},
                    {"workers", Ratio(all, one)},
                    {"x eager", Ratio(all, rates.at("eager"))},
                    {"x eager 1", Ratio(one, rates.at("eager, one thread"))},
                    {"x frozen", Ratio(all, rates.at("frozen"))},
                    {"x best", Ratio(all, best)},
                    {"best of peak", Ratio(best, rates.at("registers, all workers"))}};
  const Rates& int8_one = rates.at("int8, one worker");
  const Rates& int8_all = rates.at("int8, all workers");
  const auto int8_bare = rates.find("bare products, int8");
  const Json int8 = {
      {"network", name},
      {"dim", dim},
      {"rows", rows},
      {"rows/s one worker", int8_one.median()},
      {"of ceiling", int8_bare == rates.end() ? Json() : Json(Ratio(int8_one, int8_bare->second))},
      {"over f32", Ratio(int8_one, one)},
      {"workers", Ratio(int8_all, int8_one)},
      {"x eager", Ratio(int8_all, rates.at("eager"))},
      {"x best", Ratio(int8_all, best)}};
  tables->f32.rows.push_back(f32);
  tables->int8.rows.push_back(int8);
  if (dim != flags.dim || rows < kTargetRows) return OkStatus();
  KeepWorst({"engine f32 / bare products, one worker", f32["of ceiling"], 0.92}, targets);
  KeepWorst({"engine all workers / one", f32["workers"], 1.85}, targets);
  KeepWorst({"engine / LibTorch eager, default", f32["x eager"], 5}, targets);
  KeepWorst({"engine / LibTorch, best setting", f32["x best"], 1.4}, targets);
  KeepWorst({"engine int8 / engine f32, one worker", int8["over f32"], 3.5}, targets);
  KeepWorst({"engine int8 / LibTorch eager, default", int8["x eager"], 20}, targets);
  KeepWorst({"engine int8 / LibTorch, best setting", int8["x best"], 5}, targets);
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
  const std::vector<size_t> batches =
      flags.quick ? std::vector<size_t>{256, 1024} : std::vector<size_t>{64, 256, 1024, 4096};
  const std::vector<uint32_t> dims = Dims(flags);
  Progress progress("engine", "cells", dims.size() * 2 * batches.size(), !flags.quiet);
  uint64_t done = 0;
  for (const uint32_t dim : dims) {
    for (const char* name : {"affine", "paper_mlp"}) {
      for (const size_t rows : batches) {
        progress.Update(done++, fmt::format("{} {}, {} rows", name, dim, rows));
        AUGSTORE_TRY(MeasureCell(flags, name, dim, rows, &tables, &report->targets));
      }
    }
  }
  report->tables.push_back(std::move(tables.f32));
  report->tables.push_back(std::move(tables.int8));
  return OkStatus();
}

// What other precisions could gain at most on this CPU.
Status MeasurePrecisions(const BenchFlags& flags, BenchReport* report) {
  BenchTable table{.name = "engine_precisions",
                   .legend =
                       "the bare oneDNN products of the paper's MLP alone, one thread. 'over f32': "
                       "how much a precision could gain\nat most on this CPU; '-': oneDNN has no "
                       "kernel of its own for it here"};
  const size_t rows = 1024;
  const Layers layers = PaperNetwork(flags.dim, flags.seed);
  const double units =
      1e-9 * static_cast<double>(rows) * static_cast<double>(layers.MultiplyAdds());
  std::map<std::string, std::unique_ptr<BareProducts>> products;  // none: null
  std::vector<Case> cases;
  const std::vector<std::pair<std::string, ProductPrecision>> precisions = {
      {"f32", ProductPrecision::kF32},
      {"u8 x s8", ProductPrecision::kU8S8},
      {"bf16", ProductPrecision::kBf16}};
  for (const auto& [name, precision] : precisions) {
    AUGSTORE_ASSIGN(auto made, BareProductsIfAny(layers.shapes(), rows, precision));
    BareProducts* product = (products[name] = std::move(made)).get();
    if (product != nullptr)
      cases.push_back({name, units, [product](int) { return product->Run(); }});
  }
  AUGSTORE_ASSIGN(const CaseRates rates, RunCases(flags, cases));
  for (const auto& [name, precision] : precisions) {
    const auto found = rates.find(name);
    const bool measured = found != rates.end();
    table.rows.push_back(
        {{"precision", name},
         {"dim", flags.dim},
         {"rows", rows},
         {"G multiply-adds/s", measured ? Json(found->second.median()) : Json()},
         {"over f32", measured ? Json(Ratio(found->second, rates.at("f32"))) : Json()},
         {"kernel", measured ? Json(products[name]->kernel()) : Json()}});
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

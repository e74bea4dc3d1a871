// bench ingest: images to stored embeddings.
#include "tools/bench/bench_data.h"
#include "tools/bench/bench_measure.h"
#include "tools/bench/bench_parts.h"
#include "tools/bench/torch_baselines.h"

namespace augstore {
namespace {

constexpr uint32_t kPlainBatch = 32;

}  // namespace

Status BenchIngest(const BenchFlags& flags, BenchReport* report) {
  AUGSTORE_ASSIGN(const auto scratch, ScratchFolder::Make(flags));
  AUGSTORE_ASSIGN(FreshDatabase alone,
                  FreshDatabase::Make(flags, scratch->path() + "/alone", nullptr));
  AUGSTORE_ASSIGN(
      const BenchImages images,
      MakeBenchImages(flags, scratch->path(), Scaled(flags, flags.quick ? 64 : 2048, 16)));
  AUGSTORE_ASSIGN(const std::vector<Image> decoded,
                  DecodeBenchImages(images, alone.backbone->record()));
  AUGSTORE_ASSIGN(Backbone * phi, alone.backbone->Load());
  Matrix out(decoded.size(), phi->dim());
  AUGSTORE_ASSIGN(const auto plain, TorchPlainBackbone(flags.backbone, decoded, kPlainBatch));
  const auto units = static_cast<double>(decoded.size());
  FreshDatabase fresh;
  int stores = 0;
  const auto make_fresh = [&]() -> Status {
    fresh = {};
    AUGSTORE_ASSIGN(fresh,
                    FreshDatabase::Make(flags, fmt::format("{}/{}", scratch->path(), stores++),
                                        alone.backbone->loaded()));
    return OkStatus();
  };
  const std::vector<Case> cases = {{.name = "ingest",
                                    .units = units,
                                    .once = [&](int) { return fresh.Ingest(images); },
                                    .single = true,
                                    .before = make_fresh},
                                   {.name = "Φ alone",
                                    .units = units,
                                    .once = [&](int) { return phi->Embed(decoded, out.view()); },
                                    .single = true},
                                   {.name = "torch::jit forward, default threads",
                                    .units = units,
                                    .once = [&](int) { return plain->Run(0); },
                                    .single = true}};
  AUGSTORE_ASSIGN(const CaseRates rates, RunCases(flags, cases));
  BenchTable table{
      .name = "ingest",
      .legend = fmt::format(
          "{} images. 'ingest': files read, hashed, decoded, embedded, stored and committed; 'Φ "
          "alone': Backbone::Embed on decoded\nimages; 'torch::jit forward': the file as loaded, "
          "on tensors made beforehand, {} images a batch. Ratios are over Φ alone",
          decoded.size(), kPlainBatch)};
  const Rates& alone_rates = rates.at("Φ alone");
  for (const Case& one : cases) {
    const Rates& own = rates.at(one.name);
    table.rows.push_back(
        {{"way", one.name}, {"images/s", own.median()}, {"of Φ alone", Ratio(own, alone_rates)}});
  }
  report->tables.push_back(std::move(table));
  report->targets.push_back({"ingest / Φ alone", Ratio(rates.at("ingest"), alone_rates), 0.95});
  report->targets.push_back({"Φ / plain torch::jit forward",
                             Ratio(alone_rates, rates.at("torch::jit forward, default threads")),
                             1.3});
  return OkStatus();
}

}  // namespace augstore

// bench paper: the cost of training in pixel space over that in embedding space, as measured and as
// Eq. 8 of the paper predicts it from counted multiply-adds.
#include "tools/bench/bench_data.h"
#include "tools/bench/bench_measure.h"
#include "tools/bench/bench_parts.h"
#include "tools/compare/compare_runs.h"
#include "tools/transform/transform_training.h"

namespace augstore {
namespace {

constexpr const char* kArch = "mlp(1024,128)";
constexpr const char* kOp = "vflip";
constexpr uint32_t kBatch = 64;

// Both jobs end with the same heads trained on N augmented views of every image.
class PaperJobs {
 public:
  PaperJobs(const BenchFlags& flags, std::string folder, BenchImages images)
      : flags_(flags), folder_(std::move(folder)), images_(std::move(images)) {}

  Status Prepare() {
    AUGSTORE_TRY(MakeFresh(&kept_));
    return kept_.Ingest(images_);
  }

  // Φ on the augmented pixels of every row.
  Status Pixel(uint32_t views) {
    AUGSTORE_ASSIGN(const std::vector<Image> decoded,
                    DecodeBenchImages(images_, kept_.backbone->record()));
    AUGSTORE_ASSIGN(std::unique_ptr<BatchStream> stream, OpenStream(kept_));
    AUGSTORE_ASSIGN(Backbone * phi, kept_.backbone->Load());
    AUGSTORE_ASSIGN(const ImageOp op, ImageOp::Parse(kOp));
    const auto source = PixelSource(std::move(stream), phi, &decoded, {op});
    return Train(*source, views);
  }

  // Φ once per image, then Ω on every row.
  Status Embedding(uint32_t views) {
    AUGSTORE_TRY(fresh_.Ingest(images_));
    AUGSTORE_ASSIGN(std::unique_ptr<BatchStream> stream, OpenStream(fresh_));
    const auto source = StreamSource(std::move(stream));
    return Train(*source, views);
  }

  // Before each embedding job: a store in which no image is stored yet, with Ω registered.
  Status MakeFresh() { return MakeFresh(&fresh_); }

  // n · N (C_Φ + C_Ψ) / (n · C_Φ + n · N (C_Ω + C_Ψ)), with n images and N views of each.
  double Predicted(uint32_t views) const {
    const auto phi = static_cast<double>(kept_.backbone->record().multiply_adds);
    const double n = views;
    return n * (phi + psi()) / (phi + n * (omega() + psi()));
  }
  double omega() const {
    return static_cast<double>(PaperNetwork(kept_.backbone->record().dim, 0).MultiplyAdds());
  }
  // Of training a head on one row: forward, gradients of the weights, and of the inputs of all
  // layers but the first.
  double psi() const {
    double forward = 0;
    double in = kept_.backbone->record().dim;
    const double first = in * kHidden[0];
    for (const uint32_t width : kHidden) {
      forward += in * width;
      in = width;
    }
    forward += in * static_cast<double>(images_.classes.size());
    return 3 * forward - first;
  }

 private:
  static constexpr uint32_t kHidden[] = {1024, 128};  // those of kArch

  Status MakeFresh(FreshDatabase* fresh) {
    *fresh = {};
    const auto loaded = kept_.backbone == nullptr ? nullptr : kept_.backbone->loaded();
    AUGSTORE_ASSIGN(*fresh,
                    FreshDatabase::Make(flags_, fmt::format("{}/{}", folder_, stores_++), loaded));
    TransformWeights weights;
    weights.layers = PaperNetwork(fresh->backbone->record().dim, flags_.seed);
    return RegisterTransform(fresh->database->client(), kSyntheticTransform,
                             fresh->backbone->record(), kOp, "custom", weights, Card{})
        .status();
  }

  Result<std::unique_ptr<BatchStream>> OpenStream(FreshDatabase& fresh) const {
    return fresh.database->client().OpenStream({.collection = "bench",
                                                .policy = kSyntheticPolicy,
                                                .seed = flags_.seed,
                                                .batch_size = kBatch});
  }

  Status Train(BatchSource& source, uint32_t views) const {
    const HeadRunsOptions options{
        .trainer = {.arch = kArch,
                    .dim = kept_.backbone->record().dim,
                    .classes = static_cast<uint32_t>(images_.classes.size()),
                    .heads = {{1e-3, 1e-4, flags_.seed}}},
        .epochs = views,
        .test_every = 0,
        .label = {}};
    return TrainHeads(source, {}, options, nullptr).status();
  }

  const BenchFlags& flags_;
  const std::string folder_;
  const BenchImages images_;
  FreshDatabase kept_;
  FreshDatabase fresh_;
  int stores_ = 0;
};

}  // namespace

Status BenchPaper(const BenchFlags& flags, BenchReport* report) {
  AUGSTORE_ASSIGN(const auto scratch, ScratchFolder::Make(flags));
  const uint64_t count = Scaled(flags, flags.quick ? 16 : 512, 16);
  AUGSTORE_ASSIGN(BenchImages images, MakeBenchImages(flags, scratch->path(), count));
  const size_t embedded = images.items.size();
  PaperJobs jobs(flags, scratch->path(), std::move(images));
  AUGSTORE_TRY(jobs.Prepare());
  BenchTable table{
      .name = "paper",
      .legend = fmt::format(
          "whole training jobs on {} images from files to a head {}, with N augmented views of "
          "each image. 'measured': time in pixel\nspace (Φ on every view) over time in embedding "
          "space (Φ once per image, the paper's Ω on every view; fitting Ω is not in\nit); 'Eq. "
          "8': the same from counted multiply-adds; 'of Eq. 8': measured over predicted",
          embedded, kArch)};
  for (const uint32_t views :
       flags.quick ? std::vector<uint32_t>{1, 4} : std::vector<uint32_t>{1, 2, 4, 8}) {
    AUGSTORE_ASSIGN(const CaseRates rates,
                    RunCases(flags, {{.name = "pixel space",
                                      .once = [&](int) { return jobs.Pixel(views); },
                                      .single = true},
                                     {.name = "embedding space",
                                      .once = [&](int) { return jobs.Embedding(views); },
                                      .single = true,
                                      .before = [&] { return jobs.MakeFresh(); }}}));
    const Rates& pixel = rates.at("pixel space");
    const Rates& embedding = rates.at("embedding space");
    const double measured = Ratio(embedding, pixel);
    const double predicted = jobs.Predicted(views);
    table.rows.push_back({{"N", views},
                          {"pixel s", 1 / pixel.median()},
                          {"embedding s", 1 / embedding.median()},
                          {"measured", measured},
                          {"Eq. 8", predicted},
                          {"of Eq. 8", measured / predicted}});
    if (views != 4) continue;
    report->targets.push_back({"paper, N = 4: measured saving / Eq. 8", measured / predicted, 0.8});
  }
  report->tables.push_back(std::move(table));
  return OkStatus();
}

}  // namespace augstore

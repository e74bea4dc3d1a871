#include "tools/compare/pixel_source.h"

#include <utility>

namespace augstore {
namespace {

class PixelSourceImpl : public BatchSource {
 public:
  PixelSourceImpl(std::unique_ptr<BatchStream> stream, Backbone* phi,
                  const std::vector<Image>* images, std::vector<std::vector<ImageOp>> ops_of_chain)
      : stream_(std::move(stream)),
        phi_(phi),
        images_(images),
        ops_of_chain_(std::move(ops_of_chain)) {}

  uint64_t steps_per_epoch() const override { return stream_->info().steps; }
  uint64_t samples_per_epoch() const override { return stream_->info().samples; }
  void Seek(uint64_t epoch) override { stream_->Seek(epoch, 0); }

  Result<std::optional<Batch>> Next() override {
    AUGSTORE_ASSIGN(std::optional<Batch> drawn, stream_->Next());
    if (!drawn.has_value()) return drawn;
    std::vector<Image> augmented;
    augmented.reserve(drawn->size());
    for (size_t i = 0; i < drawn->size(); ++i) {
      Image image = images_->at(drawn->samples[i]);
      for (const ImageOp& op : ops_of_chain_.at(drawn->chains[i])) image = op.Apply(image);
      augmented.push_back(std::move(image));
    }
    auto embeddings = std::make_shared<Matrix>(augmented.size(), phi_->dim());
    AUGSTORE_TRY(phi_->Embed(augmented, embeddings->view()));
    Batch batch = *drawn;
    batch.embeddings = std::as_const(*embeddings).view();
    // The batch reads from both: ids, labels and chains are in the drawn frame.
    batch.memory.owner = std::make_shared<std::pair<SharedBytes, std::shared_ptr<Matrix>>>(
        drawn->memory, embeddings);
    return std::optional<Batch>(std::move(batch));
  }

 private:
  std::unique_ptr<BatchStream> stream_;
  Backbone* phi_;
  const std::vector<Image>* images_;
  std::vector<std::vector<ImageOp>> ops_of_chain_;
};

}  // namespace

std::unique_ptr<BatchSource> PixelSource(std::unique_ptr<BatchStream> stream, Backbone* phi,
                                         const std::vector<Image>* images,
                                         std::vector<std::vector<ImageOp>> ops_of_chain) {
  return std::make_unique<PixelSourceImpl>(std::move(stream), phi, images, std::move(ops_of_chain));
}

}  // namespace augstore

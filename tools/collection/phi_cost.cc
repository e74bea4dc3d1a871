#include "tools/collection/phi_cost.h"

#include <algorithm>
#include <vector>

#include "tools/cli/duration.h"
#include "tools/cli/progress.h"

namespace augstore {
Result<double> MeasurePhi(LazyBackbone& backbone, std::span<const ImageItem> items, size_t most) {
  const BackboneRecord& record = backbone.record();
  AUGSTORE_ASSIGN(DecodedImages decoded,
                  DecodeItems(items.first(std::min(items.size(), most)), record.input_height,
                              record.input_width, backbone.threads()));
  std::vector<Image>& images = decoded.images;
  std::erase_if(images, [](const Image& image) { return image.rgb.empty(); });
  if (images.empty()) {
    return InvalidArgument("none of the first {} images can be read, the first because: {}", most,
                           decoded.reasons.empty() ? "there are none" : decoded.reasons[0]);
  }
  AUGSTORE_ASSIGN(Backbone* const phi, backbone.Load());
  Matrix out(images.size(), phi->dim());
  AUGSTORE_TRY(phi->Embed(images, out.view()));
  const Stopwatch clock;
  AUGSTORE_TRY(phi->Embed(images, out.view()));
  return static_cast<double>(images.size()) / std::max(clock.seconds(), 1e-9);
}

std::string PhiCostText(const PhiCost& cost) {
  return fmt::format(
      "{} images, at most {} Φ calls: about {} at the measured {:.3g} images/s; views that are "
      "stored are not embedded again\n",
      cost.images, cost.calls,
      DurationText(static_cast<double>(cost.calls) / cost.images_per_second),
      cost.images_per_second);
}

Status AnnouncePhiCost(LazyBackbone& backbone, std::span<const ImageItem> items, uint64_t calls) {
  AUGSTORE_ASSIGN(const double rate, MeasurePhi(backbone, items));
  fmt::print(stderr, "{}", PhiCostText({items.size(), calls, rate}));
  return OkStatus();
}

}  // namespace augstore

#include "engine/backbone/backbone_options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace augstore {
namespace {

constexpr uint32_t kMaxInputSide = 4096;
constexpr uint32_t kMaxBatch = 4096;
constexpr int kMaxThreads = 1024;

Status CheckNormalisation(const std::vector<float>& values, std::string_view name, bool divisor) {
  const bool good = std::all_of(values.begin(), values.end(), [divisor](float value) {
    return std::isfinite(value) && (!divisor || value > 0);
  });
  if ((values.empty() || values.size() == 3) && good) return OkStatus();
  return InvalidArgument("{} must be three finite numbers{} (red, green, blue), not [{}]", name,
                         divisor ? " above 0" : "", fmt::join(values, ", "));
}

// A network may make numbers even of infinities, which would pass for embeddings.
Status CheckRange(const BackboneOptions& options) {
  for (size_t c = 0; c < 3; ++c) {
    const float mean = options.mean.empty() ? 0.0f : options.mean[c];
    const float stddev = options.stddev.empty() ? 1.0f : options.stddev[c];
    if (std::isfinite((0.0f - mean) / stddev) && std::isfinite((1.0f - mean) / stddev)) continue;
    return InvalidArgument(
        "mean {} and std {} make infinities of pixels: give those of the training images, of "
        "values in [0, 1]",
        mean, stddev);
  }
  return OkStatus();
}

}  // namespace

Status CheckOptions(const BackboneOptions& options) {
  AUGSTORE_TRY(CheckNormalisation(options.mean, "mean", false));
  AUGSTORE_TRY(CheckNormalisation(options.stddev, "std", true));
  AUGSTORE_TRY(CheckRange(options));
  const uint32_t height = options.input_height, width = options.input_width;
  if ((height == 0) != (width == 0) || height > kMaxInputSide || width > kMaxInputSide) {
    return InvalidArgument("input size {} x {}: give both, each from 1 to {}, or neither", height,
                           width, kMaxInputSide);
  }
  if (options.way.batch > kMaxBatch) {
    return InvalidArgument("batches of {} images: at most {} are possible", options.way.batch,
                           kMaxBatch);
  }
  if (options.threads < 0 || options.threads > kMaxThreads) {
    return InvalidArgument("threads {} must be from 0 (all cores) to {}", options.threads,
                           kMaxThreads);
  }
  return OkStatus();
}

namespace {

// The side that `metadata` names, or 0. JSON's numbers convert to others in silence: 32.5 to 32.
Result<uint32_t> InputSide(const nlohmann::json& metadata, const char* name) {
  const auto found = metadata.find(name);
  if (found == metadata.end()) return 0u;
  if (found->is_number_unsigned() && found->get<uint64_t>() <= kMaxInputSide) {
    return found->get<uint32_t>();
  }
  return InvalidArgument("its augstore.json has {} {}: give a whole number up to {}", name,
                         found->dump(), kMaxInputSide);
}

}  // namespace

Status AddMetadata(const std::string& text, BackboneOptions& options) {
  if (text.empty()) return OkStatus();
  try {
    const auto metadata = nlohmann::json::parse(text);
    if (options.input_height == 0 && options.input_width == 0) {
      AUGSTORE_ASSIGN(options.input_height, InputSide(metadata, "input_height"));
      AUGSTORE_ASSIGN(options.input_width, InputSide(metadata, "input_width"));
    }
    if (options.mean.empty()) options.mean = metadata.value("mean", std::vector<float>());
    if (options.stddev.empty()) options.stddev = metadata.value("std", std::vector<float>());
  } catch (const nlohmann::json::exception& error) {
    return InvalidArgument("its augstore.json is damaged ({}); save the file again", error.what());
  }
  return OkStatus();
}

}  // namespace augstore

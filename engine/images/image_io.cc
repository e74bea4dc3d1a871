#include "engine/images/image_io.h"

#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "engine/images/image_format.h"

namespace augstore {
namespace {

// Images are decoded side by side, so OpenCV's own threads would only compete; its log goes to
// stderr, which is not ours.
void SetUpOpenCv() {
  static const bool done = [] {
    cv::setNumThreads(1);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    return true;
  }();
  static_cast<void>(done);
}

// OpenCV orders channels blue, green, red.
void SwapRedAndBlue(const cv::Mat& from, cv::Mat& to) { cv::cvtColor(from, to, cv::COLOR_BGR2RGB); }

cv::Mat ViewOf(const Image& image) {
  return cv::Mat(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3,
                 const_cast<uint8_t*>(image.rgb.data()));
}

Image Blank(uint32_t width, uint32_t height) {
  return {width, height, std::vector<uint8_t>(size_t{width} * height * 3)};
}

}  // namespace

Result<Image> DecodeImage(std::span<const uint8_t> bytes, std::string_view name) {
  SetUpOpenCv();
  AUGSTORE_ASSIGN(const ImageHeader header, InspectImage(bytes, name));
  std::string essential;
  if (header.format == ImageFormat::kPng) {
    essential = EssentialPng(bytes);
    bytes = {reinterpret_cast<const uint8_t*>(essential.data()), essential.size()};
  }
  std::string reason = "its data are damaged";
  try {
    const cv::Mat encoded(1, static_cast<int>(bytes.size()), CV_8UC1,
                          const_cast<uint8_t*>(bytes.data()));
    const cv::Mat decoded = cv::imdecode(encoded, cv::IMREAD_COLOR);
    if (!decoded.empty()) {
      Image image = Blank(static_cast<uint32_t>(decoded.cols), static_cast<uint32_t>(decoded.rows));
      cv::Mat target = ViewOf(image);
      SwapRedAndBlue(decoded, target);
      return image;
    }
  } catch (const std::exception& error) {
    reason = error.what();
  }
  return InvalidArgument("image '{}' cannot be decoded: {}; write the file again", name, reason);
}

Result<std::string> EncodeImage(const Image& image, std::string_view extension) {
  SetUpOpenCv();
  if (extension != "png" && extension != "jpg") {
    return InvalidArgument("images are written as png or jpg, not as '{}'", extension);
  }
  if (image.width == 0 || image.height == 0 || image.width > kMaxImageSide ||
      image.height > kMaxImageSide || image.rgb.size() != size_t{image.width} * image.height * 3) {
    return InvalidArgument("an image of {} x {} pixels with {} bytes cannot be written",
                           image.width, image.height, image.rgb.size());
  }
  std::string reason = "no reason given";
  try {
    cv::Mat swapped;
    SwapRedAndBlue(ViewOf(image), swapped);
    std::vector<uint8_t> encoded;
    std::vector<int> parameters;
    if (extension == "jpg") parameters = {cv::IMWRITE_JPEG_QUALITY, 95};
    if (cv::imencode(fmt::format(".{}", extension), swapped, encoded, parameters)) {
      return std::string(encoded.begin(), encoded.end());
    }
  } catch (const std::exception& error) {
    reason = error.what();
  }
  return Internal("a {} of {} x {} pixels could not be encoded: {}", extension, image.width,
                  image.height, reason);
}

Image ResizeImage(const Image& image, uint32_t width, uint32_t height) {
  SetUpOpenCv();
  AUGSTORE_CHECK(width > 0 && height > 0 && image.width > 0 && image.height > 0);
  if (width == image.width && height == image.height) return image;
  // Two steps, so that an image that shrinks one way and grows the other gets the right one for
  // each.
  const uint32_t small_width = std::min(width, image.width);
  const uint32_t small_height = std::min(height, image.height);
  Image smaller = Blank(small_width, small_height);
  cv::Mat target = ViewOf(smaller);
  cv::resize(ViewOf(image), target, target.size(), 0, 0, cv::INTER_AREA);
  if (small_width == width && small_height == height) return smaller;
  Image larger = Blank(width, height);
  target = ViewOf(larger);
  cv::resize(ViewOf(smaller), target, target.size(), 0, 0, cv::INTER_LINEAR);
  return larger;
}

}  // namespace augstore

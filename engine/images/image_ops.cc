#include "engine/images/image_ops.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "engine/images/image_format.h"

namespace augstore {
namespace {

using Parameters = std::vector<double>;

cv::Mat ViewOf(const Image& image) {
  return cv::Mat(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3,
                 const_cast<uint8_t*>(image.rgb.data()));
}

uint8_t Clamp(double value) {
  return static_cast<uint8_t>(std::clamp(std::round(value), 0.0, 255.0));
}

// Grey level (ITU-R 601) in thousandths: exact in integers.
int Grey1000(const uint8_t* rgb) { return 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2]; }

Image Flip(const Image& image, int axis) {
  Image out = image;
  cv::Mat target = ViewOf(out);
  cv::flip(ViewOf(image), target, axis);
  return out;
}
Image HorizontalFlip(const Image& image, const Parameters&) { return Flip(image, 1); }
Image VerticalFlip(const Image& image, const Parameters&) { return Flip(image, 0); }

// `forward` maps input to output coordinates. Bilinear; beyond the border the image is mirrored
// without repeating the outermost pixel (dcb|abcd|cba).
Image Warp(const Image& image, const cv::Mat& forward) {
  Image out = image;
  cv::Mat target = ViewOf(out);
  cv::warpAffine(ViewOf(image), target, forward, target.size(), cv::INTER_LINEAR,
                 cv::BORDER_REFLECT_101);
  return out;
}

// Turns counter-clockwise by `degrees` and enlarges by `scale`, about the centre ((w - 1) / 2, (h -
// 1) / 2).
Image TurnAndScale(const Image& image, double degrees, double scale) {
  const cv::Point2f centre((static_cast<float>(image.width) - 1) / 2,
                           (static_cast<float>(image.height) - 1) / 2);
  return Warp(image, cv::getRotationMatrix2D(centre, degrees, scale));
}
Image Rotate(const Image& image, const Parameters& p) { return TurnAndScale(image, p[0], 1); }
Image Zoom(const Image& image, const Parameters& p) { return TurnAndScale(image, 0, p[0]); }

Image Translate(const Image& image, const Parameters& p) {
  return Warp(image, (cv::Mat_<double>(2, 3) << 1, 0, p[0], 0, 1, p[1]));
}

// v -> round(pivot + factor * (v - pivot)), clamped.
Image Stretch(const Image& image, double pivot, double factor) {
  std::array<uint8_t, 256> table;
  for (int v = 0; v < 256; ++v) {
    table[static_cast<size_t>(v)] = Clamp(pivot + factor * (v - pivot));
  }
  Image out = image;
  for (uint8_t& value : out.rgb) value = table[value];
  return out;
}
Image Brightness(const Image& image, const Parameters& p) { return Stretch(image, 0, p[0]); }

// About the image's mean grey level.
Image Contrast(const Image& image, const Parameters& p) {
  uint64_t sum = 0;
  for (size_t i = 0; i + 3 <= image.rgb.size(); i += 3) {
    sum += static_cast<uint64_t>(Grey1000(&image.rgb[i]));
  }
  const double pixels = static_cast<double>(image.rgb.size()) / 3;
  return Stretch(image, static_cast<double>(sum) / (1000 * pixels), p[0]);
}

// v -> round(grey + factor * (v - grey)), clamped, with the pixel's own grey level.
Image Saturation(const Image& image, const Parameters& p) {
  Image out = image;
  for (size_t i = 0; i + 3 <= out.rgb.size(); i += 3) {
    const double grey = Grey1000(&image.rgb[i]);
    for (size_t c = i; c < i + 3; ++c) {
      out.rgb[c] = Clamp((grey + p[0] * (1000.0 * image.rgb[c] - grey)) / 1000);
    }
  }
  return out;
}
Image Grayscale(const Image& image, const Parameters&) { return Saturation(image, {0.0}); }

// Gaussian; the kernel reaches three standard deviations each way.
Image Blur(const Image& image, const Parameters& p) {
  Image out = image;
  cv::Mat target = ViewOf(out);
  cv::GaussianBlur(ViewOf(image), target, cv::Size(0, 0), p[0], p[0], cv::BORDER_REFLECT_101);
  return out;
}

struct ParameterSpec {
  std::string_view name;
  double min = 0;
  double max = 0;
  double neutral = 0;  // changes nothing
};

struct OpSpec {
  std::string_view name;
  std::vector<ParameterSpec> parameters;
  std::string_view meaning;
  Image (*apply)(const Image&, const Parameters&);
  bool resamples = false;
};

const std::vector<OpSpec>& Ops() {
  static const std::vector<OpSpec> ops = {
      {"hflip", {}, "mirror left and right", HorizontalFlip},
      {"vflip", {}, "mirror top and bottom", VerticalFlip},
      {"rotate", {{"degrees", -360, 360}}, "turn counter-clockwise", Rotate, true},
      {"zoom", {{"factor", 0.1, 10, 1}}, "enlarge (above 1) or shrink", Zoom, true},
      {"translate",
       {{"right", -4096, 4096}, {"down", -4096, 4096}},
       "shift by pixels",
       Translate,
       true},
      {"brightness", {{"factor", 0, 10, 1}}, "multiply every value", Brightness},
      {"contrast", {{"factor", 0, 10, 1}}, "stretch about the mean grey level", Contrast},
      {"saturation", {{"factor", 0, 10, 1}}, "stretch each pixel about its grey level", Saturation},
      {"blur", {{"sigma", 0.1, 20}}, "Gaussian blur, sigma in pixels", Blur, true},
      {"grayscale", {}, "grey in all three channels", Grayscale},
  };
  return ops;
}

const OpSpec* FindOp(std::string_view name) {
  const auto found = std::find_if(Ops().begin(), Ops().end(),
                                  [name](const OpSpec& op) { return op.name == name; });
  return found == Ops().end() ? nullptr : &*found;
}

std::string Usage(const OpSpec& op) {
  std::string text(op.name);
  char before = '(';
  for (const ParameterSpec& parameter : op.parameters) {
    text += before;
    text += parameter.name;
    before = ',';
  }
  if (!op.parameters.empty()) text += ')';
  return text;
}

// "15,2" -> {15, 2}.
Result<Parameters> ParseParameters(std::string_view list, std::string_view text, const OpSpec& op) {
  Parameters values;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (true) {
    double value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || (next != end && *next != ',')) {
      return InvalidArgument("op '{}': '{}' is not a list of numbers; write {}", text, list,
                             Usage(op));
    }
    values.push_back(value);
    if (next == end) return values;
    at = next + 1;
  }
}

}  // namespace

Result<ImageOp> ImageOp::Parse(std::string_view text) {
  const size_t open = text.find('(');
  const OpSpec* const op = FindOp(text.substr(0, open));
  if (op == nullptr) {
    std::string known;
    for (const OpSpec& other : Ops()) {
      if (!known.empty()) known += ", ";
      known += Usage(other);
    }
    return InvalidArgument("there is no op '{}'; the ops are {}", text, known);
  }
  ImageOp parsed;
  parsed.name_ = op->name;
  parsed.text_ = op->name;
  if (open != std::string_view::npos) {
    if (text.back() != ')') return InvalidArgument("op '{}': ')' is missing at the end", text);
    AUGSTORE_ASSIGN(parsed.parameters_,
                    ParseParameters(text.substr(open + 1, text.size() - open - 2), text, *op));
  }
  if (parsed.parameters_.size() != op->parameters.size()) {
    return InvalidArgument("op '{}' has {} parameters, not {}; write {}", text,
                           parsed.parameters_.size(), op->parameters.size(), Usage(*op));
  }
  for (size_t i = 0; i < op->parameters.size(); ++i) {
    const ParameterSpec& spec = op->parameters[i];
    double& value = parsed.parameters_[i];
    if (!(value >= spec.min && value <= spec.max)) {
      return InvalidArgument("op '{}': {} must be from {} to {}", text, spec.name, spec.min,
                             spec.max);
    }
    if (value == 0) value = 0;  // -0 and 0 are one op, so they need one text
    parsed.text_ += fmt::format("{}{}", i == 0 ? '(' : ',', value);
  }
  if (!op->parameters.empty()) parsed.text_ += ')';
  return parsed;
}

Result<ImageOp> ImageOp::ParseSequence(std::string_view text) {
  std::vector<ImageOp> before;
  std::string joined;
  while (true) {
    const size_t end = text.find('>');
    AUGSTORE_ASSIGN(ImageOp op, Parse(text.substr(0, end)));
    joined += op.text_;
    if (end == std::string_view::npos) {
      op.text_ = std::move(joined);
      op.before_ = std::move(before);
      return op;
    }
    joined += '>';
    before.push_back(std::move(op));
    text.remove_prefix(end + 1);
  }
}

std::string ImageOp::InverseText() const {
  if (!before_.empty()) return "";
  if (name_ == "hflip" || name_ == "vflip") return name_;
  std::string inverse;
  if (name_ == "rotate") inverse = fmt::format("rotate({})", -parameters_[0]);
  if (name_ == "translate") {
    inverse = fmt::format("translate({},{})", -parameters_[0], -parameters_[1]);
  }
  return inverse.empty() ? "" : Parse(inverse)->text();
}

std::vector<ImageOp> ImageOp::parts() const {
  std::vector<ImageOp> parts = before_;
  ImageOp& last = parts.emplace_back(*this);
  last.before_.clear();
  last.text_ = text_.substr(text_.rfind('>') + 1);
  return parts;
}

Image ImageOp::Apply(const Image& image) const {
  if (!before_.empty()) {
    Image moved = image;
    for (const ImageOp& op : parts()) moved = op.Apply(moved);
    return moved;
  }
  const OpSpec* const op = FindOp(name_);
  AUGSTORE_CHECK(op != nullptr && image.width <= kMaxImageSide && image.height <= kMaxImageSide);
  AUGSTORE_CHECK(image.rgb.size() == size_t{image.width} * image.height * 3);
  if (image.rgb.empty()) return image;
  return op->apply(image, parameters_);
}

std::vector<double> ImageOp::NeutralParameters(std::string_view name) {
  const OpSpec* const op = FindOp(name);
  AUGSTORE_CHECK(op != nullptr);
  std::vector<double> neutral;
  for (const ParameterSpec& parameter : op->parameters) neutral.push_back(parameter.neutral);
  return neutral;
}

bool ImageOp::Resamples(std::string_view name) {
  const OpSpec* const op = FindOp(name);
  AUGSTORE_CHECK(op != nullptr);
  return op->resamples;
}

std::string ImageOp::Help() {
  std::string help;
  for (const OpSpec& op : Ops()) {
    help += fmt::format("  {:<22} {}", Usage(op), op.meaning);
    for (const ParameterSpec& p : op.parameters) {
      help += fmt::format("{} {} {} to {}", &p == op.parameters.data() ? ";" : ",", p.name, p.min,
                          p.max);
    }
    help += '\n';
  }
  return help;
}

}  // namespace augstore

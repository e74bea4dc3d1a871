// Images as pixels, and the ops g_j that augment them. OpenCV stays behind image_io.cc and
// image_ops.cc.
#ifndef AUGSTORE_ENGINE_IMAGES_IMAGE_H_
#define AUGSTORE_ENGINE_IMAGES_IMAGE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/status.h"

namespace augstore {

// 8-bit RGB, row-major, interleaved: pixel (x, y) at rgb[(y * width + x) * 3].
struct Image {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint8_t> rgb;
  bool operator==(const Image&) const = default;
};

// Decodes JPEG, PNG, BMP, PPM/PGM, TIFF or WebP bytes; grey and alpha become RGB; EXIF rotation is
// applied. Errors: kInvalidArgument: `name`, and why (not an image, truncated, more than
// kMaxImagePixels). A JPEG whose data end early is an error, not a half-grey image.
Result<Image> DecodeImage(std::span<const uint8_t> bytes, std::string_view name);
// Bytes of a PNG or JPEG (by extension: "png", "jpg", quality 95).
Result<std::string> EncodeImage(const Image& image, std::string_view extension);
// Area interpolation down, bilinear up. REQUIRES: width, height > 0.
Image ResizeImage(const Image& image, uint32_t width, uint32_t height);

// An op with its parameters: "hflip", "vflip", "rotate(15)", "zoom(1.25)", "translate(2,-1)",
// "brightness(1.4)", "contrast(0.7)", "saturation(0.5)", "blur(1)", "grayscale". Deterministic: the
// same image gives the same bytes.
class ImageOp {
 public:
  // Errors: kInvalidArgument, naming the text and the ops that there are, or the parameter and its
  // range.
  static Result<ImageOp> Parse(std::string_view text);
  // Several ops, applied left to right: "hflip>rotate(15)"; one is Parse's. Errors: those of Parse.
  static Result<ImageOp> ParseSequence(std::string_view text);
  // The canonical text: equal ops have equal texts.
  const std::string& text() const { return text_; }
  const std::string& name() const { return name_; }  // of a sequence: its last op's
  const std::vector<double>& parameters() const { return parameters_; }  // likewise
  // The ops of a sequence one by one, those applied first in front; of one op itself.
  std::vector<ImageOp> parts() const;
  // The text of the op that undoes this one, up to pixels lost at borders and by interpolation;
  // empty: none does.
  std::string InverseText() const;
  // Same size as the input. Geometry is about the image's centre, bilinear, borders by reflection.
  Image Apply(const Image& image) const;
  // The parameters with which the op `name` changes nothing; and whether it moves pixels, so that
  // it blurs even next to those parameters. REQUIRES: there is such an op.
  static std::vector<double> NeutralParameters(std::string_view name);
  static bool Resamples(std::string_view name);
  // One line for each op: name, parameters, meaning. For --help.
  static std::string Help();

 private:
  std::string text_;
  std::string name_;
  std::vector<double> parameters_;
  std::vector<ImageOp> before_;  // of a sequence: the ops applied first
};

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_IMAGES_IMAGE_H_

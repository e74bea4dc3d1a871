// The ops g_j that augment images. No OpenCV type here. Thread-safe.
#ifndef AUGSTORE_ENGINE_IMAGES_IMAGE_OPS_H_
#define AUGSTORE_ENGINE_IMAGES_IMAGE_OPS_H_

#include <string>
#include <string_view>
#include <vector>

#include "engine/images/image.h"
#include "schemas/base/status.h"

namespace augstore {

// An op with its parameters: "hflip", "vflip", "rotate(15)", "zoom(1.25)", "translate(2,-1)",
// "brightness(1.4)", "contrast(0.7)", "saturation(0.5)", "blur(1)", "grayscale". Deterministic: the
// same image becomes the same bytes.
class ImageOp {
 public:
  // Errors: kInvalidArgument, naming the text and the ops that there are, or the parameter and its
  // range.
  static Result<ImageOp> Parse(std::string_view text);
  // Several ops, applied left to right: "hflip>rotate(15)", or one. Errors: as Parse.
  static Result<ImageOp> ParseSequence(std::string_view text);
  // The canonical text: equal ops have equal texts.
  const std::string& text() const { return text_; }
  const std::string& name() const { return name_; }  // of a sequence: its last op's
  const std::vector<double>& parameters() const { return parameters_; }  // likewise
  // The ops of a sequence one by one, in the order in which they are applied; of one op: itself.
  std::vector<ImageOp> parts() const;
  // The text of the op that undoes this one, up to pixels lost at borders and by interpolation;
  // empty if there is none.
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

#endif  // AUGSTORE_ENGINE_IMAGES_IMAGE_OPS_H_

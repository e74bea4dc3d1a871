// Φ: a TorchScript file that maps n x 3 x h x w (float32, RGB in [0, 1], normalised if mean and
// stddev are given) to n x d, or to a tuple whose first two elements are n x d and a feature map of
// n x channels x height x width: a cut of Φ before its pooling, for spatial transforms. A
// TorchScript file is code: load only what the operator named on this machine.
#ifndef AUGSTORE_ENGINE_BACKBONE_TORCH_BACKBONE_H_
#define AUGSTORE_ENGINE_BACKBONE_TORCH_BACKBONE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/backbone/backbone_options.h"
#include "engine/images/image.h"
#include "schemas/base/types.h"
#include "schemas/weights/spatial_front.h"

namespace augstore {

// Thread safety: none; one thread at a time. Φ itself runs on `threads` threads.
class Backbone {
 public:
  // Errors: kNotFound, kInvalidArgument (not TorchScript; does not
  // map images to n x d; the message has Torch's reason).
  static Result<std::unique_ptr<Backbone>> Load(const std::string& path,
                                                const BackboneOptions& options);
  ~Backbone();

  const Digest& digest() const;  // SHA-256 of the file
  uint32_t dim() const;
  const FeatureMapShape& feature_map() const;  // 0 values: the file returns none
  uint32_t input_height() const;
  uint32_t input_width() const;
  const std::vector<float>& mean() const;
  const std::vector<float>& stddev() const;
  // Multiply-adds of one image, counted by running convolutions and linear layers once; 0 when they
  // cannot be counted.
  uint64_t multiply_adds() const;

  const BackboneWay& way() const;  // how Φ is run
  bool normalised() const;         // embeddings have length 1

  // out.row(i) = Φ(images[i]). Every image must have the input size. Image i is in slot i mod
  // way().batch of its batch. An embedding depends on its image and its slot alone, bit for bit,
  // never on the other images or on the number of threads; where way().slot_difference is 0, on its
  // image alone. With `feature_maps` not empty, feature_maps.row(i) = the feature map, height x
  // width x channels. Errors: kInvalidArgument (size), kResourceExhausted, kInternal (Φ fails for
  // an image, or makes a NaN or an infinity of it, or only zeros where embeddings are normalised).
  // With `failures`, as many as images, the last is no error: failures[i] says what is wrong with
  // image i, and is empty where nothing is; the rows of such an image are unspecified.
  Status Embed(std::span<const Image> images, MatrixView out, MatrixView feature_maps = {},
               std::span<std::string> failures = {});
  // Images that Embed has run through Φ so far (padding not counted).
  uint64_t images_embedded() const;

 private:
  struct State;
  explicit Backbone(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One line per library: "LibTorch 1.13.1", "oneDNN 2.6.3". Thread-safe.
std::string LibraryVersions();

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_BACKBONE_TORCH_BACKBONE_H_

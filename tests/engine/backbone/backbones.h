// Networks and images for tests of backbones.
#ifndef AUGSTORE_TESTS_ENGINE_BACKBONE_BACKBONES_H_
#define AUGSTORE_TESTS_ENGINE_BACKBONE_BACKBONES_H_

#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/backbone/torch_backbone.h"
#include "tests/support/temp_dir.h"

namespace augstore {

// Differs from image to image.
inline Image Pattern(uint32_t seed, uint32_t size = 32) {
  Image image{size, size, {}};
  uint32_t state = seed + 1;
  for (uint32_t i = 0; i < size * size * 3; ++i) {
    state = state * 1664525u + 1013904223u;
    image.rgb.push_back(static_cast<uint8_t>(state >> 24));
  }
  return image;
}

inline std::vector<Image> Patterns(size_t count) {
  std::vector<Image> images;
  for (size_t i = 0; i < count; ++i) images.push_back(Pattern(static_cast<uint32_t>(i)));
  return images;
}

inline Matrix Embed(Backbone& backbone, const std::vector<Image>& images) {
  Matrix out(images.size(), backbone.dim());
  const Status status = backbone.Embed(images, out.view());
  EXPECT_TRUE(status.ok()) << status.ToString();
  return out;
}

inline bool SameRow(const Matrix& a, size_t i, const Matrix& b, size_t j) {
  return std::memcmp(a.row(i).data(), b.row(j).data(), a.cols() * sizeof(float)) == 0;
}

// The standard deviation of all values.
inline double SpreadOf(const Matrix& matrix) {
  const size_t count = matrix.rows() * matrix.cols();
  double sum = 0;
  double squares = 0;
  for (size_t i = 0; i < count; ++i) {
    sum += matrix.data()[i];
    squares += double{matrix.data()[i]} * matrix.data()[i];
  }
  const double mean = sum / static_cast<double>(count);
  return std::sqrt(squares / static_cast<double>(count) - mean * mean);
}

// Writes Φ given as TorchScript ("return ...", a line each), with an augstore.json unless that is
// empty.
inline std::string Script(const TempDir& dir, const std::string& body,
                          const std::string& metadata = "") {
  torch::jit::Module module("phi");
  module.define("def forward(self, x):\n    " + body + "\n");
  torch::jit::ExtraFilesMap extra;
  if (!metadata.empty()) extra["augstore.json"] = metadata;
  const std::string path = dir.path() + "/phi.pt";
  module.save(path, extra);
  return path;
}

}  // namespace augstore

#endif  // AUGSTORE_TESTS_ENGINE_BACKBONE_BACKBONES_H_

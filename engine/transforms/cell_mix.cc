#include "engine/transforms/cell_mix.h"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>

namespace augstore {
namespace {

struct Grid {
  int height = 0;
  int width = 0;
  int cells() const { return height * width; }
};

// out x in; column i is what a map gives whose only cell that is not 0 is i.
using CellMap = cv::Mat1f;

CellMap Means(Grid in, Grid out) {
  CellMap means(out.cells(), in.cells(), 0.0F);
  for (int y = 0; y < out.height; ++y) {
    const int top = y * in.height / out.height;
    const int bottom = ((y + 1) * in.height + out.height - 1) / out.height;
    for (int x = 0; x < out.width; ++x) {
      const int left = x * in.width / out.width;
      const int right = ((x + 1) * in.width + out.width - 1) / out.width;
      const float share = 1.0F / static_cast<float>((bottom - top) * (right - left));
      for (int row = top; row < bottom; ++row) {
        for (int col = left; col < right; ++col) {
          means(y * out.width + x, row * in.width + col) = share;
        }
      }
    }
  }
  return means;
}

// Where the op moves the point (x, y) of a grid of cells; nothing: it moves none.
std::optional<cv::Matx23d> Motion(const ImageOp& op, Grid grid, uint32_t input_height,
                                  uint32_t input_width) {
  const double right = grid.width - 1, bottom = grid.height - 1;
  const std::vector<double>& p = op.parameters();
  const cv::Point2f centre(static_cast<float>(right / 2), static_cast<float>(bottom / 2));
  if (op.name() == "hflip") return cv::Matx23d(-1, 0, right, 0, 1, 0);
  if (op.name() == "vflip") return cv::Matx23d(1, 0, 0, 0, -1, bottom);
  if (op.name() == "rotate") return cv::Matx23d(cv::getRotationMatrix2D(centre, p[0], 1));
  if (op.name() == "zoom") return cv::Matx23d(cv::getRotationMatrix2D(centre, 0, p[0]));
  if (op.name() == "translate") {
    return cv::Matx23d(1, 0, p[0] * grid.width / input_width, 0, 1,
                       p[1] * grid.height / input_height);
  }
  return std::nullopt;
}

CellMap Moved(Grid grid, const cv::Matx23d& motion) {
  CellMap moved(grid.cells(), grid.cells());
  cv::Mat1f one(grid.height, grid.width), out;
  for (int cell = 0; cell < grid.cells(); ++cell) {
    one = 0.0F;
    one(cell / grid.width, cell % grid.width) = 1;
    cv::warpAffine(one, out, motion, one.size(), cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
    for (int to = 0; to < grid.cells(); ++to) {
      moved(to, cell) = out(to / grid.width, to % grid.width);
    }
  }
  return moved;
}

}  // namespace

std::vector<float> MakeCellMix(const FeatureMapShape& feature_map, uint32_t out_height,
                               uint32_t out_width, const ImageOp* op, uint32_t input_height,
                               uint32_t input_width) {
  AUGSTORE_CHECK(out_height >= 1 && out_height <= feature_map.height && out_width >= 1 &&
                 out_width <= feature_map.width && feature_map.cells() <= INT32_MAX);
  const Grid in{static_cast<int>(feature_map.height), static_cast<int>(feature_map.width)};
  const Grid out{static_cast<int>(out_height), static_cast<int>(out_width)};
  CellMap mix = Means(in, out);
  std::vector<ImageOp> ops;
  if (op != nullptr) ops = op->parts();
  for (const ImageOp& part : ops) {
    const auto motion = Motion(part, out, input_height, input_width);
    if (motion) mix = CellMap(Moved(out, *motion) * mix);
  }
  return {mix.begin(), mix.end()};
}

}  // namespace augstore

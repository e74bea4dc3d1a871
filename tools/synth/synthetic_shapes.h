// The objects that synthetic_images.h draws, as polygons and strokes. Each has a top and a bottom
// that differ.
#ifndef AUGSTORE_TOOLS_SYNTH_SYNTHETIC_SHAPES_H_
#define AUGSTORE_TOOLS_SYNTH_SYNTHETIC_SHAPES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace augstore {

struct Point {
  double x = 0;
  double y = 0;  // downwards
};

// A filled polygon, or, when `stroke` is above 0, a line along `points` of that half width with
// round ends.
struct Part {
  std::vector<Point> points;
  uint32_t colour = 0;  // index into the palette
  double stroke = 0;
};

inline constexpr uint32_t kPaletteSize = 4;

// Within about [-1, 1] x [-1, 1]; later parts cover earlier ones.
using Shape = std::vector<Part>;

// A stream of numbers that depends on (seed, image) alone.
class Dice {
 public:
  Dice(uint64_t seed, uint64_t image) : seed_(seed), image_(image) {}
  double Uniform(double low, double high);
  bool Chance(double probability) { return Uniform(0, 1) < probability; }
  uint32_t Below(uint32_t count) { return static_cast<uint32_t>(Uniform(0, count)); }

 private:
  uint64_t seed_;
  uint64_t image_;
  uint64_t drawn_ = 0;
};

// The names of the ten classes, sorted.
const std::vector<std::string>& SyntheticClasses();
// One of many variants of the class. REQUIRES: class_index < SyntheticClasses().size().
Shape DrawShape(uint32_t class_index, Dice& dice);
// A small thing of no class, for the background.
Shape DrawDistractor(Dice& dice);

// Whether the point is on the part.
bool Covers(const Part& part, Point point);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_SYNTH_SYNTHETIC_SHAPES_H_

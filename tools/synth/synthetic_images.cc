#include "tools/synth/synthetic_images.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "engine/images/image_io.h"

namespace augstore {
namespace {

using Colour = std::array<double, 3>;  // red, green, blue; 0 to 255
using Palette = std::array<Colour, kPaletteSize>;

Colour Mix(const Colour& a, const Colour& b, double share_of_b) {
  Colour mixed;
  for (size_t c = 0; c < 3; ++c) mixed[c] = a[c] + share_of_b * (b[c] - a[c]);
  return mixed;
}

// Of any hue and lightness; half as vivid as three independent values would be.
Colour RandomColour(Dice& dice) {
  const double grey = dice.Uniform(0, 255);
  return Mix({dice.Uniform(0, 255), dice.Uniform(0, 255), dice.Uniform(0, 255)}, {grey, grey, grey},
             0.5);
}

double Grey(const Colour& colour) {
  return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
}

// Drawn until it differs enough from `background` in lightness, for some tries.
Colour VisibleColour(Dice& dice, const Colour& background) {
  Colour colour = RandomColour(dice);
  for (int i = 0; i < 16 && std::abs(Grey(colour) - Grey(background)) < 70; ++i) {
    colour = RandomColour(dice);
  }
  return colour;
}

// A gradient, stripes, a chequer or blotches of two colours.
class Background {
 public:
  explicit Background(Dice& dice)
      : first_(RandomColour(dice)),
        second_(Mix(first_, RandomColour(dice), dice.Uniform(0.05, 0.3))),
        kind_(dice.Below(4)),
        angle_(dice.Uniform(0, 2 * std::numbers::pi)),
        waves_(dice.Uniform(2, 6)) {
    for (double& phase : phases_) phase = dice.Uniform(0, 2 * std::numbers::pi);
  }

  Colour mean() const { return Mix(first_, second_, 0.5); }

  // x and y from 0 to 1.
  Colour At(double x, double y) const {
    const double along = x * std::cos(angle_) + y * std::sin(angle_);
    const double across = y * std::cos(angle_) - x * std::sin(angle_);
    const double wave = std::sin(2 * std::numbers::pi * waves_ * along + phases_[0]);
    const double cross_wave = std::sin(2 * std::numbers::pi * waves_ * across + phases_[1]);
    switch (kind_) {
      case 0:
        return Mix(first_, second_, std::clamp((along + 1) / 2, 0.0, 1.0));
      case 1:
        return Mix(first_, second_, wave > 0 ? 1 : 0);
      case 2:
        return Mix(first_, second_, wave * cross_wave > 0 ? 1 : 0);
      default:
        return Mix(first_, second_,
                   0.5 + 0.25 * std::sin(9 * x + phases_[2] + 2 * std::sin(6 * y + phases_[3])) +
                       0.25 * std::sin(11 * y + phases_[0] + 2 * std::sin(7 * x + phases_[1])));
    }
  }

 private:
  Colour first_;
  Colour second_;
  uint32_t kind_;
  double angle_;
  double waves_;
  std::array<double, 4> phases_;
};

// A shape at its place: maps pixels (in units of the image's side) to the shape's own coordinates.
class Placed {
 public:
  Placed(Shape shape, Palette palette, Point centre, double half_size, double turn, Dice& dice)
      : shape_(std::move(shape)), palette_(palette), centre_(centre) {
    const double stretch = dice.Uniform(0.88, 1.12), mirror = dice.Chance(0.5) ? -1 : 1;
    cos_x_ = mirror * std::cos(turn) / (half_size * stretch);
    sin_x_ = mirror * std::sin(turn) / (half_size * stretch);
    cos_y_ = std::cos(turn) / (half_size / stretch);
    sin_y_ = std::sin(turn) / (half_size / stretch);
    for (const Part& part : shape_) boxes_.push_back(BoxOf(part));
  }

  // The colour at a point, or null where the shape is not.
  const Colour* At(double x, double y) const {
    const double dx = x - centre_.x, dy = y - centre_.y;
    const Point own = {cos_x_ * dx + sin_x_ * dy, cos_y_ * dy - sin_y_ * dx};
    for (size_t i = shape_.size(); i-- > 0;) {
      const Box& box = boxes_[i];
      if (own.x < box.left || own.x > box.right || own.y < box.top || own.y > box.bottom) continue;
      if (Covers(shape_[i], own)) return &palette_[shape_[i].colour];
    }
    return nullptr;
  }

 private:
  // Most points miss most parts: this finds out sooner.
  struct Box {
    double left = 2, top = 2, right = -2, bottom = -2;
  };
  static Box BoxOf(const Part& part) {
    Box box;
    for (const Point& point : part.points) {
      box.left = std::min(box.left, point.x - part.stroke);
      box.right = std::max(box.right, point.x + part.stroke);
      box.top = std::min(box.top, point.y - part.stroke);
      box.bottom = std::max(box.bottom, point.y + part.stroke);
    }
    return box;
  }

  Shape shape_;
  std::vector<Box> boxes_;
  Palette palette_;
  Point centre_;
  double cos_x_, sin_x_, cos_y_, sin_y_;
};

struct Scene {
  Background background;
  std::vector<Placed> objects;  // later ones are in front
  double light_x, light_y;      // how much brighter it gets to the right and downwards
  double noise;                 // of a pixel's values, at most
};

Scene RandomScene(const SyntheticImagesOptions& options, uint32_t class_index, Dice& dice) {
  Scene scene{Background(dice), {}, 0, 0, 0};
  const Colour behind = scene.background.mean();
  const uint32_t distractors = dice.Chance(0.3) ? dice.Below(4) : 0;
  for (uint32_t i = 0; i < distractors; ++i) {
    Palette palette;
    palette.fill(Mix(behind, RandomColour(dice), 0.6));
    const Point centre = {dice.Uniform(0, 1), dice.Uniform(0, 1)};
    const double half = dice.Uniform(0.06, 0.14), turn = dice.Uniform(0, 2 * std::numbers::pi);
    Shape shape = DrawDistractor(dice);
    scene.objects.emplace_back(std::move(shape), palette, centre, half, turn, dice);
  }
  Palette palette;
  for (Colour& colour : palette) colour = VisibleColour(dice, behind);
  const double half = dice.Uniform(0.33, 0.45);
  const double room = 0.52 - half;
  const Point centre = {0.5 + dice.Uniform(-room, room), 0.5 + dice.Uniform(-room, room)};
  const double most = options.upright ? std::numbers::pi * 12 / 180 : std::numbers::pi;
  const double turn = dice.Uniform(-most, most);
  Shape shape = DrawShape(class_index, dice);
  scene.objects.emplace_back(std::move(shape), palette, centre, half, turn, dice);
  scene.light_x = dice.Uniform(-0.25, 0.25);
  scene.light_y = dice.Uniform(-0.25, 0.25);
  scene.noise = dice.Uniform(2, 14);
  return scene;
}

// The objects' colour at a point, or `behind` where there is none.
const Colour& ColourAt(const Scene& scene, double x, double y, const Colour& behind) {
  for (size_t i = scene.objects.size(); i-- > 0;) {
    if (const Colour* const colour = scene.objects[i].At(x, y)) return *colour;
  }
  return behind;
}

Status CheckOptions(const SyntheticImagesOptions& options) {
  if (options.size < kMinSyntheticSize || options.size > kMaxSyntheticSize) {
    return InvalidArgument("synthetic images of {} pixels a side: choose {} to {}", options.size,
                           kMinSyntheticSize, kMaxSyntheticSize);
  }
  if (options.per_class < 1 || options.per_class > kMaxSyntheticPerClass) {
    return InvalidArgument("{} synthetic images of each class: choose 1 to {}", options.per_class,
                           kMaxSyntheticPerClass);
  }
  return OkStatus();
}

Status WriteClass(const std::filesystem::path& folder, const SyntheticImagesOptions& options,
                  uint32_t class_index) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return Unavailable("folder '{}' cannot be made: {}", folder.string(), error.message());
  }
  for (uint32_t i = 0; i < options.per_class; ++i) {
    AUGSTORE_ASSIGN(const std::string png,
                    EncodeImage(SyntheticImage(options, class_index, i), "png"));
    const std::string path = (folder / fmt::format("{:05}.png", i)).string();
    std::ofstream file(path, std::ios::binary);
    file.write(png.data(), static_cast<std::streamsize>(png.size()));
    file.close();
    if (!file) return Unavailable("'{}' cannot be written; is the disk full?", path);
  }
  return OkStatus();
}

}  // namespace

Image SyntheticImage(const SyntheticImagesOptions& options, uint32_t class_index, uint32_t index) {
  constexpr int kSamples = 3;  // each way, for smooth edges
  Dice dice(options.seed, uint64_t{class_index} << 32 | index);
  const Scene scene = RandomScene(options, class_index, dice);
  const uint32_t size = options.size;
  Image image{size, size, std::vector<uint8_t>(size_t{size} * size * 3)};
  uint8_t* value = image.rgb.data();
  for (uint32_t y = 0; y < size; ++y) {
    for (uint32_t x = 0; x < size; ++x) {
      const Colour behind = scene.background.At((x + 0.5) / size, (y + 0.5) / size);
      Colour sum{};
      for (int sample = 0; sample < kSamples * kSamples; ++sample) {
        const int right = sample % kSamples;
        const int down = sample / kSamples;
        const Colour& colour = ColourAt(scene, (x + (right + 0.5) / kSamples) / size,
                                        (y + (down + 0.5) / kSamples) / size, behind);
        for (size_t c = 0; c < 3; ++c) sum[c] += colour[c];
      }
      const double light =
          1 + scene.light_x * (2.0 * x / size - 1) + scene.light_y * (2.0 * y / size - 1);
      for (size_t c = 0; c < 3; ++c) {
        const double noisy =
            sum[c] / (kSamples * kSamples) * light + dice.Uniform(-scene.noise, scene.noise);
        *value++ = static_cast<uint8_t>(std::clamp(std::round(noisy), 0.0, 255.0));
      }
    }
  }
  return image;
}

Status WriteSyntheticImages(const std::string& root, const SyntheticImagesOptions& options) {
  namespace fs = std::filesystem;
  AUGSTORE_TRY(CheckOptions(options));
  std::error_code error;
  if (fs::exists(root, error) && !(fs::is_directory(root, error) && fs::is_empty(root, error))) {
    return AlreadyExists("'{}' exists and is not an empty folder; remove it or choose another name",
                         root);
  }
  fs::path whole = fs::path(root).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // "images/" is "images"
  const fs::path unfinished = whole.string() + ".unfinished";
  fs::remove_all(unfinished, error);
  for (uint32_t i = 0; i < SyntheticClasses().size(); ++i) {
    AUGSTORE_TRY(WriteClass(unfinished / SyntheticClasses()[i], options, i));
  }
  fs::rename(unfinished, whole, error);
  if (error) return Unavailable("'{}' cannot be made: {}", root, error.message());
  return OkStatus();
}

}  // namespace augstore

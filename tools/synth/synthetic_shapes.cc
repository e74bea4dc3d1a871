#include "tools/synth/synthetic_shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/math/counter_rng.h"
#include "schemas/base/status.h"

namespace augstore {
namespace {

using Points = std::vector<Point>;

Points Box(double left, double top, double right, double bottom) {
  return {{left, top}, {right, top}, {right, bottom}, {left, bottom}};
}

// Part of an ellipse; 0 points right, a quarter turn points down.
Points Arc(Point centre, double rx, double ry, double from_turn, double to_turn) {
  constexpr int kSteps = 16;
  Points points;
  for (int i = 0; i <= kSteps; ++i) {
    const double angle =
        2 * std::numbers::pi * (from_turn + (to_turn - from_turn) * i / double{kSteps});
    points.push_back({centre.x + rx * std::cos(angle), centre.y + ry * std::sin(angle)});
  }
  return points;
}
Points Ellipse(Point centre, double rx, double ry) { return Arc(centre, rx, ry, 0, 1); }
// The upper half.
Points Dome(Point centre, double rx, double ry) { return Arc(centre, rx, ry, 0.5, 1); }

Shape Arrow(Dice& dice) {
  const double neck = dice.Uniform(-0.25, 0.15), half = dice.Uniform(0.18, 0.34);
  const double wing = dice.Uniform(0.6, 0.95);
  return {{Box(-half, neck - 0.05, half, 1), 0}, {{{-wing, neck}, {0, -1}, {wing, neck}}, 0}};
}

Shape Boat(Dice& dice) {
  const double deck = dice.Uniform(0.3, 0.5), sail = dice.Uniform(0.55, 0.9);
  Shape shape = {{{{0, deck}, {0, -1}}, 3, 0.06},
                 {{{0.1, -0.9}, {0.1, deck - 0.15}, {sail, deck - 0.15}}, 1},
                 {{{-1, deck}, {1, deck}, {0.65, 0.95}, {-0.65, 0.95}}, 0}};
  if (dice.Chance(0.6)) {
    shape.push_back({{{-0.1, -0.6}, {-0.1, deck - 0.15}, {-0.6, deck - 0.15}}, 2});
  }
  return shape;
}

Shape Car(Dice& dice) {
  const double roof = dice.Uniform(-0.6, -0.4), wheel = dice.Uniform(0.2, 0.28);
  const double rear = dice.Uniform(-0.75, -0.45), front = dice.Uniform(0.2, 0.45);
  return {{{{rear - 0.15, 0.05}, {rear, roof}, {front, roof}, {front + 0.3, 0.05}}, 0},
          {{{rear + 0.02, 0}, {rear + 0.1, roof + 0.12}, {-0.1, roof + 0.12}, {-0.1, 0}}, 1},
          {{{0, 0}, {0, roof + 0.12}, {front - 0.05, roof + 0.12}, {front + 0.14, 0}}, 1},
          {{{-1, 0.1}, {-0.95, 0}, {0.8, 0}, {1, 0.2}, {1, 0.5}, {-1, 0.5}}, 0},
          {Ellipse({-0.55, 0.5}, wheel, wheel), 2},
          {Ellipse({0.55, 0.5}, wheel, wheel), 2},
          {Ellipse({-0.55, 0.5}, 0.09, 0.09), 3},
          {Ellipse({0.55, 0.5}, 0.09, 0.09), 3}};
}

Shape House(Dice& dice) {
  const double half = dice.Uniform(0.6, 0.85), eaves = dice.Uniform(-0.35, 0.05);
  const double door = dice.Uniform(-0.35, 0.1), window = door > -0.15 ? -0.45 : 0.15;
  Shape shape = {{Box(-half, eaves, half, 1), 0},
                 {{{-half - 0.15, eaves}, {0, -1}, {half + 0.15, eaves}}, 1},
                 {Box(door, 0.4, door + 0.32, 1), 2},
                 {Box(window, eaves + 0.2, window + 0.3, eaves + 0.5), 3}};
  if (dice.Chance(0.5)) shape.insert(shape.begin(), {Box(0.35, -0.95, 0.55, eaves), 2});
  return shape;
}

Shape IceCream(Dice& dice) {
  const double rim = dice.Uniform(-0.15, 0.1), half = dice.Uniform(0.4, 0.55);
  Shape shape = {{{{-half, rim}, {half, rim}, {0, 1}}, 0}};
  if (dice.Chance(0.5)) {
    shape.push_back({Ellipse({-0.3, rim - 0.2}, 0.38, 0.36), 1});
    shape.push_back({Ellipse({0.3, rim - 0.2}, 0.38, 0.36), 2});
    shape.push_back({Ellipse({0, rim - 0.6}, 0.36, 0.34), 3});
  } else {
    shape.push_back({Ellipse({0, rim - 0.3}, half + 0.1, 0.48), 1});
    if (dice.Chance(0.5)) shape.push_back({Ellipse({0, rim - 0.85}, 0.14, 0.14), 2});
  }
  return shape;
}

Shape Lamp(Dice& dice) {
  const double shade = dice.Uniform(-0.25, 0.05), top = dice.Uniform(0.25, 0.45);
  const double wide = dice.Uniform(0.65, 0.95), foot = dice.Uniform(0.35, 0.6);
  return {{{{0, shade}, {0, 0.85}}, 1, 0.07},
          {Dome({0, 1}, foot, 0.2), 1},
          {{{-top, -1}, {top, -1}, {wide, shade}, {-wide, shade}}, 0}};
}

Shape Mug(Dice& dice) {
  const double top = dice.Uniform(-0.6, -0.35), half = dice.Uniform(0.45, 0.6);
  const double base = half * dice.Uniform(0.7, 0.95);
  Shape shape = {{Arc({half - 0.05, 0.2}, 0.42, 0.36, -0.25, 0.25), 0, 0.08},
                 {{{-half, top}, {half, top}, {base, 0.9}, {-base, 0.9}}, 0},
                 {Ellipse({0, top}, half, 0.14), 1}};
  if (dice.Chance(0.5)) shape.push_back({Box(-half * 0.85, 0.1, half * 0.85, 0.4), 2});
  if (dice.Chance(0.5)) {
    for (const double x : {-0.2, 0.2}) {
      shape.push_back({{{x, top - 0.2}, {x + 0.08, top - 0.32}, {x, top - 0.45}}, 3, 0.05});
    }
  }
  return shape;
}

Shape Mushroom(Dice& dice) {
  const double rim = dice.Uniform(-0.1, 0.15), wide = dice.Uniform(0.75, 1.0);
  const double stem = dice.Uniform(0.2, 0.34);
  Shape shape = {{{{-stem, rim - 0.1}, {stem, rim - 0.1}, {stem + 0.1, 1}, {-stem - 0.1, 1}}, 1},
                 {Dome({0, rim}, wide, rim + 0.9), 0}};
  if (dice.Chance(0.8)) {
    for (const Point dot : {Point{-0.45, -0.2}, {0.1, -0.45}, {0.5, -0.12}}) {
      shape.push_back({Ellipse({dot.x * wide, dot.y + rim}, 0.13, 0.12), 2});
    }
  }
  return shape;
}

Shape Tree(Dice& dice) {
  const double trunk = dice.Uniform(0.1, 0.2);
  Shape shape = {{Box(-trunk, 0.2, trunk, 1), 1}};
  if (dice.Chance(0.5)) {
    for (int i = 0; i < 3; ++i) {
      const double half = 0.8 - 0.18 * i, bottom = 0.5 - 0.45 * i;
      shape.push_back({{{-half, bottom}, {0, bottom - 0.65}, {half, bottom}}, 0});
    }
  } else {
    const double spread = dice.Uniform(0.3, 0.42);
    shape.push_back({Ellipse({-spread, -0.1}, 0.45, 0.42), 0});
    shape.push_back({Ellipse({spread, -0.1}, 0.45, 0.42), 0});
    shape.push_back({Ellipse({0, -0.5}, 0.52, 0.48), 0});
  }
  return shape;
}

Shape Umbrella(Dice& dice) {
  const double rim = dice.Uniform(-0.15, 0.1), hook = dice.Chance(0.5) ? 0.18 : -0.18;
  Points canopy = Dome({0, rim}, 1, rim + 0.9);
  for (const double x : {2 / 3.0, 0.0, -2 / 3.0}) {
    const Points scallop = Arc({x, rim}, 1 / 3.0, 0.16, 1, 0.5);
    canopy.insert(canopy.end(), scallop.begin(), scallop.end());
  }
  Shape shape = {{{{0, -1}, {0, 0.8}}, 1, 0.05},
                 {Arc({hook, 0.8}, std::abs(hook), 0.18, 0, 0.5), 1, 0.05},
                 {canopy, 0}};
  if (dice.Chance(0.6)) {
    shape.push_back({{{0, -0.85}, {-1 / 3.0, rim - 0.1}, {1 / 3.0, rim - 0.1}}, 2});
  }
  return shape;
}

double SquaredDistance(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double length = dx * dx + dy * dy;
  const double along =
      length > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length, 0.0, 1.0) : 0.0;
  const double x = a.x + along * dx - p.x, y = a.y + along * dy - p.y;
  return x * x + y * y;
}

}  // namespace

double Dice::Uniform(double low, double high) {
  return low + (high - low) * PhiloxUniform(seed_, RngUse::kNoise, image_, drawn_++);
}

const std::vector<std::string>& SyntheticClasses() {
  static const std::vector<std::string> names = {"arrow", "boat", "car",      "house", "icecream",
                                                 "lamp",  "mug",  "mushroom", "tree",  "umbrella"};
  return names;
}

Shape DrawShape(uint32_t class_index, Dice& dice) {
  static constexpr std::array kDraw = {Arrow, Boat, Car,      House, IceCream,
                                       Lamp,  Mug,  Mushroom, Tree,  Umbrella};
  AUGSTORE_CHECK(class_index < kDraw.size());
  return kDraw[class_index](dice);
}

Shape DrawDistractor(Dice& dice) {
  switch (dice.Below(3)) {
    case 0:
      return {{Ellipse({0, 0}, 0.8, dice.Uniform(0.4, 0.8)), 0}};
    case 1:
      return {{{{-1, dice.Uniform(-0.4, 0.4)}, {1, dice.Uniform(-0.4, 0.4)}}, 0, 0.15}};
    default:
      return {{Box(-0.8, -0.5, 0.8, dice.Uniform(0, 0.6)), 0}};
  }
}

bool Covers(const Part& part, Point point) {
  const Points& points = part.points;
  if (part.stroke > 0) {
    for (size_t i = 0; i + 1 < points.size(); ++i) {
      if (SquaredDistance(point, points[i], points[i + 1]) <= part.stroke * part.stroke)
        return true;
    }
    return false;
  }
  bool inside = false;  // even-odd rule
  for (size_t i = 0, j = points.size() - 1; i < points.size(); j = i++) {
    const Point &a = points[i], &b = points[j];
    if ((a.y > point.y) != (b.y > point.y) &&
        point.x < (b.x - a.x) * (point.y - a.y) / (b.y - a.y) + a.x) {
      inside = !inside;
    }
  }
  return inside;
}

}  // namespace augstore

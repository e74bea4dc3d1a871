#include "tools/compare/report_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace augstore {
namespace {

constexpr double kWidth = 560;
constexpr double kHeight = 300;
constexpr double kLeft = 56;
constexpr double kRight = 12;
constexpr double kTop = 40;
constexpr double kBottom = 44;
// Readable with any colour vision (Okabe and Ito's palette, with grey for its yellow).
constexpr std::array<const char*, 8> kColours = {"#000000", "#0072b2", "#d55e00", "#009e73",
                                                 "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f"};
constexpr size_t kTakenOnce = 2;

const char* Colour(size_t i) {
  if (i < kTakenOnce) return kColours[i];
  return kColours[kTakenOnce + (i - kTakenOnce) % (kColours.size() - kTakenOnce)];
}

// Round numbers below, between and above the data.
struct Axis {
  double low = 0;
  double high = 1;
  double step = 0.2;
};

// REQUIRES: a value.
Axis MakeAxis(const std::vector<double>& values) {
  auto [low, high] = std::ranges::minmax(values);
  if (!(high > low)) high = low + 1;
  const double raw = (high - low) / 5;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  const double digit = raw / power;
  const double step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  return {std::floor(low / step) * step, std::ceil(high / step) * step, step};
}

class Canvas {
 public:
  Canvas(const std::string& title, const Axis& x, const Axis& y) : x_(x), y_(y) {
    out_ = fmt::format(
        "<svg viewBox='0 0 {} {}' role='img' aria-label='{}'><text x='{}' y='16' "
        "class='title'>{}</text>\n",
        kWidth, kHeight, EscapeHtml(title), kLeft, EscapeHtml(title));
  }

  double X(double value) const {
    return kLeft + (value - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight);
  }
  double Y(double value) const {
    return kHeight - kBottom - (value - y_.low) / (y_.high - y_.low) * (kHeight - kTop - kBottom);
  }

  void YTicks(std::string_view format) {
    // A tick more or less in the last bit is harmless.
    // NOLINTNEXTLINE(clang-analyzer-security.FloatLoopCounter)
    for (double value = y_.low; value <= y_.high + y_.step / 2; value += y_.step) {
      const double shown = std::abs(value) < y_.step / 1e6 ? 0 : value;
      out_ += fmt::format("<line x1='{}' x2='{}' y1='{:.1f}' y2='{:.1f}' class='{}'/>", kLeft,
                          kWidth - kRight, Y(value), Y(value), shown == 0 ? "axis" : "grid");
      out_ += fmt::format("<text x='{}' y='{:.1f}' class='end'>{}</text>\n", kLeft - 6,
                          Y(value) + 4, fmt::format(fmt::runtime(format), shown));
    }
  }

  void XTicks(const std::string& label) {
    // A tick more or less in the last bit is harmless.
    // NOLINTNEXTLINE(clang-analyzer-security.FloatLoopCounter)
    for (double value = x_.low; value <= x_.high + x_.step / 2; value += x_.step) {
      Label(X(value), kHeight - kBottom + 16, fmt::format("{}", value));
    }
    Label((kLeft + kWidth) / 2, kHeight - 6, label);
  }

  void Label(double x, double y, const std::string& text) {
    out_ +=
        fmt::format("<text x='{:.1f}' y='{:.1f}' class='mid'>{}</text>\n", x, y, EscapeHtml(text));
  }

  void Line(const Series& series) {
    std::string points;
    for (size_t i = 0; i < series.x.size(); ++i) {
      points += fmt::format("{:.1f},{:.1f} ", X(series.x[i]), Y(series.y[i]));
    }
    out_ += fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='2'/>\n",
                        points, Colour(series.legend.colour));
  }

  void Bar(size_t colour, double x, double width, double value, const std::string& text) {
    const double top = Y(std::max(value, 0.0));
    const double bottom = Y(std::min(value, 0.0));
    out_ += fmt::format(
        "<rect x='{:.1f}' y='{:.1f}' width='{:.1f}' height='{:.1f}' "
        "fill='{}'><title>{}</title></rect>\n",
        x, top, width, std::max(bottom - top, 0.5), Colour(colour), EscapeHtml(text));
  }

  void Legend(const std::vector<LegendEntry>& entries) {
    double x = kLeft;
    for (const LegendEntry& entry : entries) {
      out_ += fmt::format("<rect x='{:.1f}' y='22' width='10' height='6' fill='{}'/>", x,
                          Colour(entry.colour));
      out_ += fmt::format("<text x='{:.1f}' y='29'>{}</text>\n", x + 14, EscapeHtml(entry.name));
      x += 28 + 6.2 * static_cast<double>(entry.name.size());
    }
  }

  std::string Finish() { return out_ + "</svg>\n"; }

 private:
  Axis x_;
  Axis y_;
  std::string out_;
};

}  // namespace

std::string LinePlot(const std::string& title, const std::string& x_label,
                     std::string_view y_format, const std::vector<Series>& series) {
  std::vector<double> x = {0, 1};
  std::vector<double> y;
  std::vector<LegendEntry> legend;
  for (const Series& one : series) {
    legend.push_back(one.legend);
    x.insert(x.end(), one.x.begin(), one.x.end());
    y.insert(y.end(), one.y.begin(), one.y.end());
  }
  if (y.empty()) return "";
  Canvas canvas(title, MakeAxis(x), MakeAxis(y));
  canvas.YTicks(y_format);
  canvas.XTicks(x_label);
  for (const Series& one : series) canvas.Line(one);
  canvas.Legend(legend);
  return canvas.Finish();
}

std::string BarPlot(const std::string& title, std::string_view y_format,
                    const std::vector<LegendEntry>& legend, const std::vector<BarGroup>& groups) {
  std::vector<double> all = {0};
  for (const BarGroup& group : groups)
    all.insert(all.end(), group.values.begin(), group.values.end());
  Canvas canvas(title, {0, std::max(1.0, static_cast<double>(groups.size())), 1}, MakeAxis(all));
  canvas.YTicks(y_format);
  for (size_t g = 0; g < groups.size(); ++g) {
    const double left = canvas.X(static_cast<double>(g));
    const double span = canvas.X(static_cast<double>(g) + 1) - left;
    const double width = span * 0.8 / static_cast<double>(std::max<size_t>(1, legend.size()));
    for (size_t i = 0; i < groups[g].values.size(); ++i) {
      const double value = groups[g].values[i];
      canvas.Bar(legend.at(i).colour, left + span * 0.1 + width * static_cast<double>(i),
                 width * 0.92, value,
                 groups[g].name + ", " + legend.at(i).name + ": " +
                     fmt::format(fmt::runtime(y_format), value));
    }
    canvas.Label(left + span / 2, kHeight - kBottom + 18, groups[g].name);
  }
  canvas.Legend(legend);
  return canvas.Finish();
}

std::string IntervalPlot(const std::string& title, std::string_view format,
                         const std::vector<IntervalBar>& bars) {
  constexpr double kNames = 240;
  constexpr double kPlot = 420;
  constexpr double kRow = 20;
  std::vector<double> all = {0};
  for (const IntervalBar& bar : bars) all.insert(all.end(), {bar.low, bar.value, bar.high});
  const Axis axis = MakeAxis(all);
  const auto x = [&](double value) {
    return kNames + 8 + (value - axis.low) / (axis.high - axis.low) * kPlot;
  };
  const double bottom = 40 + kRow * static_cast<double>(bars.size());
  std::string out = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {} {}' role='img' "
      "font-family='system-ui, sans-serif' font-size='11' fill='#333'><rect width='100%' "
      "height='100%' fill='#fff'/><text x='8' y='18' font-size='13' font-weight='600'>{}</text>\n",
      kNames + kPlot + 40, bottom + 24, EscapeHtml(title));
  // A tick more or less in the last bit is harmless.
  // NOLINTNEXTLINE(clang-analyzer-security.FloatLoopCounter)
  for (double tick = axis.low; tick <= axis.high + axis.step / 2; tick += axis.step) {
    const double shown = std::abs(tick) < axis.step / 1e6 ? 0 : tick;
    out += fmt::format(
        "<line x1='{0:.1f}' x2='{0:.1f}' y1='30' y2='{1}' stroke='{2}'/><text x='{0:.1f}' y='{3}' "
        "text-anchor='middle'>{4}</text>\n",
        x(tick), bottom, shown == 0 ? "#888" : "#e5e5e5", bottom + 15,
        fmt::format(fmt::runtime(format), shown));
  }
  for (size_t i = 0; i < bars.size(); ++i) {
    const IntervalBar& bar = bars[i];
    const double y = 36 + kRow * static_cast<double>(i);
    out += fmt::format(
        "<text x='{}' y='{:.1f}' text-anchor='end'>{}</text><rect x='{:.1f}' y='{:.1f}' "
        "width='{:.1f}' height='12' fill='#0072b2'/><line x1='{:.1f}' x2='{:.1f}' y1='{:.1f}' "
        "y2='{:.1f}' stroke='#000'/>\n",
        kNames, y + 10, EscapeHtml(bar.name), std::min(x(0), x(bar.value)), y,
        std::abs(x(bar.value) - x(0)), x(bar.low), x(bar.high), y + 6, y + 6);
  }
  return out + "</svg>\n";
}

std::string EscapeHtml(std::string_view text) {
  static constexpr std::array<std::pair<char, std::string_view>, 5> kEntities = {
      {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}}};
  std::string out;
  for (const char c : text) {
    const auto entity = std::ranges::find(kEntities, c, [](const auto& e) { return e.first; });
    if (entity == kEntities.end())
      out += c;
    else
      out += entity->second;
  }
  return out;
}

}  // namespace augstore

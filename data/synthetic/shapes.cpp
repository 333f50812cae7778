#include <ditharos/data/synthetic/shapes.h>

#include <array>
#include <numbers>

#include <ditharos/data/synthetic/distance.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>

namespace ditharos::data {
namespace {

/// Corners at equal angles on circles whose radii alternate, the first one on top.
std::vector<Point> star_corners(int corners, double outer, double inner) {
  std::vector<Point> points;
  for (int k = 0; k < corners; ++k) {
    const double angle = 2 * std::numbers::pi * k / corners, radius = k % 2 == 0 ? outer : inner;
    points.push_back({radius * std::sin(angle), -radius * std::cos(angle)});
  }
  return points;
}

/// The shapes at size 1: each fits into the disc of radius 1.2. Labels are indices into this list.
struct Figure {
  const char* name;
  double (*distance)(Point);
};
constexpr std::array<Figure, 10> figures = {{
    {"disc", [](Point p) { return distance_to_disc(p, 0.95); }},
    {"ring", [](Point p) { return std::abs(distance_to_disc(p, 0.75)) - 0.2; }},
    {"square", [](Point p) { return distance_to_box(p, 0.8, 0.8); }},
    {"frame", [](Point p) { return std::max(distance_to_box(p, 0.82, 0.82), -distance_to_box(p, 0.45, 0.45)); }},
    {"triangle",
     [](Point p) {
       static const std::vector<Point> corners = star_corners(3, 1.15, 1.15);
       return distance_to_polygon({p.x, p.y - 0.2}, corners);
     }},
    {"diamond",
     [](Point p) {
       static const std::vector<Point> corners = {{0, -1.15}, {0.65, 0}, {0, 1.15}, {-0.65, 0}};
       return distance_to_polygon(p, corners);
     }},
    {"cross", [](Point p) { return std::min(distance_to_box(p, 1.0, 0.3), distance_to_box(p, 0.3, 1.0)); }},
    {"star",
     [](Point p) {
       static const std::vector<Point> corners = star_corners(10, 1.15, 0.47);
       return distance_to_polygon(p, corners);
     }},
    {"stripes", [](Point p) { return std::max(distance_to_box(p, 0.9, 0.9), distance_to_bars(p.y + 0.9, 1.8 / 5)); }},
    {"checker",
     [](Point p) {
       const double middle_column = std::abs(p.x) - 0.3, middle_row = std::abs(p.y) - 0.3;
       return std::max(distance_to_box(p, 0.9, 0.9), -distance_to_either(middle_column, middle_row));
     }},
}};

/// The random choices of one image, in the order in which they are drawn.
struct Pose {
  double radius, sine, cosine, x, y;
  std::array<double, 3> color;  // 0..255

  Pose(Generator random, int64_t size) {
    const auto between = [&](double low, double high) { return low + (high - low) * random.uniform(); };
    const auto side = static_cast<double>(size);
    radius = side * between(0.22, 0.36);
    const double angle = between(-1, 1) * std::numbers::pi / 9;  // at most 20 degrees: a square stays a square
    sine = std::sin(angle);
    cosine = std::cos(angle);
    const double margin = side / 2 - 1.2 * radius;  // the shape stays inside
    x = side / 2 + margin * between(-1, 1);
    y = side / 2 + margin * between(-1, 1);
    const double brightness = between(140, 255), hue = between(0, 6), saturation = between(0.3, 1);
    for (int c = 0; c < 3; ++c) {  // HSV to RGB, channel by channel (Smith, "Color gamut transform pairs", 1978)
      const double phase = std::fmod(hue + 5 - 2 * c, 6.0);
      color[c] = brightness * (1 - saturation * std::clamp(std::min(phase, 4 - phase), 0.0, 1.0));
    }
    gray = brightness;
  }
  double gray;
};

void validate(const ShapesOptions& options) {
  check<ConfigError>(options.size >= 8 && options.size <= 1024, "[shapes] size must be 8..1024, got ", options.size);
  check<ConfigError>(options.channels == 1 || options.channels == 3, "[shapes] channels must be 1 or 3, got ",
                     options.channels);
  check<ConfigError>(options.count >= 0, "[shapes] count must not be negative, got ", options.count);
}

void draw_valid(uint8_t* out, int64_t i, Split split, const ShapesOptions& options) {
  const Generator stream = Generator(options.seed).fork(split == Split::train ? 0 : 1).fork(static_cast<uint64_t>(i));
  const Pose pose(stream, options.size);
  const Figure& figure = figures[static_cast<size_t>(i) % figures.size()];
  const int64_t n = options.size, plane = n * n;
  for (int64_t row = 0; row < n; ++row) {
    for (int64_t column = 0; column < n; ++column) {
      const double dx = (static_cast<double>(column) + 0.5 - pose.x) / pose.radius;
      const double dy = (static_cast<double>(row) + 0.5 - pose.y) / pose.radius;
      const Point p{pose.cosine * dx + pose.sine * dy, pose.cosine * dy - pose.sine * dx};
      // The part of the pixel that the shape covers, for an outline parallel to a side of the pixel.
      const double coverage = std::clamp(0.5 - figure.distance(p) * pose.radius, 0.0, 1.0);
      for (int64_t c = 0; c < options.channels; ++c) {
        const double full = options.channels == 1 ? pose.gray : pose.color[static_cast<size_t>(c)];
        out[c * plane + row * n + column] = static_cast<uint8_t>(std::lround(coverage * full));
      }
    }
  }
}

}  // namespace

const std::vector<std::string>& shape_class_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Figure& figure : figures) list.emplace_back(figure.name);
    return list;
  }();
  return names;
}

void draw_shape(uint8_t* out, int64_t i, Split split, const ShapesOptions& options) {
  validate(options);
  check<ConfigError>(i >= 0, "[shapes] image ", i, " does not exist");
  draw_valid(out, i, split, options);
}

Dataset make_shapes(Split split, const ShapesOptions& options) {
  validate(options);
  const int64_t n = options.count > 0 ? options.count : split == Split::train ? 20000 : 2000;
  Tensor images({n, options.channels, options.size, options.size}, DType::u8);
  Tensor labels({n}, DType::i64);
  uint8_t* image = images.mutable_data<uint8_t>();
  int64_t* label = labels.mutable_data<int64_t>();
  const int64_t image_size = options.channels * options.size * options.size;
  parallel_for(n, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      draw_valid(image + i * image_size, i, split, options);
      label[i] = i % static_cast<int64_t>(figures.size());
    }
  });
  return {images, labels, shape_class_names()};
}

}  // namespace ditharos::data

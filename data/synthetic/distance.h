#pragma once
// Internal to data/synthetic/.
// Signed distance functions of plane shapes: negative inside, positive outside, 0 on the outline. Clamping a distance
// in pixels gives an anti-aliased image. Max is intersection, min is union, negation is the complement.
#include <algorithm>
#include <cmath>
#include <vector>

namespace ditharos::data {

struct Point {
  double x = 0, y = 0;
};

inline double distance_to_disc(Point p, double radius) { return std::hypot(p.x, p.y) - radius; }

/// An axis-parallel box around the origin with these half sides.
inline double distance_to_box(Point p, double half_width, double half_height) {
  const double x = std::abs(p.x) - half_width, y = std::abs(p.y) - half_height;
  return std::hypot(std::max(x, 0.0), std::max(y, 0.0)) + std::min(std::max(x, y), 0.0);
}

/// Parallel bars: negative where floor(t / width) is even.
inline double distance_to_bars(double t, double width) {
  const double from_middle = t - 2 * width * std::floor(t / (2 * width)) - width / 2;  // [-width / 2, 3 width / 2)
  return std::min(std::abs(from_middle), 2 * width - from_middle) - width / 2;
}

/// The symmetric difference of two shapes.
inline double distance_to_either(double a, double b) { return std::max(std::min(a, b), -std::max(a, b)); }

/// A polygon without self-intersections, its corners in either direction.
inline double distance_to_polygon(Point p, const std::vector<Point>& corners) {
  double nearest = HUGE_VAL;
  bool inside = false;
  for (size_t i = 0, j = corners.size() - 1; i < corners.size(); j = i++) {
    const Point a = corners[j], b = corners[i];
    const Point edge{b.x - a.x, b.y - a.y}, to_p{p.x - a.x, p.y - a.y};
    const double along = (to_p.x * edge.x + to_p.y * edge.y) / (edge.x * edge.x + edge.y * edge.y);
    const double t = std::clamp(along, 0.0, 1.0);
    nearest = std::min(nearest, std::hypot(to_p.x - t * edge.x, to_p.y - t * edge.y));
    // A ray to the right crosses the outline an odd number of times from inside.
    const bool spans = (a.y > p.y) != (b.y > p.y);
    if (spans && p.x < a.x + (p.y - a.y) / edge.y * edge.x) inside = !inside;
  }
  return inside ? -nearest : nearest;
}

}  // namespace ditharos::data

#pragma once
// Shapes and strides: up to eight dimensions, stored inline.
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>

#include <ditharos/tensor/error.h>

namespace ditharos {

/// A list of at most eight 64-bit integers: a shape (sizes), strides (in elements) or a list of axes.
class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes) : Shape(sizes.begin(), sizes.end()) {}
  template <class It>
  Shape(It first, It last) {
    for (; first != last; ++first) push_back(*first);
  }
  /// `rank` entries, all `value`.
  static Shape filled(int rank, int64_t value) {
    Shape s;
    for (int i = 0; i < rank; ++i) s.push_back(value);
    return s;
  }

  int rank() const { return rank_; }
  bool empty() const { return rank_ == 0; }
  int64_t operator[](int i) const { return v_[i]; }
  int64_t& operator[](int i) { return v_[i]; }
  int64_t back() const { return v_[rank_ - 1]; }
  const int64_t* begin() const { return v_; }
  const int64_t* end() const { return v_ + rank_; }
  int64_t* begin() { return v_; }
  int64_t* end() { return v_ + rank_; }

  void push_back(int64_t value) {
    check<ShapeError>(rank_ < max_rank, "a tensor has at most ", max_rank, " dimensions");
    v_[rank_++] = value;
  }
  void insert(int at, int64_t value);
  void erase(int at);

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  int64_t v_[max_rank] = {};
  int rank_ = 0;
};
using Strides = Shape;
using Axes = Shape;

/// Axes, or the number of one: sum(x, 0) is sum(x, {0}).
class AxisOrAxes : public Axes {
 public:
  using Axes::Axes;
  AxisOrAxes() = default;
  AxisOrAxes(const Axes& axes) : Axes(axes) {}
  template <std::integral Axis>
    requires(!std::same_as<Axis, bool>)
  AxisOrAxes(Axis axis) : Axes{int64_t(axis)} {}
};

[[nodiscard]] std::string to_text(const Shape& s);  ///< "[2, 3]"

/// Product of the sizes; 1 for a scalar. Throws ShapeError on a negative size or an overflow of 2^62 elements.
[[nodiscard]] int64_t numel(const Shape& s);
/// Row-major strides, in elements.
[[nodiscard]] Strides contiguous_strides(const Shape& s);
/// The axis in [0, rank) for `axis` in [-rank, rank); ShapeError with `op` otherwise.
[[nodiscard]] int normalize_axis(const char* op, int64_t axis, int rank);
/// NumPy's rule: the shapes are aligned at the right, and an axis of size 1 is repeated. ShapeError with both shapes if
/// they do not fit.
[[nodiscard]] Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);
[[nodiscard]] bool broadcastable_to(const Shape& from, const Shape& to);

}  // namespace ditharos

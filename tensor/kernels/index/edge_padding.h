#pragma once
// Padding whose elements repeat those of the tensor, and its adjoint.
#include <cstdint>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// The elements beyond the edges of a padded axis: the mirror image (the edge itself once), the edge element, or those
/// of the other end.
enum class Edge : uint8_t { reflect, replicate, circular };

/// The map from the elements of a padded tensor to those that they repeat, axis by axis.
class EdgePadding {
 public:
  /// Axes of `shape` grow by before[i] and after[i]; negative numbers cut off. Every element that the map reaches must
  /// exist.
  EdgePadding(Edge edge, const Shape& shape, const Shape& before, const Shape& after);

  /// x, of the shape above, with its edges.
  Tensor pad(const Tensor& x) const;
  /// The adjoint: each element is the sum of those of `padded` that repeat it, added in double.
  Tensor fold(const Tensor& padded) const;

 private:
  /// Axis of the tensor, or neighbouring ones that are not padded.
  struct Axis {
    int64_t size = 1, padded = 1;
    std::vector<int64_t> from;             ///< element of each padded one; this and the next two only of padded axes
    std::vector<int64_t> begin, repeated;  ///< repeated[begin[i]] to repeated[begin[i + 1] - 1] repeat element i
    int64_t shift = 0;                     ///< padded element first + shift is element first, and so on
    int64_t first = 0, last = 0;           ///< elements that are copied as a run: [first, last)
    bool is_padded() const { return !begin.empty(); }
    int64_t source(int64_t i) const { return is_padded() ? from[size_t(i)] : i; }
  };
  static Axis make_axis(Edge edge, int64_t size, int64_t before, int64_t after);
  template <class T>
  void add_rows(size_t axis, int64_t row, const Axis* axes, const int64_t* at, const T* padded, double* sums) const;

  Shape shape_, padded_;
  std::vector<Axis> axes_;  ///< the last one is padded
  int64_t inner_ = 1;       ///< adjacent elements that belong to an element of the last axis
};

}  // namespace ditharos::kernels

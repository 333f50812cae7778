#pragma once
// Sequences, images and volumes at another size.
#include <concepts>
#include <initializer_list>
#include <type_traits>
#include <vector>

#include <ditharos/tensor/per_axis.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// How elements in between are read. linear: x [B, C, L]; bilinear and bicubic (a = -3/4, Keys 1981): x [B, C, H, W];
/// trilinear: x [B, C, D, H, W]; the others: all of them. nearest rounds positions down, nearest_exact takes the
/// nearest centre, area averages (adaptive_avg_pool).
enum class Interpolation { nearest, nearest_exact, linear, bilinear, bicubic, trilinear, area };

/// One factor for all spatial axes, or one for each.
class ScaleFactor {
 public:
  ScaleFactor(double value) : values_{value} {}
  ScaleFactor(std::initializer_list<double> values) : values_(values) {}
  const std::vector<double>& values() const { return values_; }

 private:
  std::vector<double> values_;
};

/// Either a size or factors, with which the sizes are multiplied and then rounded down.
struct InterpolateOptions {
  /// No value: makes sure that {4, 5} in place of options is a size.
  struct Named {
  } named = {};
  PerAxis size = 0;              ///< 0: by the factor
  ScaleFactor scale_factor = 0;  ///< 0: by the size
  Interpolation mode = Interpolation::nearest;
  /// Whether the centres of the outermost elements stay where they are, or the edges of the image; for the linear modes
  /// and bicubic.
  bool align_corners = false;
  /// Whether positions are computed from the sizes also where a factor is given. The two differ where a size times the
  /// factor is not a whole number.
  bool recompute_scale_factor = false;
  /// bilinear and bicubic (a = -1/2): weights as wide as the pixels of a smaller result. As in PyTorch, aligned corners
  /// then change the distance of positions and not where the first one is.
  bool antialias = false;
};

/// x [B, C, L], [B, C, H, W] or [B, C, D, H, W] at another size. ShapeError for an axis without elements, ConfigError
/// for options that exclude each other.
Tensor interpolate(const Tensor& x, const InterpolateOptions& options);
/// To a size for all spatial axes or for each.
template <std::same_as<PerAxis> Size = PerAxis>  // a template comes second where {.scale_factor = 2} fits both
Tensor interpolate(const Tensor& x, const std::type_identity_t<Size>& size,
                   Interpolation mode = Interpolation::nearest) {
  return interpolate(x, InterpolateOptions{.size = size, .mode = mode});
}

}  // namespace ditharos

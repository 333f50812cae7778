#include <ditharos/autograd/ops/vision/interpolation.h>

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/resampled.h>
#include <ditharos/autograd/ops/detail/spatial.h>
#include <ditharos/tensor/kernels/index/interpolation_taps.h>

namespace ditharos {
namespace {

using kernels::ResizedAxis;
using kernels::Taps;

const char* name_of(Interpolation mode) {
  switch (mode) {
    case Interpolation::nearest: return "nearest";
    case Interpolation::nearest_exact: return "nearest_exact";
    case Interpolation::linear: return "linear";
    case Interpolation::bilinear: return "bilinear";
    case Interpolation::bicubic: return "bicubic";
    case Interpolation::trilinear: return "trilinear";
    case Interpolation::area: return "area";
  }
  return "?";
}

/// The number of spatial axes that a mode is for, 0 for all of them.
int axes_of(Interpolation mode) {
  switch (mode) {
    case Interpolation::linear: return 1;
    case Interpolation::bilinear:
    case Interpolation::bicubic: return 2;
    case Interpolation::trilinear: return 3;
    default: return 0;
  }
}

Taps taps_of(const ResizedAxis& axis, const InterpolateOptions& options) {
  const bool cubic = options.mode == Interpolation::bicubic;
  if (options.antialias) return antialiased_taps(axis, cubic);
  switch (options.mode) {
    case Interpolation::nearest: return nearest_taps(axis, false);
    case Interpolation::nearest_exact: return nearest_taps(axis, true);
    case Interpolation::area: return Taps::adaptive_average(axis.inputs, axis.outputs);
    default: return cubic ? cubic_taps(axis) : linear_taps(axis);
  }
}

void check_options(const InterpolateOptions& options) {
  const bool smooth = axes_of(options.mode) > 0;
  check<ConfigError>(smooth || !options.align_corners, "[interpolate] align_corners has no meaning for the mode ",
                     name_of(options.mode));
  check<ConfigError>(axes_of(options.mode) == 2 || !options.antialias,
                     "[interpolate] antialias needs the mode bilinear or bicubic, got ", name_of(options.mode));
}

/// Whether positions follow from the sizes though a factor is given, as in PyTorch: a linear mode that keeps a size
/// copies the elements, and so does nearest in images, which also repeats each where it doubles a size.
bool is_simple(const ResizedAxis& axis, int axes, const InterpolateOptions& options) {
  if (options.antialias) return false;
  const bool equal = axis.outputs == axis.inputs;
  if (options.mode == Interpolation::nearest) return axes == 2 && (equal || axis.outputs == 2 * axis.inputs);
  return equal && axes_of(options.mode) > 0 && options.mode != Interpolation::bicubic;
}

/// The factors, one for each axis.
std::vector<double> factors_of(const ScaleFactor& scale, int axes) {
  std::vector<double> factors = scale.values();
  if (factors.size() == 1) factors.assign(size_t(axes), factors[0]);
  check<ShapeError>(factors.size() == size_t(axes), "[interpolate] scale_factor needs 1 or ", axes, " numbers, got ",
                    factors.size());
  for (const double factor : factors)
    check<ConfigError>(factor > 0 && std::isfinite(factor),
                       "[interpolate] needs a size, or a scale_factor above 0, got ", factor);
  return factors;
}

}  // namespace

Tensor interpolate(const Tensor& x, const InterpolateOptions& options) {
  check_options(options);
  const int axes = x.rank() - 2, wanted = axes_of(options.mode);
  check<ShapeError>(axes >= 1 && axes <= 3 && (wanted == 0 || axes == wanted), "[interpolate] the mode ",
                    name_of(options.mode), " needs ",
                    wanted > 0 ? spatial_layout(wanted) : "x [B, C, L], [B, C, H, W] or [B, C, D, H, W]", ", got ",
                    x.shape());
  Shape size = options.size.resolve("interpolate", "size", axes);
  const std::vector<double>& scale = options.scale_factor.values();
  const bool has_size = size != Shape::filled(axes, 0), has_scale = scale != std::vector<double>{0.0};
  check<ConfigError>(!has_size || !has_scale, "[interpolate] needs either a size or a scale_factor, got both");
  std::vector<double> factors;
  if (!has_size) {
    factors = factors_of(options.scale_factor, axes);
    for (int i = 0; i < axes; ++i) {
      const double side = std::floor(double(x.size(2 + i)) * factors[size_t(i)]);
      check<ShapeError>(side < double(max_size), "[interpolate] the factor ", factors[size_t(i)], " is too large for ",
                        x.shape());
      size[i] = int64_t(side);
    }
  }
  check_resizable("interpolate", x, size, false);
  std::vector<Taps> taps;
  for (int i = 0; i < axes; ++i) {
    ResizedAxis axis{x.size(2 + i), size[i], {}, options.align_corners};
    if (!has_size && !options.recompute_scale_factor && !is_simple(axis, axes, options))
      axis.step = 1 / factors[size_t(i)];
    taps.push_back(taps_of(axis, options));
  }
  return resampled("interpolate", x, std::move(taps));
}

}  // namespace ditharos

#pragma once
// Internal to tensor/kernels/.
// The sizes of a convolution.
#include <array>
#include <cstdint>

namespace ditharos::kernels {

using Sizes3 = std::array<int64_t, 3>;
inline int64_t product(const Sizes3& s) { return s[0] * s[1] * s[2]; }

/// All convolutions have three spatial axes here; the missing axes of a 1-D or 2-D one come first and have size 1.
struct ConvGeometry {
  int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
  Sizes3 in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, padding{0, 0, 0}, dilation{1, 1, 1};

  /// Elements of one image on either side, and terms of one sum.
  int64_t in_image() const { return in_channels * product(in); }
  int64_t out_image() const { return out_channels * product(out); }
  int64_t terms() const { return in_channels / groups * product(kernel); }
  double flops() const { return 2.0 * double(batch) * double(out_image()) * double(terms()); }
  friend bool operator==(const ConvGeometry&, const ConvGeometry&) = default;
};

}  // namespace ditharos::kernels

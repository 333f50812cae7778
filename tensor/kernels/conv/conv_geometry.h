#pragma once
// Internal to tensor/kernels/.
// One convolution's sizes, and the implementations that compute it.
#include <array>
#include <cstdint>

namespace ditharos::kernels {

using Sizes3 = std::array<int64_t, 3>;
inline int64_t product(const Sizes3& s) { return s[0] * s[1] * s[2]; }

/// All convolutions have three spatial axes here; those that a 1-D or 2-D one lacks come first and have size 1.
struct ConvGeometry {
  int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
  Sizes3 in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, padding{0, 0, 0}, dilation{1, 1, 1};

  /// Elements of one picture on either side, and terms of one sum.
  int64_t in_picture() const { return in_channels * product(in); }
  int64_t out_picture() const { return out_channels * product(out); }
  int64_t terms() const { return in_channels / groups * product(kernel); }
  double flops() const { return 2.0 * double(batch) * double(out_picture()) * double(terms()); }
  friend bool operator==(const ConvGeometry&, const ConvGeometry&) = default;
};

// All arrays are dense, row-major, and have at least one element. `bias` may be null.
template <class T> void conv_native(const ConvGeometry& g, const T* x, const T* weight, const T* bias, T* y);
template <class T> void conv_input_gradient_native(const ConvGeometry& g, const T* grad, const T* weight, T* dx);
template <class T>
void conv_weight_gradient_native(const ConvGeometry& g, const T* grad, const T* x, T* dweight);

// By oneDNN; false (and nothing done) when it has no fast primitive for the case.
bool conv_onednn(const ConvGeometry& g, const float* x, const float* weight, const float* bias, float* y);
bool conv_input_gradient_onednn(const ConvGeometry& g, const float* grad, const float* weight, float* dx);
bool conv_weight_gradient_onednn(const ConvGeometry& g, const float* grad, const float* x, float* dweight);

/// into[i] += parts[0][i] + parts[1][i] + ..., in this order; parts [count, n].
template <class T> void add_parts(int64_t n, int64_t count, const T* parts, T* into);

}  // namespace ditharos::kernels

#pragma once
// Linear layers whose weights stay the same over many calls, as in sampling: packed once into the fastest layout, in
// floats, rounded to bf16, whose products are twice as fast on CPUs with instructions for them, or quantised to int8,
// whose products are three to four times faster than those of floats.
#include <memory>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

enum class Precision { f32, bf16, int8 };

/// Packed weights of y = x W^T + bias. Several threads may read them at once.
///
/// bf16: W and x are rounded to bf16. Sums are floats.
///
/// int8: each row of W (one output) is quantised with a scale of its own, from its largest element, and each row of x
/// dynamically to 256 steps over its range. Sums are integers and therefore exact; y is
/// (sum - zero W's row sum) scale_x scale_w + bias.
class PackedLinear {
 public:
  /// weight [out, in], bias [out] or undefined; f32. Neither axis may be empty; see can_pack.
  PackedLinear(const Tensor& weight, const Tensor& bias, Precision precision);
  ~PackedLinear();
  PackedLinear(const PackedLinear&) = delete;
  PackedLinear& operator=(const PackedLinear&) = delete;

  /// True while weight and bias have the storage from which this was packed, and it has not changed since.
  bool is_of(const Tensor& weight, const Tensor& bias) const;
  Precision precision() const { return precision_; }
  int64_t in() const { return in_; }
  int64_t out() const { return out_; }

  /// y [rows, out] from x [rows, in], both without gaps, on the calling thread; with tanh-GELU if wanted.
  void run(int64_t rows, const float* x, float* y, bool gelu) const;
  /// The same for a few rows, on all threads: each reads a part of the weights, which dominates the time. False, and
  /// nothing done, when the weights cannot be divided.
  bool run_in_parts(int64_t rows, const float* x, float* y) const;

 private:
  /// The storage and version of a tensor, without keeping it alive.
  struct Source {
    explicit Source(const Tensor& x);
    bool is(const Tensor& x) const;
    bool defined;
    std::weak_ptr<Storage> storage;
    uint64_t version = 0;
    int64_t offset = 0;
    Shape shape;
    Strides strides;
  };
  struct Weights;  // what the products read

  Precision precision_;
  int64_t in_, out_;
  Source weight_, bias_;
  std::unique_ptr<const Weights> weights_;
};

/// True when PackedLinear supports these weights: f32, [out, in], neither 0, and for int8 so short that no sum
/// overflows.
bool can_pack(const Tensor& weight, const Tensor& bias, Precision precision);

/// x W^T + bias, x [..., in] of f32 or bf16 -> [..., out] of f32.
Tensor linear(const Tensor& x, const PackedLinear& layer);
/// fc2(gelu_tanh(fc1(x))), x [..., in of fc1] of f32 or bf16 -> [..., out of fc2] of f32. The hidden activations stay
/// in the cache.
Tensor mlp(const Tensor& x, const PackedLinear& fc1, const PackedLinear& fc2);

}  // namespace ditharos::kernels

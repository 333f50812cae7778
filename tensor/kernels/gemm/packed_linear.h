#pragma once
// Linear layers whose weights stay the same over many calls, as in sampling: packed once into the layout that the
// product likes best, or quantised to bytes, which multiply three to four times faster than floats.
#include <memory>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

enum class Precision { f32, int8 };

/// Weights of y = x W^T + bias, made ready. Reading it from several threads at once is fine.
///
/// int8: each row of W (one output) is rounded to a scale of its own, which its largest element decides, and each row
/// of x, on the way, to 256 steps over its own range. Sums are integers and therefore exact; y is
/// (sum - zero W's row sum) scale_x scale_w + bias.
class PackedLinear {
 public:
  /// weight [out, in], bias [out] or undefined; f32. Neither axis may be empty; see can_pack.
  PackedLinear(const Tensor& weight, const Tensor& bias, Precision precision);
  ~PackedLinear();
  PackedLinear(const PackedLinear&) = delete;
  PackedLinear& operator=(const PackedLinear&) = delete;

  /// True while weight and bias are the tensors, by their elements, that this was made of, and unchanged since.
  bool is_of(const Tensor& weight, const Tensor& bias) const;
  Precision precision() const { return precision_; }
  int64_t in() const { return in_; }
  int64_t out() const { return out_; }

  /// y [rows, out] from x [rows, in], both without gaps, on the calling thread; with tanh-GELU if wanted.
  void run(int64_t rows, const float* x, float* y, bool gelu) const;
  /// The same for a few rows, on all threads: each reads a part of the weights, which is what takes the time then.
  /// False, and nothing done, when the weights cannot be shared out.
  bool run_in_parts(int64_t rows, const float* x, float* y) const;

 private:
  /// Which elements something was made of, and their version, without keeping them alive.
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

/// True when PackedLinear takes these: f32, [out, in], neither 0, and for int8 not so long that a sum could overflow.
bool can_pack(const Tensor& weight, const Tensor& bias, Precision precision);

/// x W^T + bias, x [..., in] of f32 -> [..., out].
Tensor linear(const Tensor& x, const PackedLinear& layer);
/// fc2(gelu_tanh(fc1(x))), x [..., in of fc1] -> [..., out of fc2]. What lies between stays in the cache.
Tensor mlp(const Tensor& x, const PackedLinear& fc1, const PackedLinear& fc2);

}  // namespace ditharos::kernels

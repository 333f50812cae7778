#pragma once
// Mixed precision (Micikevicius et al. 2018, "Mixed Precision Training"), like torch.autocast.
#include <string>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// A scope in which products (linear layers, matrix products, convolutions, attention) of f32 tensors read them rounded
/// to `dtype`, and keep them in it for the backward pass. They sum in f32, and all tensors that a program sees stay
/// f32: results, parameters, gradients. bf16 has the range of f32, so the loss needs no scaling. The backward pass uses
/// the precision of the forward pass, inside of the scope or not; products that a Function computes in its backward are
/// f32.
///
/// DType::f32 switches it off inside of another one. DTypeError for other dtypes than bf16 and f32. Tensors of f64 are
/// not rounded. The scope holds for this thread.
///
/// It makes programs faster where has_bf16_products() (ditharos/tensor/system/instruction_set.h). Elsewhere it gives
/// the same results up to rounding, more slowly than f32.
class Autocast {
 public:
  explicit Autocast(DType dtype);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  DType before_;
};

/// The dtype of the innermost Autocast of this thread; f32 outside of one.
[[nodiscard]] DType autocast_dtype();

/// The setting of a program.
enum class Precision {
  f32,
  bf16,
  automatic  ///< bf16 where the CPU has instructions for its products, else f32
};
/// Its dtype for Autocast on this machine.
[[nodiscard]] DType precision_dtype(Precision precision);
/// A sentence on what the setting means on this machine; "" for f32.
[[nodiscard]] std::string precision_note(Precision precision);

}  // namespace ditharos

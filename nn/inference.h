#pragma once
// Fast evaluation of a model without training.
#include <memory>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/nn/module.h>
#include <ditharos/tensor/kernels/gemm/packed_linear.h>

namespace ditharos::nn {

/// A scope for sampling and evaluation. Nothing is recorded (as under NoGrad), and each Linear of at most 2^18 weights
/// packs them at its first call into the layout in which small products are fastest. The results are those of the
/// ordinary path up to rounding.
///
/// When the weights change, the next call packs them again. They are
/// freed at the layer's first call outside of the scope. The scope holds for this thread and may be nested.
class InferenceMode {
 public:
  InferenceMode();
  ~InferenceMode();
  InferenceMode(const InferenceMode&) = delete;
  InferenceMode& operator=(const InferenceMode&) = delete;

 private:
  NoGrad no_grad_;
  bool before_;
};
/// True inside an InferenceMode of this thread.
[[nodiscard]] bool inference_mode();

/// Quantises the module's linear layers to 8-bit integers. A whole model is then about twice as fast, and the result of
/// a layer changes by a few tenths of a per cent. Weights have one scale an output, and inputs one scale a row, which
/// is computed at each call (see kernels::PackedLinear). Some layers stay in f32, because they are sensitive and cheap:
/// those marked by Linear::keep_f32 (embedders of the condition, modulations, the last layer), and layers that are not
/// a Linear. Returns the number of quantised layers.
///
/// The state dict still holds the f32 weights. They may change; the next call rounds them again. Differentiating a
/// quantised layer throws AutogradError; dequantize() makes it trainable again.
int64_t quantize(ModuleBase& module);
/// Makes all layers compute in f32 again.
void dequantize(ModuleBase& module);

/// The packed weights of a layer. They are made at the first request and again after a change of the weights. A copy of
/// a layer packs its own; the result of share() starts with the packed weights of the original.
class PackedSlot {
 public:
  PackedSlot() = default;
  PackedSlot(const PackedSlot& other) : packed_(other.copied()) {}
  PackedSlot& operator=(const PackedSlot& other);
  PackedSlot(PackedSlot&& other) noexcept : packed_(std::move(other.packed_)) {}
  PackedSlot& operator=(PackedSlot&& other) noexcept {
    packed_ = std::move(other.packed_);
    return *this;
  }

  /// Packed weights of exactly these tensors as they are now; null when they cannot be packed.
  std::shared_ptr<const kernels::PackedLinear> get(const Tensor& weight, const Tensor& bias,
                                                   kernels::Precision precision) const;
  void drop() const;

 private:
  std::shared_ptr<const kernels::PackedLinear> copied() const;

  mutable std::shared_ptr<const kernels::PackedLinear> packed_;
};

}  // namespace ditharos::nn

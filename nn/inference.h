#pragma once
// Running a model without training it, as fast as it goes.
#include <memory>
#include <mutex>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/nn/module.h>
#include <ditharos/tensor/kernels/gemm/packed_linear.h>

namespace ditharos::nn {

/// For sampling and evaluation: inside, nothing is recorded (as under NoGrad), and each Linear packs its weights at its
/// first call into the layout that products run fastest on. The results are those of the ordinary path up to rounding.
///
/// Packed weights take as much memory as the weights. They serve until the weights change, when the next call packs
/// them anew, and go at the layer's first call outside. Of this thread alone; may be nested.
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

/// Lets the module's linear layers multiply in 8-bit integers, about twice as fast as a whole model and within a few
/// tenths of a per cent of a layer's result: weights with one scale an output, inputs with one scale a row, found
/// anew at each call (see kernels::PackedLinear). Layers that are sensitive and cheap stay as they are: those marked by
/// Linear::keep_f32 (embedders of the condition, modulations, the last layer), and what is not a Linear. Returns the
/// number of quantised layers.
///
/// The f32 weights stay, are what a state dict holds, and may change: the next call rounds them anew. A quantised layer
/// refuses to be differentiated with AutogradError; dequantize() makes it trainable again.
int64_t quantize(ModuleBase& module);
/// Lets all layers compute in f32 again.
void dequantize(ModuleBase& module);

/// A layer's packed weights, made when they are first asked for and again after a change. A copy of a
/// layer packs its own; one made by share() begins with what is there.
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

  mutable std::mutex mutex_;
  mutable std::shared_ptr<const kernels::PackedLinear> packed_;
};

}  // namespace ditharos::nn

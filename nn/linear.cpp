#include <ditharos/nn/linear.h>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/forward_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops/reduced.h>

namespace ditharos::nn {
namespace {

constexpr int64_t largest_packed = int64_t{1} << 18;  // elements of f32: 1 MiB

/// Announces what was computed as an operation, to whoever observes them. It is never differentiated: packed() gives no
/// weights, or refuses, where a gradient is wanted.
Tensor announce(const char* name, const Tensor& y, const Tensor& x) { return record(name, y, {x}, save_nothing, {}); }

}  // namespace

Tensor Linear::forward(const Tensor& x) const {
  const auto weights = packed(x);
  // What does not fit goes the ordinary way, which says why.
  if (weights && x.rank() >= 1 && x.size(-1) == weights->in())
    return announce("linear", kernels::linear(x, *weights), x);
  return linear(x, weight, bias);
}

Tensor Linear::reduced(const Tensor& x) const {
  if (has_hooks(*this)) return (*this)(x);
  return call([&] { return packed(x) ? forward(x) : ditharos::reduced::linear(x, weight, bias); });
}

bool Linear::quantize() {
  if (keep_f32_ || !packed_.get(weight, bias, kernels::Precision::int8)) return false;
  return quantized_ = true;
}

void Linear::dequantize() {
  if (quantized_) packed_.drop();
  quantized_ = false;
}

std::shared_ptr<const kernels::PackedLinear> Linear::packed(const Tensor& x) const {
  call([&] { check_has_weight("linear", "nn::Linear", weight); });  // Mlp calls this without forward
  const bool dual = tangent_of(x).defined() || tangent_of(weight).defined() || tangent_of(bias).defined();
  if (quantized_) {
    check<AutogradError>(!dual,
                         "[linear] this layer is quantised to int8, and rounding has no derivative: call "
                         "nn::dequantize(model) before forward mode");
    check<AutogradError>(!grad_enabled() || !(needs_grad(x) || needs_grad(weight) || needs_grad(bias)),
                         "[linear] this layer is quantised to int8, and rounding has no derivative: run it under "
                         "NoGrad or InferenceMode, or call nn::dequantize(model) before training");
  } else if (grad_enabled() || !inference_mode()) {
    if (!inference_mode()) packed_.drop();  // that is over: the memory may be needed
    return nullptr;
  }
  if ((x.dtype() != DType::f32 && x.dtype() != DType::bf16) || dual) return nullptr;
  if (quantized_) return packed_.get(weight, bias, kernels::Precision::int8);
  if (autocast_dtype() == DType::bf16) return packed_.get(weight, bias, kernels::Precision::bf16);
  // Of larger weights, the copy would take memory and no time would be saved: the product is not shorter than the
  // ordinary one, which reads them in larger tiles.
  return weight.numel() <= largest_packed ? packed_.get(weight, bias, kernels::Precision::f32) : nullptr;
}

Tensor packed_mlp(const Linear& fc1, const Linear& fc2, const Tensor& x) {
  const auto first = fc1.packed(x), second = fc2.packed(x);
  if (!first || !second || first->precision() != second->precision()) return {};
  if (x.rank() < 1 || x.size(-1) != first->in() || first->out() != second->in()) return {};
  return announce("mlp", kernels::mlp(x, *first, *second), x);
}

}  // namespace ditharos::nn

// The methods of Tensor that differentiation defines.
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/graph_break.h>
#include <ditharos/autograd/meta.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/view.h>

namespace ditharos {

bool Tensor::requires_grad() const { return needs_grad(*this); }

const Tensor& Tensor::set_requires_grad(bool on) const {
  check<DTypeError>(!on || dtype() == DType::f32 || dtype() == DType::f64,
                    "[set_requires_grad] only f32 and f64 tensors have gradients, got ", dtype());
  Meta& meta = meta_of(*this);
  check<AutogradError>(!meta.grad_fn, "[set_requires_grad] a tensor of shape ", shape(),
                       " was computed from others; only leaves can be switched (use detach())");
  meta.requires_grad = on;
  return *this;
}

Tensor Tensor::grad() const {
  const Meta* meta = find_meta(*this);
  return meta ? meta->grad : Tensor{};
}

void Tensor::set_grad(const Tensor& grad) const {
  check<ShapeError>(!grad.defined() || grad.shape() == shape(), "[set_grad] a gradient of shape ",
                    grad.defined() ? grad.shape() : Shape{}, " for a tensor of shape ", shape());
  check<DTypeError>(!grad.defined() || grad.dtype() == dtype(), "[set_grad] the gradient must have dtype ", dtype());
  meta_of(*this).grad = grad;
}

void Tensor::backward() const { ditharos::backward(*this); }
Tensor Tensor::detach() const {
  return mark_graph_break(GraphBreakReason::detach, "detach", views::alias(*this), {*this});
}

Tensor Tensor::reshape(const Shape& shape) const { return ditharos::reshape(*this, shape); }
Tensor Tensor::transpose(int axis0, int axis1) const { return ditharos::transpose(*this, axis0, axis1); }
Tensor Tensor::permute(const Axes& order) const { return ditharos::permute(*this, order); }
Tensor Tensor::slice(int axis, int64_t begin, int64_t end, int64_t step) const {
  return ditharos::slice(*this, axis, begin, end, step);
}
Tensor Tensor::select(int axis, int64_t index) const { return ditharos::select(*this, axis, index); }
Tensor Tensor::unsqueeze(int axis) const { return ditharos::unsqueeze(*this, axis); }
Tensor Tensor::squeeze(int axis) const { return ditharos::squeeze(*this, axis); }
Tensor Tensor::expand(const Shape& shape) const { return ditharos::expand(*this, shape); }
Tensor Tensor::clone() const { return ditharos::clone(*this); }
Tensor Tensor::operator[](int64_t i) const { return index(*this, {i}); }
Tensor Tensor::operator[](const Tensor& indices) const { return index(*this, {indices}); }

namespace {
/// A write that the graph does not see would make gradients wrong.
void check_writable(const char* op, const Tensor& x, const Tensor& source) {
  check<AutogradError>(!grad_enabled() || !(needs_grad(x) || (source.defined() && needs_grad(source))), "[", op,
                       "] writing is not recorded, but a tensor of shape ", x.shape(),
                       " or its source needs a gradient; write under NoGrad, or use where() or index_put()");
  for (int i = 0; i < x.rank(); ++i)
    check<ShapeError>(x.strides()[i] != 0 || x.shape()[i] <= 1, "[", op, "] a tensor of shape ", x.shape(),
                      " that was expanded along axis ", i, " cannot be written to; use clone() first");
}
}  // namespace

const Tensor& Tensor::copy_(const Tensor& source) const {
  check_writable("copy_", *this, source);
  check<ShapeError>(broadcastable_to(source.shape(), shape()), "[copy_] a source of shape ", source.shape(),
                    " does not stretch to shape ", shape());
  // Elements that both share would be read after they were written.
  const Tensor apart = source.storage() == storage() ? kernels::to(source, source.dtype()) : source;
  kernels::copy_into(*this, views::expand(apart, shape()));
  return *this;
}

const Tensor& Tensor::fill_(double value) const {
  check_writable("fill_", *this, {});
  kernels::fill(*this, value);
  return *this;
}
const Tensor& Tensor::zero_() const { return fill_(0); }

}  // namespace ditharos

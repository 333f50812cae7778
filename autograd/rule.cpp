#include <ditharos/autograd/rule.h>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>

namespace ditharos {

Tensor Tangents::gradient(const Tensor& g, size_t i) const {
  const Grads grads = backward_(Backward(*this, g, i));
  return i < grads.size() ? grads[i] : Tensor{};
}

Tensor SymmetricJacobian::operator()(const Tangents& d) const {
  Tensor total;
  for (size_t i = 0; i < d.input_count(); ++i)
    d.add(total, i, [&](const Tensor& t) { return d.gradient(expand(t, d.output().shape()), i); });
  return total;
}

void Tangents::check_constants_from(size_t first) const {
  for (size_t i = first; i < tangents_.size(); ++i)
    check<AutogradError>(!tangents_[i].defined(), "[", op_, "] has no tangent rule for input ", i, " of shape ",
                         inputs_[i].shape());
}

Tensor Tangents::sum(const Tensor& a, const Tensor& b) { return !a.defined() ? b : !b.defined() ? a : a + b; }

}  // namespace ditharos

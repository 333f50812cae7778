#include <ditharos/autograd/inspect/non_finite.h>

#include <algorithm>

#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos {
namespace {

bool has_non_finite(const Tensor& x) { return x.defined() && is_floating(x.dtype()) && !kernels::all_finite(x); }

}  // namespace

void NonFiniteSearch::on_result(const WorkItem& work, const Tensor& result, const std::vector<Tensor>& inputs) {
  if (!found_.empty() || !has_non_finite(result) || std::string("where") == work.name) return;
  if (std::any_of(inputs.begin(), inputs.end(), has_non_finite)) return;
  found_ = work.name;
  if (*work.module) found_ += " in " + std::string(work.module);
  found_ += ", of shape " + to_text(result.shape());
}

}  // namespace ditharos

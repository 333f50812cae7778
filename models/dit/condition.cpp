#include <ditharos/models/dit/condition.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

DiTCondition DiTCondition::rows(const Tensor& indices) const {
  const auto selected = [&](const Tensor& x) { return x.defined() ? index_select(x, indices) : x; };
  return {.conditions = selected(conditions),
          .text = selected(text),
          .text_mask = selected(text_mask),
          .pooled = selected(pooled),
          .resolution = selected(resolution),
          .aspect_ratio = selected(aspect_ratio)};
}

}  // namespace ditharos::models

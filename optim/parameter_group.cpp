#include <ditharos/optim/parameter_group.h>

#include <algorithm>

namespace ditharos::optim {

Partition partition(const nn::NamedTensors& parameters, const std::function<bool(const nn::NamedTensor&)>& matches) {
  Partition parts;
  for (const nn::NamedTensor& parameter : parameters)
    (matches(parameter) ? parts.matching : parts.others).push_back(parameter);
  return parts;
}

bool any_momentum(const ParameterGroups& groups, double momentum) {
  return momentum > 0 || std::any_of(groups.list().begin(), groups.list().end(),
                                     [](const ParameterGroup& group) { return group.momentum.value_or(0) > 0; });
}

void check_trainable(const nn::NamedTensor& parameter) {
  const auto& [name, tensor] = parameter;
  nn::check_leaf("optimizer", parameter);
  check<ShapeError>(tensor.is_contiguous(), "[optimizer] parameter \"", name, "\" of shape ", tensor.shape(),
                    " is not contiguous");
  check<DTypeError>(tensor.dtype() == DType::f32 || tensor.dtype() == DType::f64, "[optimizer] parameter \"", name,
                    "\" must be f32 or f64, got ", tensor.dtype());
}

}  // namespace ditharos::optim

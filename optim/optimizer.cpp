#include <ditharos/optim/optimizer.h>

#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include <ditharos/nn/state_dict.h>
#include <ditharos/optim/ema.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/optimizer/optimizer.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/view.h>

namespace ditharos::optim {

Optimizer::Optimizer(const std::vector<Group>& groups) {
  std::unordered_set<std::string> names;
  std::unordered_set<const TensorImpl*> seen;
  for (const Group& group : groups) {
    for (const nn::NamedTensor& parameter : group.parameters) {
      const auto& [name, tensor] = parameter;
      nn::check_leaf("optimizer", parameter);
      check<ConfigError>(names.insert(name).second, "[optimizer] two parameters are named \"", name, "\"");
      check<ShapeError>(tensor.is_contiguous(), "[optimizer] parameter \"", name, "\" of shape ", tensor.shape(),
                        " is not contiguous");
      check<DTypeError>(tensor.dtype() == DType::f32 || tensor.dtype() == DType::f64, "[optimizer] parameter \"",
                        name, "\" must be f32 or f64, got ", tensor.dtype());
      if (!seen.insert(tensor.impl()).second) continue;  // a shared weight is updated once
      parameters_.push_back({name, tensor});
      group_of_.push_back(slot_names_.size());
      steps_.push_back(zeros({}, DType::i64));
      slots_.emplace_back();
      for (size_t s = 0; s < group.slots.size(); ++s) slots_.back().push_back(zeros(tensor.shape(), tensor.dtype()));
    }
    slot_names_.push_back(group.slots);
  }
  check<ConfigError>(!parameters_.empty(), "[optimizer] there is no parameter to train");
  kept_.assign(parameters_.size(), true);
}

void Optimizer::zero_grad() {
  for (const auto& [name, tensor] : parameters_) tensor.set_grad({});
}

std::vector<Tensor> Optimizer::contiguous_gradients() const {
  std::vector<Tensor> gradients;
  for (const auto& [name, tensor] : parameters_) {
    const Tensor grad = tensor.grad();
    check(!grad.defined() || kernels::all_finite(grad), "[optimizer] the gradient of \"", name,
          "\" has NaN or infinite elements; nothing was updated");
    gradients.push_back(grad.defined() ? kernels::contiguous(grad) : Tensor());
  }
  return gradients;
}

void Optimizer::step(double lr, double grad_scale, Ema* ema) {
  check<ConfigError>(std::isfinite(lr) && lr >= 0, "[optimizer] the learning rate must be a number >= 0, got ", lr);
  check<ConfigError>(std::isfinite(grad_scale) && grad_scale >= 0,
                     "[optimizer] the scale of the gradients must be a number >= 0, got ", grad_scale);
  const WorkScope scope({"optimizer step", WorkKind::optimizer});
  // All checks and allocations come before the first update: a step is done completely or not at all.
  const std::vector<Tensor> gradients = contiguous_gradients();
  std::vector<Update> updates;
  updates.reserve(parameters_.size());
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& parameter = parameters_[i].tensor;
    const int64_t step = *steps_[i].data<int64_t>() + 1;
    Update u{parameter, gradients[i], slots_[i].data(), ema ? ema->average_of(parameter) : Tensor(), 0, lr, grad_scale,
             step, group_of_[i], {}};
    check(kept_[i] || !u.grad.defined(), "[optimizer] \"", parameters_[i].name,
          "\" has a gradient, but its state is kept elsewhere (keep_state)");
    updates.push_back(std::move(u));
  }
  // Each matrix of a small model is too small for several threads, so each thread takes matrices.
  parallel_tasks(int64_t(updates.size()), [&](int64_t i) {
    Update& u = updates[size_t(i)];
    if (u.grad.defined()) u.prepared = prepare(u);
  });
  const double decay = ema ? ema->begin_update(this) : 0;
  for (size_t i = 0; i < updates.size(); ++i) {
    Update& u = updates[i];
    u.ema_decay = decay;
    if (u.grad.defined()) {
      *steps_[i].mutable_data<int64_t>() = u.step;
      update(u);
    } else if (u.average.defined()) {
      kernels::ema_update(u.average, u.parameter, decay);
    }
  }
}

nn::NamedTensors Optimizer::state() const {
  nn::NamedTensors state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    state.push_back({parameters_[i].name + "/step", steps_[i]});
    const std::vector<std::string>& names = slot_names_[group_of_[i]];
    for (size_t s = 0; s < names.size(); ++s) state.push_back({parameters_[i].name + "/" + names[s], slots_[i][s]});
  }
  return state;
}

std::vector<size_t> Optimizer::state_parameters() const {
  std::vector<size_t> of_entry;
  for (size_t i = 0; i < parameters_.size(); ++i) of_entry.insert(of_entry.end(), 1 + slots_[i].size(), i);
  return of_entry;
}

void Optimizer::keep_state(const std::vector<bool>& kept) {
  check<ShapeError>(kept.size() == parameters_.size(), "[optimizer] keep_state() got ", kept.size(), " elements for ",
                    parameters_.size(), " parameters");
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) continue;
    kept_[i] = false;
    for (Tensor& slot : slots_[i]) slot = views::expand(zeros({}, slot.dtype()), slot.shape());
  }
}

void Optimizer::check_state(const nn::NamedTensors& given) const {
  const nn::NamedTensors own = state();
  nn::check_same_tensors("the optimiser's state", own, given);
  std::unordered_map<std::string, DType> dtypes;
  for (const auto& [name, tensor] : given) dtypes[name] = tensor.dtype();
  for (const auto& [name, tensor] : own) {
    check<DTypeError>(dtypes[name] == tensor.dtype(), "the optimiser's state does not fit: \"", name, "\" is ",
                      dtypes[name], " instead of ", tensor.dtype());
  }
}

void Optimizer::load_state(const nn::NamedTensors& given) {
  check_state(given);
  std::unordered_map<std::string, Tensor> values;
  for (const auto& [name, tensor] : given) values[name] = tensor;
  const nn::NamedTensors own = state();
  const std::vector<size_t> parameter_of = state_parameters();
  for (size_t i = 0; i < own.size(); ++i)
    if (kept_[parameter_of[i]]) kernels::copy_into(own[i].tensor, values[own[i].name]);
}

}  // namespace ditharos::optim

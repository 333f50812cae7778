#include <ditharos/optim/optimizer.h>

#include <algorithm>
#include <cmath>
#include <optional>
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

void Optimizer::check_options(const ParameterGroup& group, size_t index, const GroupOptions& has) {
  const auto in_range = [](double x) { return std::isfinite(x) && x >= 0; };
  check<ConfigError>(in_range(group.lr_scale), "[optimizer] group ", index, ": lr_scale must be a number >= 0, got ",
                     group.lr_scale);
  check<ConfigError>(!group.weight_decay || in_range(*group.weight_decay), "[optimizer] group ", index,
                     ": weight_decay must be a number >= 0, got ", group.weight_decay.value_or(0));
  for (const std::optional<double>& beta : {group.beta1, group.beta2}) {
    check<ConfigError>(!beta || has.betas, "[optimizer] group ", index,
                       " sets a beta, which this optimiser does not have");
    check<ConfigError>(!beta || (*beta >= 0 && *beta < 1), "[optimizer] group ", index,
                       ": both betas must be at least 0 and below 1, got ", beta.value_or(0));
  }
  const double momentum = group.momentum.value_or(0), eps = group.eps.value_or(0);
  check<ConfigError>(!group.momentum || has.momentum, "[optimizer] group ", index,
                     " sets a momentum, which this optimiser does not have");
  check<ConfigError>(in_range(momentum) && momentum < has.momentum_below, "[optimizer] group ", index,
                     ": momentum must be at least 0 and below ", has.momentum_below, ", got ", momentum);
  check<ConfigError>(!group.eps || has.eps, "[optimizer] group ", index,
                     " sets an eps, which this optimiser does not have");
  check<ConfigError>(in_range(eps), "[optimizer] group ", index, ": eps must be a number >= 0, got ", eps);
}

std::vector<Optimizer::Group> Optimizer::with_slots(const ParameterGroups& groups,
                                                    const std::vector<std::string>& slots, const GroupOptions& has) {
  std::vector<Group> result;
  for (const ParameterGroup& group : groups.list()) result.push_back({group, slots, has});
  return result;
}

Optimizer::Optimizer(const std::vector<Group>& groups) {
  std::unordered_set<std::string> names;
  std::unordered_map<const TensorImpl*, size_t> seen;  // the group of each tensor
  for (const Group& from : groups) {
    const size_t index = groups_.size();
    check_options(from.group, index, from.has);
    nn::NamedTensors own;
    for (const nn::NamedTensor& parameter : from.group.parameters) {
      const auto& [name, tensor] = parameter;
      check_trainable(parameter);
      check<ConfigError>(names.insert(name).second, "[optimizer] two parameters are named \"", name, "\"");
      const auto [before, is_new] = seen.emplace(tensor.impl(), index);
      check<ConfigError>(before->second == index, "[optimizer] parameter \"", name, "\" of group ", index,
                         " is the same tensor as one of group ", before->second, "; each belongs to one group");
      if (!is_new) continue;  // a shared weight is updated once
      own.push_back({name, tensor});
      group_of_.push_back(index);
      steps_.push_back(zeros({}, DType::i64));
      slots_.emplace_back();
      for (size_t s = 0; s < from.slots.size(); ++s)
        slots_.back().push_back(views::expand(zeros({}, tensor.dtype()), tensor.shape()));
    }
    parameters_.insert(parameters_.end(), own.begin(), own.end());
    slot_names_.push_back(from.slots);
    has_.push_back(from.has);
    groups_.push_back(from.group);
    groups_.back().parameters = std::move(own);
  }
  check<ConfigError>(!parameters_.empty(), "[optimizer] there is no parameter to train");
  kept_.assign(parameters_.size(), true);
  for (const ParameterGroup& group : groups_) apply_frozen(group, false);
}

void Optimizer::set_group(size_t index, const ParameterGroup& group) {
  check<ConfigError>(index < groups_.size(), "[optimizer] there is no group ", index, " of ", groups_.size());
  check_options(group, index, has_[index]);
  const auto same = [](const nn::NamedTensor& a, const nn::NamedTensor& b) {
    return a.tensor.impl() == b.tensor.impl();
  };
  const nn::NamedTensors &own = groups_[index].parameters, &given = group.parameters;
  check<ConfigError>(std::equal(own.begin(), own.end(), given.begin(), given.end(), same), "[optimizer] group ", index,
                     " has ", own.size(), " parameters, and the new options list others; copy groups()[", index,
                     "] and change its options");
  const bool was_frozen = groups_[index].frozen;
  groups_[index] = group;
  apply_frozen(group, was_frozen);
}

/// Parameters that no step reads need no gradient. Those of a group that was never frozen are left as the caller has
/// them.
void Optimizer::apply_frozen(const ParameterGroup& group, bool was_frozen) {
  if (group.frozen == was_frozen) return;
  for (const auto& [name, tensor] : group.parameters) {
    tensor.set_requires_grad(!group.frozen);
    if (group.frozen) tensor.set_grad({});
  }
}

void Optimizer::fill_slots(size_t slot, double value) {
  for (std::vector<Tensor>& slots : slots_)
    slots[slot] = views::expand(full({}, value, slots[slot].dtype()), slots[slot].shape());
}

/// The memory of a parameter's state is taken when it is first needed, so that a process that keeps a part of the state
/// never holds all of it.
void Optimizer::allocate_slots(size_t parameter) const {
  if (!kept_[parameter]) return;
  for (Tensor& slot : slots_[parameter]) slot = kernels::contiguous(slot);
}

void Optimizer::zero_grad() {
  for (const auto& [name, tensor] : parameters_) tensor.set_grad({});
}

std::vector<Tensor> Optimizer::contiguous_gradients() const {
  std::vector<Tensor> gradients;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, tensor] = parameters_[i];
    const Tensor grad = groups_[group_of_[i]].frozen ? Tensor() : tensor.grad();
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
    if (gradients[i].defined()) allocate_slots(i);
    Update u{parameter,
             gradients[i],
             slots_[i].data(),
             ema ? ema->average_of(parameter) : Tensor(),
             0,
             lr * groups_[group_of_[i]].lr_scale,
             grad_scale,
             step,
             group_of_[i],
             {}};
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
    allocate_slots(i);
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

#include <ditharos/optim/ema.h>

#include <algorithm>
#include <unordered_set>

#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/optimizer/optimizer.h>
#include <ditharos/tensor/view.h>

namespace ditharos::optim {

Ema::Ema(nn::ModuleBase& module, double decay, const Kept& kept) : decay_(decay) {
  check<ConfigError>(decay >= 0 && decay < 1, "[ema] the decay must be at least 0 and below 1, got ", decay);
  std::unordered_set<const TensorImpl*> trained;
  for (const auto& [name, tensor] : nn::named_parameters(module)) {
    check<ShapeError>(tensor.is_contiguous(), "[ema] parameter \"", name, "\" of shape ", tensor.shape(),
                      " is not contiguous");
    check<DTypeError>(tensor.dtype() == DType::f32 || tensor.dtype() == DType::f64, "[ema] parameter \"", name,
                      "\" must be f32 or f64, got ", tensor.dtype());
    trained.insert(tensor.impl());
  }
  std::unordered_map<const TensorImpl*, Tensor> copies;
  for (const auto& [name, tensor] : nn::named_tensors(module)) {
    const bool is_parameter = trained.contains(tensor.impl()), is_kept = !is_parameter || !kept || kept(tensor);
    const auto [entry, fresh] = copies.try_emplace(tensor.impl());
    if (fresh && is_kept) {
      entry->second = kernels::to(tensor, tensor.dtype());
      (is_parameter ? parameters_ : buffers_).push_back({tensor, entry->second});
      if (is_parameter) by_parameter_[tensor.impl()] = entry->second;
    } else if (fresh) {
      entry->second = views::expand(zeros({}, tensor.dtype()), tensor.shape());
    }
    averages_.push_back({name, entry->second});
    averaged_.push_back(tensor);
    kept_.push_back(is_kept);
  }
}

std::vector<Tensor> Ema::averaged_tensors() const { return averaged_; }

double Ema::begin_update(const Optimizer* by) {
  taken_part_.reserve(taken_part_.size() + 1);  // allocates before anything changes
  const bool joins = !taken_part_.empty() && std::find(taken_part_.begin(), taken_part_.end(), by) == taken_part_.end();
  if (!joins) {
    taken_part_.clear();
    ++updates_;
  }
  taken_part_.push_back(by);
  for (const auto& [model, copy] : buffers_) kernels::copy_into(copy, model);
  const double n = double(updates_ - 1);
  return std::min(decay_, (1 + n) / (10 + n));
}

void Ema::update() {
  taken_part_.clear();
  const double decay = begin_update(nullptr);
  taken_part_.clear();
  for (const auto& [model, average] : parameters_) kernels::ema_update(average, model, decay);
}

Tensor Ema::average_of(const Tensor& parameter) const {
  const auto it = by_parameter_.find(parameter.impl());
  return it == by_parameter_.end() ? Tensor() : it->second;
}

void Ema::check_state(const nn::NamedTensors& state, int64_t updates) const {
  check<ConfigError>(updates >= 0, "the moving average's count of updates must be at least 0, got ", updates);
  nn::check_same_tensors("the moving average", averages_, state);
}

void Ema::load_state(const nn::NamedTensors& state, int64_t updates) {
  check_state(state, updates);
  std::unordered_map<std::string, Tensor> values;
  for (const auto& [name, tensor] : state) values[name] = tensor;
  for (size_t i = 0; i < averages_.size(); ++i)
    if (kept_[i]) kernels::copy_into(averages_[i].tensor, values[averages_[i].name]);
  updates_ = updates;
  taken_part_.clear();
}

// Exchanges the elements instead of the handles, so that views of the parameters and modules that share them change
// too.
void Ema::swap_parameters() noexcept {
  for (const auto& [model, average] : parameters_) {
    visit_dtype(model.dtype(), [&, &model = model, &average = average](auto zero) {
      auto* p = model.mutable_data<decltype(zero)>();
      std::swap_ranges(p, p + model.numel(), average.mutable_data<decltype(zero)>());
    });
  }
}

}  // namespace ditharos::optim

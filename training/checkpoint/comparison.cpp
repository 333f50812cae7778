#include <ditharos/training/checkpoint/comparison.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/training/checkpoint/key_values.h>

namespace ditharos::training {
namespace {

/// Everything but the tensors, by name. A text of "key = value" lines gives an entry for each of its keys.
Values settings_of(const TrainState& state) {
  Values all{{"kind", state.kind},
             {"step", std::to_string(state.step)},
             {"epoch", std::to_string(state.epoch)},
             {"position", std::to_string(state.position)},
             {"ema_updates", std::to_string(state.ema_updates)}};
  for (const RandomStream& stream : state.random)
    all.emplace_back("random stream " + stream.name,
                     "seed " + std::to_string(stream.seed) + ", offset " + std::to_string(stream.offset));
  const auto add = [&](const std::string& name, const std::string& text) {
    const Values values = values_of(text);
    if (values.empty()) all.emplace_back(name, text);
    for (const auto& [key, value] : values) all.emplace_back(name + ": " + key, value);
  };
  for (const auto& [name, text] : state.metadata) add("metadata " + name, text);
  if (!state.configuration.empty()) add("configuration", state.configuration);
  return all;
}

std::vector<SettingDifference> compare_settings(const TrainState& first, const TrainState& second) {
  const Values before = settings_of(first), after = settings_of(second);
  std::vector<SettingDifference> differences;
  for (const auto& [name, value] : before) {
    const std::string other = find(after, name).value_or("");
    if (other != value) differences.push_back({name, value, other});
  }
  for (const auto& [name, value] : after)
    if (!find(before, name)) differences.push_back({name, "", value});
  return differences;
}

std::string describe(const Tensor& tensor) { return name_of(tensor.dtype()) + (" " + to_text(tensor.shape())); }

void compare_elements(const Tensor& first, const Tensor& second, TensorComparison& result) {
  const Tensor x = kernels::contiguous(first), y = kernels::contiguous(second);
  result.elements = x.numel();
  visit_dtype(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (result.elements == 0) return;
    const T *a = x.data<T>(), *b = y.data<T>();
    for (int64_t i = 0; i < result.elements; ++i) {
      // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): the bits count, those of zeros and NaN too
      if (std::memcmp(&a[i], &b[i], sizeof(T)) == 0) continue;
      ++result.different;
      const auto p = double(a[i]), q = double(b[i]);
      const double infinity = std::numeric_limits<double>::infinity();
      const double distance = p == q ? 0 : std::abs(p - q), size = std::max(std::abs(p), std::abs(q));
      result.max_absolute = std::max(result.max_absolute, std::isnan(distance) ? infinity : distance);
      if (distance == 0) continue;  // zeros of both signs
      const double relative = distance / size;
      result.max_relative = std::max(result.max_relative, std::isnan(relative) ? infinity : relative);
    }
  });
}

void compare_lists(const char* part, const nn::NamedTensors& first, const nn::NamedTensors& second,
                   std::vector<TensorComparison>& results) {
  std::map<std::string, Tensor> others;
  for (const auto& [name, tensor] : second) others[name] = tensor;
  for (const auto& [name, tensor] : first) {
    TensorComparison& result = results.emplace_back(TensorComparison{.part = part, .name = name});
    const auto other = others.find(name);
    if (other == others.end()) {
      result.mismatch = "only in the first";
      continue;
    }
    if (other->second.shape() == tensor.shape() && other->second.dtype() == tensor.dtype())
      compare_elements(tensor, other->second, result);
    else result.mismatch = describe(tensor) + " and " + describe(other->second);
    others.erase(other);
  }
  for (const auto& [name, tensor] : second)
    if (others.contains(name)) results.push_back({.part = part, .name = name, .mismatch = "only in the second"});
}

}  // namespace

bool CheckpointComparison::equal() const {
  return settings.empty() && std::all_of(tensors.begin(), tensors.end(), [](const auto& t) { return t.equal(); });
}

CheckpointComparison compare_checkpoints(const TrainState& first, const TrainState& second) {
  CheckpointComparison result{compare_settings(first, second), {}};
  compare_lists("model", first.model, second.model, result.tensors);
  compare_lists("ema", first.ema, second.ema, result.tensors);
  compare_lists("optimizer", first.optimizer, second.optimizer, result.tensors);
  return result;
}

}  // namespace ditharos::training

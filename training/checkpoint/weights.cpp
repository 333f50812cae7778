#include <ditharos/training/checkpoint/weights.h>

#include <map>

#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::training {
namespace {

/// Sums of the tensors of one list over checkpoints.
class Sums {
 public:
  explicit Sums(std::string part) : part_(std::move(part)) {}

  void add(const nn::NamedTensors& list, const std::string& path, bool first) {
    if (first) last_ = list;
    nn::check_same_tensors("the " + part_ + " of " + path, last_, list);
    for (const auto& [name, tensor] : list) {
      const std::vector<double> values = tensor.to_vector<double>();
      std::vector<double>& sum = sums_[name];
      if (is_floating(tensor.dtype())) {
        sum.resize(values.size());
        for (size_t i = 0; i < values.size(); ++i) sum[i] += values[i];
      } else {
        check<ConfigError>(first || values == sum, "\"", name, "\" of the ", part_, " is ", name_of(tensor.dtype()),
                           " and differs in ", path, ": there is no mean of it");
        sum = values;
      }
    }
    last_ = list;
  }

  nn::NamedTensors mean(size_t count) const {
    nn::NamedTensors means = last_;
    for (auto& [name, tensor] : means) {
      if (!is_floating(tensor.dtype())) continue;
      std::vector<double> values = sums_.at(name);
      for (double& value : values) value /= double(count);
      tensor = kernels::to(from_vector(values, tensor.shape()), tensor.dtype());
    }
    return means;
  }

 private:
  std::string part_;
  nn::NamedTensors last_;
  std::map<std::string, std::vector<double>> sums_;  // by name; of tensors that are no floats, their values
};

void add_named(std::map<std::string, Tensor>& all, const std::string& prefix, const nn::NamedTensors& list) {
  for (const auto& [name, tensor] : list) all[prefix + name] = tensor;
}

}  // namespace

TrainState average_checkpoints(const std::vector<std::string>& paths) {
  check<ConfigError>(paths.size() >= 2, "a mean needs at least two checkpoints, got ", paths.size());
  Sums model("model"), ema("ema");
  TrainState result;
  std::string steps;
  for (size_t i = 0; i < paths.size(); ++i) {
    TrainState state = load_checkpoint(paths[i]);
    check<ConfigError>(i == 0 || state.kind == result.kind, paths[i], " holds a model of kind \"", state.kind,
                       "\", those before it \"", result.kind, "\"");
    model.add(state.model, paths[i], i == 0);
    ema.add(state.ema, paths[i], i == 0);
    steps += (i == 0 ? "" : ", ") + std::to_string(state.step);
    result = std::move(state);
  }
  result.model = model.mean(paths.size());
  result.ema = ema.mean(paths.size());
  result.optimizer.clear();
  result.metadata["mean of the steps"] = steps;
  return result;
}

void export_weights(const std::string& path, const TrainState& state, Weights weights, const std::string& source) {
  check<ConfigError>(weights == Weights::model || !state.ema.empty(), source, " has no moving average of its weights");
  check<ConfigError>(weights == Weights::ema || !state.model.empty(), source, " has no model");
  std::map<std::string, Tensor> tensors;
  const bool both = weights == Weights::both;
  if (weights != Weights::ema) add_named(tensors, both ? "model." : "", state.model);
  if (weights != Weights::model) add_named(tensors, both ? "ema." : "", state.ema);
  safetensors::save(path, tensors,
                    {{"format", "pt"},
                     {"kind", state.kind},
                     {"step", std::to_string(state.step)},
                     {"configuration", state.configuration}});
}

}  // namespace ditharos::training

#pragma once
// Groups of parameters with options of their own, as torch.optim's param_groups.
//
//   const auto [decay, no_decay] = optim::partition(nn::named_parameters(model), optim::is_matrix);
//   optim::AdamW optimizer({{.parameters = decay, .weight_decay = .1},
//                           {.parameters = no_decay, .weight_decay = 0, .lr_scale = .5}});
#include <functional>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include <ditharos/nn/module.h>

namespace ditharos::optim {

/// Parameters that an optimiser treats alike. An option without a value is that of the optimiser.
struct ParameterGroup {
  nn::NamedTensors parameters = {};
  std::optional<double> weight_decay = {};  ///< >= 0
  /// Multiplies the learning rate of each step: a group's "lr" in PyTorch, divided by that of the others. >= 0.
  double lr_scale = 1;
  std::optional<double> beta1 = {}, beta2 = {};  ///< in [0, 1); of Adam and AdamW
  /// >= 0; of Sgd and RMSprop, if the optimiser or one of its groups was made with a momentum above 0, and below 1 of
  /// the matrices of Muon.
  std::optional<double> momentum = {};
  std::optional<double> eps = {};  ///< >= 0; of Adam, AdamW, RMSprop and Adagrad
  /// The parameters are not trained: they collect no gradient (requires_grad is false), and keep value and state.
  bool frozen = false;
};

/// What an optimiser trains: parameters as one group, or several groups.
class ParameterGroups {
 public:
  ParameterGroups() = default;
  ParameterGroups(nn::NamedTensors parameters) : groups_{{.parameters = std::move(parameters)}} {}
  ParameterGroups(std::initializer_list<nn::NamedTensor> parameters) : ParameterGroups(nn::NamedTensors(parameters)) {}
  ParameterGroups(std::vector<ParameterGroup> groups) : groups_(std::move(groups)) {}
  ParameterGroups(std::initializer_list<ParameterGroup> groups) : groups_(groups) {}

  const std::vector<ParameterGroup>& list() const { return groups_; }

 private:
  std::vector<ParameterGroup> groups_;
};

/// Parameters in two lists, each in the order of the whole.
struct [[nodiscard]] Partition {
  nn::NamedTensors matching, others;
};
/// Those for which `matches` is true, and the others.
Partition partition(const nn::NamedTensors& parameters, const std::function<bool(const nn::NamedTensor&)>& matches);
/// True for tensors of two or more axes: weights of linear layers, convolutions and embeddings, which are usually
/// decayed, and not for biases and the scales of norms, which are not.
[[nodiscard]] inline bool is_matrix(const nn::NamedTensor& parameter) { return parameter.tensor.rank() >= 2; }

/// Whether `momentum`, that of an optimiser, or the one of a group is above 0.
[[nodiscard]] bool any_momentum(const ParameterGroups& groups, double momentum);

/// Throws unless the parameter is a leaf (AutogradError), contiguous (ShapeError) and of f32 or f64 (DTypeError).
void check_trainable(const nn::NamedTensor& parameter);

}  // namespace ditharos::optim

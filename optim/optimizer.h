#pragma once
// The base of all optimisers: parameters and their state by name, one step over all of them.
//
//   optim::AdamW optimizer(nn::named_parameters(model));
//   optimizer.zero_grad();
//   loss.backward();
//   optim::clip_grad_norm_(optimizer.parameters(), 1.0);
//   optimizer.step(learning_rate);
//
// With clipping and the moving average in the optimiser's own pass over memory:
//
//   const auto gradient = optim::clip_grad_factor(optimizer.parameters(), 1.0);
//   optimizer.step(learning_rate, gradient.factor, &ema);
//
// Groups of parameters with options of their own are in parameter_group.h.
#include <limits>
#include <string>
#include <vector>

#include <ditharos/nn/module.h>
#include <ditharos/optim/parameter_group.h>

namespace ditharos::optim {

class Ema;

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// The parameters that it trains, each tensor once. These are handles: to change a model's values, copy into its
  /// tensors (nn::load_state_dict); a tensor that is assigned to a member is not trained by this optimiser.
  const nn::NamedTensors& parameters() const { return parameters_; }
  /// The groups of these parameters with their options.
  const std::vector<ParameterGroup>& groups() const { return groups_; }
  /// Replaces the options of a group from the next step on: a changed copy of an element of groups(). Its parameters
  /// stay, and so does the state. ConfigError, and nothing has changed, for an option out of range, for one that this
  /// optimiser does not have, and for other parameters.
  ///
  ///   optim::ParameterGroup backbone = optimizer.groups()[1];
  ///   backbone.frozen = false;
  ///   optimizer.set_group(1, backbone);
  void set_group(size_t index, const ParameterGroup& group);

  /// Drops the gradients.
  void zero_grad();
  /// One update. Parameters without a gradient and frozen ones are left as they are and do not count the step, as in
  /// PyTorch.
  ///
  /// lr: the learning rate of this step, >= 0, which each group scales. grad_scale: multiplies every gradient (the
  /// factor of clip_grad_factor). ema: takes the new parameters into its average in the same pass. Several optimisers
  /// of one model may be given the same average: their steps count as one update.
  /// Throws Error if a gradient is not finite, with the parameter's name, or when memory ends; nothing has changed
  /// then.
  void step(double lr, double grad_scale = 1.0, Ema* ema = nullptr);

  /// The state for resuming a run: moments and step counts, as "blocks.0.attn.qkv.weight/exp_avg". The tensors are the
  /// optimiser's own; a step changes them. In place of those that it does not keep are zeros of their shape.
  nn::NamedTensors state() const;
  /// For each entry of state() the parameter that it belongs to: an index into parameters().
  std::vector<size_t> state_parameters() const;
  /// Leaves out the state of the parameters whose element of `kept` is false: another process updates them (ZeRO stage
  /// 1, Rajbhandari et al. 2020). They must have no gradient in later steps. Before the first step or state(), that
  /// state has taken no memory yet. ShapeError unless there is an element for each of parameters().
  void keep_state(const std::vector<bool>& kept);
  /// Copies such a list. Throws ShapeError naming what is missing, unexpected or of another shape, DTypeError for
  /// another element type; nothing has changed then.
  void load_state(const nn::NamedTensors& state);
  /// The checks of load_state alone.
  void check_state(const nn::NamedTensors& state) const;

 protected:
  /// Which options a group may set beyond weight_decay and lr_scale.
  struct GroupOptions {
    bool betas = false, momentum = false, eps = false;
    double momentum_below = std::numeric_limits<double>::infinity();
  };
  /// A group and the state tensors of each of its parameters by name, which have the parameter's shape and start as
  /// zeros.
  struct Group {
    ParameterGroup group;
    std::vector<std::string> slots;
    GroupOptions has = {};
  };
  /// Each group with the same slots.
  static std::vector<Group> with_slots(const ParameterGroups& groups, const std::vector<std::string>& slots,
                                       const GroupOptions& has);
  /// Throws unless every parameter is a leaf, contiguous, of f32 or f64, in one group alone, no name comes twice, and
  /// the groups' options are in range.
  explicit Optimizer(const std::vector<Group>& groups);
  /// Sets the elements of one slot of every parameter, for a state that does not start as zeros.
  void fill_slots(size_t slot, double value);

  struct Update {
    Tensor parameter, grad;            // contiguous, of one shape and dtype
    const Tensor* slots;               // in the order of the names
    Tensor average;                    // of the moving average; undefined without one
    double ema_decay, lr, grad_scale;  // lr: of the parameter's group
    int64_t step;                      // updates of this parameter, this one included
    size_t group;                      // that the parameter belongs to, an index into groups()
    Tensor prepared;                   // what prepare() returned
  };
  /// Called for every parameter before anything changes, on any thread and for several parameters at once; all memory
  /// must be allocated here. `ema_decay` is not known yet.
  virtual Tensor prepare(const Update&) { return {}; }
  /// Changes the parameter, its slots and its average. It must not allocate: a step is done completely or not at all.
  virtual void update(const Update& u) = 0;

 private:
  std::vector<Tensor> contiguous_gradients() const;
  void allocate_slots(size_t parameter) const;

  static void check_options(const ParameterGroup& group, size_t index, const GroupOptions& has);
  void apply_frozen(const ParameterGroup& group, bool was_frozen);

  std::vector<ParameterGroup> groups_;                // each tensor in one of them, once
  std::vector<GroupOptions> has_;                     // [group]
  nn::NamedTensors parameters_;                       // of all groups
  std::vector<size_t> group_of_;                      // [parameter]
  std::vector<std::vector<std::string>> slot_names_;  // [group][slot]
  mutable std::vector<std::vector<Tensor>> slots_;    // [parameter][slot], one value of stride 0 until it is needed
  std::vector<Tensor> steps_;                         // [parameter], scalars, i64
  std::vector<bool> kept_;                            // [parameter], false: its slots are never allocated
};

}  // namespace ditharos::optim

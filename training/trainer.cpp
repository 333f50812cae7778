#include <ditharos/training/trainer.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/non_finite.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/optim/clip.h>
#include <ditharos/tensor/io/number_text.h>

namespace ditharos::training {
namespace {

constexpr const char* stream_name = "train";
constexpr double no_limit = std::numeric_limits<double>::infinity();
/// Separates the trainer's random numbers from others that a program draws with the same seed.
constexpr uint64_t stream_key = 0x747261696e;  // "train"
enum Purpose : uint64_t { conditions_stream, objective_stream };

bool all_finite(const Tensor& x) {
  const std::vector<double> values = x.to_vector<double>();
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

LossByTime by_time(const models::Loss& loss) {
  LossByTime result;
  const std::vector<double> losses = loss.per_sample.to_vector<double>(), progress = loss.progress.to_vector<double>();
  for (size_t i = 0; i < losses.size(); ++i) {
    const int bin = std::clamp(int(progress[i] * LossByTime::bins), 0, LossByTime::bins - 1);
    result.sum[size_t(bin)] += losses[i];
    ++result.samples[size_t(bin)];
  }
  return result;
}

}  // namespace

Trainer::Trainer(nn::ModuleBase& model, models::Network network, std::shared_ptr<const models::Objective> objective,
                 std::unique_ptr<optim::Optimizer> optimizer, const TrainerConfig& config)
    : model_(model),
      network_(std::move(network)),
      objective_(std::move(objective)),
      optimizer_(std::move(optimizer)),
      config_(config) {
  check<ConfigError>(config.class_dropout >= 0 && config.class_dropout <= 1, "class_dropout must be in [0, 1], got ",
                     config.class_dropout);
  check<ConfigError>(config.clip_norm >= 0, "clip_norm must be 0 (no clipping) or more, got ", config.clip_norm);
  static_cast<void>(optim::learning_rate(config.schedule, 0));  // checks the schedule
  nn::name_modules(model);
  if (config.ema_decay != 0) ema_.emplace(model, config.ema_decay);
}

StepMetrics Trainer::step(const Tensor& data, const Tensor& conditions) {
  const Generator rng = Generator(config_.seed).fork(stream_key).fork(uint64_t(steps_));
  optimizer_->zero_grad();
  const Tensor seen = drop_conditions(conditions, rng.fork(conditions_stream));
  const auto forward = [&] {
    Generator objective_rng = rng.fork(objective_stream);
    return objective_->conditional_loss(network_, seen, config_.null_condition, data, objective_rng);
  };
  const models::Loss loss = forward();
  StepMetrics metrics{};
  metrics.loss = loss.total.item();
  if (!std::isfinite(metrics.loss)) explain_bad_loss(metrics.loss, data, forward);
  if (!audited_) nn::audit(loss.total, model_);
  audited_ = true;

  loss.total.backward();
  const double limit = config_.clip_norm > 0 ? config_.clip_norm : no_limit;
  const optim::ClipFactor gradient = optim::clip_grad_factor(optimizer_->parameters(), limit);
  check_gradient_size(gradient.norm * gradient.factor);
  metrics.grad_norm = gradient.norm;
  metrics.lr = optim::learning_rate(config_.schedule, steps_);
  metrics.loss_by_time = by_time(loss);
  optimizer_->step(metrics.lr, gradient.factor, ema());
  ++steps_;
  return metrics;
}

Tensor Trainer::drop_conditions(const Tensor& conditions, Generator rng) const {
  if (!conditions.defined() || config_.class_dropout == 0) return conditions;
  const Tensor nothing = models::no_condition(conditions, config_.null_condition);
  Shape per_sample = Shape::filled(conditions.rank(), 1);
  per_sample[0] = conditions.size(0);
  const Tensor dropped = rng.bernoulli(config_.class_dropout, {conditions.size(0)}, DType::boolean);
  return where(reshape(dropped, per_sample), nothing, conditions);
}

void Trainer::check_gradient_size(double norm) const {
  const nn::NamedTensors& parameters = optimizer_->parameters();
  const bool f64 = parameters[0].tensor.dtype() == DType::f64;
  const double limit = std::sqrt(f64 ? std::numeric_limits<double>::max() : double(std::numeric_limits<float>::max()));
  if (norm <= limit) return;
  std::string largest;
  double most = -1;
  for (const nn::NamedTensor& p : parameters) {
    const double own = optim::clip_grad_factor({p}, no_limit).norm;
    if (own > most) most = own, largest = p.name;
  }
  fail("the gradient of step ", steps_, " has the norm ", scientific_text(norm, 2), ", and from ",
       scientific_text(limit, 2), " on its squares overflow; the largest part is that of ", largest,
       ": a smaller learning rate or clipping helps");
}

void Trainer::explain_bad_loss(double loss, const Tensor& data, const std::function<void()>& forward) {
  const std::string value = std::isnan(loss) ? "NaN" : "infinite";
  const std::string what = "the loss of step " + std::to_string(steps_) + " is " + value;
  check(all_finite(data), what, ": the batch holds a value that is not finite");
  for (const auto& [name, tensor] : nn::named_tensors(model_)) {
    check(all_finite(tensor), what, ": ", name, " holds a value that is not finite");
  }
  // Repeats the step with a check of every result; all randomness depends on the seed and the step, so it is the same.
  const NoGrad no_grad;
  const NonFiniteSearch search;
  forward();
  const std::string& found = search.found();
  fail(what, " although data and weights are finite: ",
       found.empty() ? "activations overflow" : "the first result that is not finite is that of " + found,
       "; a smaller learning rate or clipping helps");
}

void Trainer::capture(TrainState& state) {
  training::capture(state, model_, *optimizer_, ema());
  state.step = steps_;
  std::erase_if(state.random, [](const RandomStream& stream) { return stream.name == stream_name; });
  state.random.push_back({stream_name, config_.seed, uint64_t(steps_)});
}

void Trainer::restore(const TrainState& state) {
  const auto stream = std::find_if(state.random.begin(), state.random.end(),
                                   [](const RandomStream& s) { return s.name == stream_name; });
  check<ConfigError>(stream != state.random.end() && state.step >= 0 && stream->offset == uint64_t(state.step),
                     "the checkpoint is not of a training run: it has no random stream \"", stream_name,
                     "\" at its step ", state.step);
  check<ConfigError>(stream->seed == config_.seed, "the checkpoint was trained with seed ", stream->seed,
                     ", this run has seed ", config_.seed, "; a resumed run needs the same");
  training::restore(state, model_, *optimizer_, ema());
  steps_ = state.step;
}

}  // namespace ditharos::training

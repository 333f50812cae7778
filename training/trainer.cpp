#include <ditharos/training/trainer.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/non_finite.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/nn/summary.h>
#include <ditharos/tensor/io/number_text.h>

namespace ditharos::training {
namespace {

constexpr const char* stream_name = "train";
constexpr double no_limit = std::numeric_limits<double>::infinity();
/// Separates the trainer's random numbers from others that a program draws with the same seed.
constexpr uint64_t stream_key = 0x747261696e;      // "train"
constexpr uint64_t validation_key = 0x76616c6964;  // "valid"
enum Purpose : uint64_t { conditions_stream, objective_stream, parts_stream };
constexpr const char* counts_entry = "counts";  // of TrainState::metadata

/// The model in evaluation mode for a scope, and then in the mode that it had.
class EvaluationMode {
 public:
  explicit EvaluationMode(nn::ModuleBase& model) : model_(model), training_(model.is_training()) {
    nn::set_training(model_, false);
  }
  ~EvaluationMode() { nn::set_training(model_, training_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  nn::ModuleBase& model_;
  bool training_;
};

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
  const Autocast supported(config.precision);  // DTypeError for others
  check<ConfigError>(config.clip_norm >= 0, "clip_norm must be 0 (no clipping) or more, got ", config.clip_norm);
  static_cast<void>(optim::learning_rate(config.schedule, 0));  // checks the schedule
  nn::name_modules(model);
  if (config.ema_decay != 0) ema_.emplace(model, config.ema_decay);
  for (const double decay : config.more_ema_decays) {
    check<ConfigError>(ema_ && decay > 0, "of several ema_decays each must be above 0, got ", config.ema_decay, " and ",
                       decay);
    more_emas_.push_back(std::make_unique<optim::Ema>(model, decay));
  }
}

models::Loss Trainer::loss_of(const MicroBatch& batch, Generator rng) const {
  const Autocast precision(config_.precision == DType::f32 ? autocast_dtype() : config_.precision);
  const Tensor seen = drop_conditions(batch.conditions, rng.fork(conditions_stream));
  Generator objective_rng = rng.fork(objective_stream);
  return objective_->conditional_loss(network_, seen, config_.null_condition, batch.data, objective_rng);
}

StepMetrics Trainer::step(const std::vector<MicroBatch>& batches) {
  check<Error>(!batches.empty(), "[Trainer] a step needs at least one batch");
  int64_t samples = 0;
  for (const MicroBatch& batch : batches) samples += batch.data.size(0);
  const Generator rng = Generator(config_.seed).fork(stream_key).fork(uint64_t(steps_));
  optimizer_->zero_grad();
  StepMetrics metrics{};
  for (size_t j = 0; j < batches.size(); ++j) {
    const double share = batches.size() == 1 ? 1 : double(batches[j].data.size(0)) / double(samples);
    const std::string where = batches.size() == 1 ? "" : ", part " + std::to_string(j + 1);
    accumulate(batches[j], j == 0 ? rng : rng.fork(parts_stream).fork(j), share, where, metrics);
  }
  const optim::ClipFactor gradient = gradient_factor();
  check_gradient_size(gradient.norm * gradient.factor);
  metrics.grad_norm = gradient.norm;
  metrics.lr = optim::learning_rate(config_.schedule, steps_);
  optimizer_->step(metrics.lr, gradient.factor, ema());
  for (const auto& ema : more_emas_) ema->update();
  ++steps_;
  if (has_times()) counts_.losses.add(metrics.loss_by_time);
  counts_.skipped_in_succession = 0;
  return metrics;
}

/// Adds `share` of the loss and its gradient to those of the parts before it.
void Trainer::accumulate(const MicroBatch& batch, const Generator& rng, double share, const std::string& where,
                         StepMetrics& metrics) {
  const models::Loss loss = loss_of(batch, rng);
  const double value = loss.total.item();
  if (!std::isfinite(value)) explain_bad_loss(value, batch, rng, where);
  if (!audited_) nn::audit(loss.total, model_);
  audited_ = true;
  (share == 1 ? loss.total : loss.total * share).backward();
  metrics.loss += share * value;
  metrics.loss_by_time.add(by_time(loss));
}

void Trainer::skip_step() {
  ++steps_;
  ++counts_.skipped;
  ++counts_.skipped_in_succession;
}

LossByTime Trainer::take_losses() { return std::exchange(counts_.losses, {}); }

LossByTime Trainer::validate(const std::vector<MicroBatch>& batches) {
  const NoGrad no_grad;
  const AveragedWeights averaged(*this);
  const EvaluationMode evaluation(model_);
  const int bins = has_times() ? LossByTime::bins : 1;
  LossByTime losses;
  for (int bin = 0; bin < bins; ++bin)
    for (size_t j = 0; j < batches.size(); ++j) {
      const auto& [data, conditions] = batches[j];
      Generator rng = Generator(config_.seed).fork(validation_key).fork(uint64_t(bin)).fork(j);
      losses.add(by_time(objective_->loss_at(network_, conditions, config_.null_condition, data,
                                             (bin + .5) / LossByTime::bins, rng)));
    }
  return losses;
}

std::string Trainer::summary(const MicroBatch& batch) {
  return nn::summary(model_, [&] { return loss_of(batch, Generator(config_.seed)).total; });
}

optim::ClipFactor Trainer::gradient_factor() const {
  const double limit = config_.clip_norm > 0 ? config_.clip_norm : no_limit;
  try {
    return optim::clip_grad_factor(optimizer_->parameters(), limit);
  } catch (const Error& e) {  // parameters and limit were checked before: a gradient is not finite
    throw NotFiniteError(e.what());
  }
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
  fail<NotFiniteError>("the gradient of step ", steps_, " has the norm ", scientific_text(norm, 2), ", and from ",
                       scientific_text(limit, 2), " on its squares overflow; the largest part is that of ", largest,
                       ": a smaller learning rate or clipping helps");
}

void Trainer::explain_bad_loss(double loss, const MicroBatch& batch, const Generator& rng, const std::string& where) {
  const std::string value = std::isnan(loss) ? "NaN" : "infinite";
  const std::string what = "the loss of step " + std::to_string(steps_) + where + " is " + value;
  check<NotFiniteError>(all_finite(batch.data), what, ": the batch holds a value that is not finite");
  for (const auto& [name, tensor] : nn::named_tensors(model_)) {
    check<NotFiniteError>(all_finite(tensor), what, ": ", name, " holds a value that is not finite");
  }
  // Repeats the step with a check of every result; all randomness depends on the seed and the step, so it is the same.
  const NoGrad no_grad;
  const NonFiniteSearch search;
  static_cast<void>(loss_of(batch, rng));
  const std::string& found = search.found();
  fail<NotFiniteError>(what, " although data and weights are finite: ",
                       found.empty() ? "activations overflow"
                                     : "the first result that is not finite is that of " + found,
                       "; a smaller learning rate or clipping helps");
}

void Trainer::capture(TrainState& state) {
  training::capture(state, model_, *optimizer_, ema());
  state.more_averages.clear();
  for (size_t i = 0; i < more_emas_.size(); ++i)
    state.more_averages.push_back({config_.more_ema_decays[i], more_emas_[i]->updates(), more_emas_[i]->state()});
  state.step = steps_;
  std::erase_if(state.random, [](const RandomStream& stream) { return stream.name == stream_name; });
  state.random.push_back({stream_name, config_.seed, uint64_t(steps_)});
  state.metadata.erase(counts_entry);
  if (counts_ != RunCounts()) state.metadata[counts_entry] = to_text(counts_);
}

void Trainer::restore(const TrainState& state) {
  const auto stream = std::find_if(state.random.begin(), state.random.end(),
                                   [](const RandomStream& s) { return s.name == stream_name; });
  check<ConfigError>(stream != state.random.end() && state.step >= 0 && stream->offset == uint64_t(state.step),
                     "the checkpoint is not of a training run: it has no random stream \"", stream_name,
                     "\" at its step ", state.step);
  check<ConfigError>(stream->seed == config_.seed, "the checkpoint was trained with seed ", stream->seed,
                     ", this run has seed ", config_.seed, "; a resumed run needs the same");
  check<ConfigError>(state.more_averages.size() == more_emas_.size(), "the checkpoint has ",
                     state.more_averages.size(), " moving averages beside the first one, this run ",
                     more_emas_.size());
  for (size_t i = 0; i < more_emas_.size(); ++i) {
    const Average& average = state.more_averages[i];
    check<ConfigError>(average.decay == config_.more_ema_decays[i], "the checkpoint has a moving average of decay ",
                       average.decay, ", this run of decay ", config_.more_ema_decays[i]);
    more_emas_[i]->check_state(average.tensors, average.updates);
  }
  const auto counts = state.metadata.find(counts_entry);
  const RunCounts read = counts == state.metadata.end() ? RunCounts() : parse_run_counts(counts->second);
  training::restore(state, model_, *optimizer_, ema());
  for (size_t i = 0; i < more_emas_.size(); ++i)
    more_emas_[i]->load_state(state.more_averages[i].tensors, state.more_averages[i].updates);
  steps_ = state.step;
  counts_ = read;
}

void Trainer::roll_back(const TrainState& state) {
  const int64_t rolled_back = counts_.rolled_back + 1;
  restore(state);
  counts_.rolled_back = rolled_back;
}

}  // namespace ditharos::training

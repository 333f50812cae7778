#include <ditharos/training/trainer.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <unordered_map>
#include <utility>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/non_finite.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/nn/summary.h>
#include <ditharos/tensor/draws/batch_rows.h>
#include <ditharos/tensor/draws/default_generator.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/training/distributed/gathered_state.h>
#include <ditharos/training/distributed/step_summary.h>

namespace ditharos::training {
namespace {

constexpr const char* stream_name = "train";
constexpr double no_limit = std::numeric_limits<double>::infinity();
/// Separates the trainer's random numbers from others that a program draws with the same seed.
constexpr uint64_t stream_key = 0x747261696e;      // "train"
constexpr uint64_t validation_key = 0x76616c6964;  // "valid"
enum Purpose : uint64_t { conditions_stream, objective_stream, parts_stream, module_stream };
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

/// The samples of a shard, from what this rank has of the batch.
MicroBatch part_of(const MicroBatch& batch, const RowRange& rows) {
  const int64_t begin = rows.first - batch.first, end = begin + rows.count;
  check<ShapeError>(begin >= 0 && end <= batch.data.size(0), "[Trainer] samples ", rows.first, " to ",
                    rows.first + rows.count, " of a step are wanted, but the batch begins at ", batch.first,
                    " and has ", batch.data.size(0));
  if (rows.count == batch.data.size(0)) return batch;
  const auto cut = [&](const Tensor& x) {  // with memory of its own, so that its alignment is always the same
    return x.defined() ? kernels::to(slice(x, 0, begin, end), x.dtype()) : x;
  };
  return {cut(batch.data), cut(batch.conditions), rows.first, rows.total};
}

}  // namespace

Trainer::Trainer(nn::ModuleBase& model, models::Network network, std::shared_ptr<const models::Objective> objective,
                 std::unique_ptr<optim::Optimizer> optimizer, const TrainerConfig& config)
    : model_(model), network_(std::move(network)), objective_(std::move(objective)), optimizer_(std::move(optimizer)),
      config_(config), ranks_(config.ranks != nullptr ? *config.ranks : alone_),
      layout_(config.gradient_shards, ranks_.rank(), ranks_.size()),
      exchange_(ranks_, layout_, optimizer_->parameters()) {
  check<ConfigError>(config.class_dropout >= 0 && config.class_dropout <= 1, "class_dropout must be in [0, 1], got ",
                     config.class_dropout);
  const Autocast supported(config.precision);  // DTypeError for others
  check<ConfigError>(config.clip_norm >= 0, "clip_norm must be 0 (no clipping) or more, got ", config.clip_norm);
  static_cast<void>(optim::learning_rate(config.schedule, 0));  // checks the schedule
  nn::name_modules(model);
  const optim::Ema::Kept kept = keep_own_state();
  if (config.ema_decay != 0) ema_.emplace(model, config.ema_decay, kept);
  for (const double decay : config.more_ema_decays) {
    check<ConfigError>(ema_ && decay > 0, "of several ema_decays each must be above 0, got ", config.ema_decay, " and ",
                       decay);
    more_emas_.push_back(std::make_unique<optim::Ema>(model, decay, kept));
  }
}

/// Leaves out the optimiser's state of the parameters that other ranks update, and returns which averages are kept.
optim::Ema::Kept Trainer::keep_own_state() {
  if (ranks_.size() == 1) return {};
  const nn::NamedTensors& parameters = optimizer_->parameters();
  std::vector<bool> own;
  std::unordered_map<const TensorImpl*, bool> own_of;
  for (size_t p = 0; p < parameters.size(); ++p) {
    own.push_back(exchange_.owns(p));
    own_of[parameters[p].tensor.impl()] = own.back();
  }
  optimizer_->keep_state(own);
  return [own_of = std::move(own_of)](const Tensor& parameter) {
    const auto found = own_of.find(parameter.impl());
    return found == own_of.end() || found->second;  // every rank keeps what nobody trains
  };
}

models::Loss Trainer::loss_of(const MicroBatch& batch, Generator rng) const {
  const Autocast precision(config_.precision == DType::f32 ? autocast_dtype() : config_.precision);
  const Tensor seen = drop_conditions(batch.conditions, rng.fork(conditions_stream));
  Generator objective_rng = rng.fork(objective_stream), module_rng = rng.fork(module_stream);
  const DefaultGeneratorScope of_modules(module_rng);  // dropout without a generator depends on the step alone
  return objective_->conditional_loss(network_, seen, config_.null_condition, batch.data, objective_rng);
}

StepMetrics Trainer::step(const std::vector<MicroBatch>& batches) {
  check<Error>(!batches.empty(), "[Trainer] a step needs at least one batch");
  const StepSummary summary = gather(ranks_, run_shards(batches), exchange_);
  check<NotFiniteError>(summary.failure.empty(), summary.failure);
  for (size_t p = 0; p < summary.had_gradient.size(); ++p)
    if (summary.had_gradient[p] == 0) optimizer_->parameters()[p].tensor.set_grad({});
  StepMetrics metrics{};
  for (const StepPart& part : summary.parts) {
    metrics.loss += part.loss;
    metrics.loss_by_time.add(part.by_time);
  }
  const optim::ClipFactor gradient = gradient_factor(summary.squares);
  check_gradient_size(gradient.norm * gradient.factor, summary.squares);
  metrics.grad_norm = gradient.norm;
  metrics.lr = optim::learning_rate(config_.schedule, steps_);
  optimizer_->step(metrics.lr, gradient.factor, ema());
  for (const auto& ema : more_emas_) ema->update();
  exchange_.share_parameters();
  ++steps_;
  if (has_times()) counts_.losses.add(metrics.loss_by_time);
  counts_.skipped_in_succession = 0;
  return metrics;
}

/// The losses and gradients of this rank's shards, and the sum of all ranks' gradients.
StepSummary Trainer::run_shards(const std::vector<MicroBatch>& batches) {
  StepSummary summary;
  exchange_.begin();
  try {
    for (int64_t s = 0; s < layout_.own_shards(); ++s) {
      run_shard(batches, layout_.first_shard() + s, summary.parts);
      if (s + 1 < layout_.own_shards()) exchange_.end_shard();
    }
  } catch (const NotFiniteError& error) {
    if (ranks_.size() == 1) throw;
    summary.failure = error.what();  // the other ranks wait for messages, and then all throw
  }
  exchange_.finish();
  const nn::NamedTensors& parameters = optimizer_->parameters();
  for (size_t p = 0; p < parameters.size(); ++p) summary.had_gradient.push_back(exchange_.had_gradient(p) ? 1 : 0);
  summary.squares = optim::gradient_squares(parameters);
  return summary;
}

/// Accumulates the gradients of one shard of every batch.
void Trainer::run_shard(const std::vector<MicroBatch>& batches, int64_t shard, std::vector<StepPart>& parts) {
  const Generator rng = Generator(config_.seed).fork(stream_key).fork(uint64_t(steps_));
  int64_t samples = 0;
  for (const MicroBatch& batch : batches) samples += batch.samples();
  const bool last_shard = shard + 1 == layout_.first_shard() + layout_.own_shards();
  for (size_t j = 0; j < batches.size(); ++j) {
    std::string where;
    if (layout_.shards() > 1) where += ", shard " + std::to_string(shard + 1);
    if (batches.size() > 1) where += ", part " + std::to_string(j + 1);
    const RowRange rows = layout_.rows(shard, batches[j].samples());
    const BatchRows draws(rows);
    std::optional<GradientExchange::Overlap> overlap;
    if (last_shard && j + 1 == batches.size()) overlap.emplace(exchange_);
    parts.push_back(accumulate(part_of(batches[j], rows), j == 0 ? rng : rng.fork(parts_stream).fork(j),
                               double(rows.count) / double(samples), where));
  }
}

/// Adds `share` of the loss's gradient to those of the parts before it.
StepPart Trainer::accumulate(const MicroBatch& batch, const Generator& rng, double share, const std::string& where) {
  const models::Loss loss = loss_of(batch, rng);
  const double value = loss.total.item();
  if (!std::isfinite(value)) explain_bad_loss(value, batch, rng, where);
  if (!audited_) nn::audit(loss.total, model_);
  audited_ = true;
  (share == 1 ? loss.total : loss.total * share).backward();
  return {share * value, by_time(loss)};
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
  const size_t ranks = size_t(ranks_.size()), count = size_t(bins) * batches.size();
  std::vector<LossByTime> own;  // of the batches and bins ranks, ranks + rank, 2 * ranks + rank, ...
  for (size_t i = size_t(ranks_.rank()); i < count; i += ranks) {
    const size_t bin = i / batches.size(), j = i % batches.size();
    Generator rng = Generator(config_.seed).fork(validation_key).fork(bin).fork(j);
    own.push_back(by_time(objective_->loss_at(network_, batches[j].conditions, config_.null_condition, batches[j].data,
                                              (double(bin) + .5) / LossByTime::bins, rng)));
  }
  std::vector<std::vector<LossByTime>> of_ranks;
  for (const std::string& bytes : ranks_.all_gather(bytes_of(own)))
    of_ranks.push_back(values_of_bytes<LossByTime>(bytes));
  LossByTime losses;
  for (size_t i = 0; i < count; ++i) losses.add(of_ranks[i % ranks].at(i / ranks));
  return losses;
}

std::string Trainer::summary(const MicroBatch& batch) {
  return nn::summary(model_, [&] { return loss_of(batch, Generator(config_.seed)).total; });
}

optim::ClipFactor Trainer::gradient_factor(const std::vector<double>& squares) const {
  const double limit = config_.clip_norm > 0 ? config_.clip_norm : no_limit;
  try {
    return optim::clip_factor(optimizer_->parameters(), squares, limit);
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

void Trainer::check_gradient_size(double norm, const std::vector<double>& squares) const {
  const nn::NamedTensors& parameters = optimizer_->parameters();
  const bool f64 = parameters[0].tensor.dtype() == DType::f64;
  const double limit = std::sqrt(f64 ? std::numeric_limits<double>::max() : double(std::numeric_limits<float>::max()));
  if (norm <= limit) return;
  const size_t most = size_t(std::max_element(squares.begin(), squares.end()) - squares.begin());
  fail<NotFiniteError>("the gradient of step ", steps_, " has the norm ", scientific_text(norm, 2), ", and from ",
                       scientific_text(limit, 2), " on its squares overflow; the largest part is that of ",
                       parameters[most].name, ": a smaller learning rate or clipping helps");
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
  fail<NotFiniteError>(
      what, " although data and weights are finite: ",
      found.empty() ? "activations overflow" : "the first result that is not finite is that of " + found,
      "; a smaller learning rate or clipping helps");
}

void Trainer::capture(TrainState& state) {
  outline(state);
  if (ranks_.size() == 1) return;
  std::vector<int> keepers;
  for (const size_t p : optimizer_->state_parameters()) keepers.push_back(exchange_.owner(p));
  gather_on_root(ranks_, state.optimizer, keepers);
  if (ema_) gather_on_root(ranks_, state.ema, keepers_of(ema_->averaged_tensors()));
  for (size_t i = 0; i < more_emas_.size(); ++i)
    gather_on_root(ranks_, state.more_averages[i].tensors, keepers_of(more_emas_[i]->averaged_tensors()));
}

/// The ranks that keep the averages of these tensors of the model.
std::vector<int> Trainer::keepers_of(const std::vector<Tensor>& tensors) const {
  std::unordered_map<const TensorImpl*, int> owner_of;
  const nn::NamedTensors& parameters = optimizer_->parameters();
  for (size_t p = 0; p < parameters.size(); ++p) owner_of[parameters[p].tensor.impl()] = exchange_.owner(p);
  std::vector<int> keepers;
  for (const Tensor& tensor : tensors) {
    const auto found = owner_of.find(tensor.impl());
    keepers.push_back(found == owner_of.end() ? 0 : found->second);
  }
  return keepers;
}

void Trainer::outline(TrainState& state) {
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
  check<ConfigError>(state.more_averages.size() == more_emas_.size(), "the checkpoint has ", state.more_averages.size(),
                     " moving averages beside the first one, this run ", more_emas_.size());
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

AveragedWeights::AveragedWeights(Trainer& trainer) : trainer_(trainer), exceptions_(std::uncaught_exceptions()) {
  if (trainer.ema() == nullptr) return;
  scope_.emplace(*trainer.ema());
  trainer.exchange_.share_parameters();
}

AveragedWeights::~AveragedWeights() {
  if (!scope_) return;
  scope_.reset();
  // After an exception the other ranks are elsewhere, and all of them end.
  if (std::uncaught_exceptions() == exceptions_) trainer_.exchange_.share_parameters();
}

}  // namespace ditharos::training

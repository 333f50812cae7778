#include <ditharos/training/train_settings.h>

#include <string>

#include <ditharos/optim/adam.h>
#include <ditharos/optim/muon.h>
#include <ditharos/tensor/error.h>

namespace ditharos::training {
namespace {

/// True for the matrices of the blocks. Modulations and embeddings are left to AdamW.
bool is_hidden_matrix(const nn::NamedTensor& p) {
  const auto has = [&](const char* part) { return p.name.find(part) != std::string::npos; };
  return p.tensor.rank() == 2 && has("blocks.") && !has("adaLN_modulation");
}

}  // namespace

void check_schedule(const TrainSettings& train) {
  check<ConfigError>(train.final_learning_rate <= train.learning_rate,
                     "final_learning_rate = ", train.final_learning_rate,
                     " is above learning_rate = ", train.learning_rate);
}

void check_output(const OutputSettings& output) {
  check<ConfigError>(output.keep_best == 0 || output.validate_every > 0, "keep_best = ", output.keep_best,
                     " keeps checkpoints by their validation loss: it needs a validate_every above 0");
}

const std::set<std::string>& changeable_settings() {
  static const std::set<std::string> names{"steps",    "learning_rate", "final_learning_rate", "warmup",
                                           "schedule", "precision",     "on_not_finite",       "most_not_finite"};
  return names;
}

int64_t warmup_steps(const TrainSettings& train) {
  const bool fits = !optim::has_end(train.schedule) || train.warmup < train.steps;
  return fits ? train.warmup : train.steps / 10;
}

TrainerConfig trainer_config(const TrainSettings& train) {
  TrainerConfig config;
  config.seed = train.seed;
  config.precision = precision_dtype(train.precision);
  config.clip_norm = train.clip;
  config.gradient_shards = train.gradient_shards;
  if (!train.ema_decay.empty()) {
    config.ema_decay = train.ema_decay[0];
    config.more_ema_decays.assign(train.ema_decay.begin() + 1, train.ema_decay.end());
  }
  config.schedule = {.lr = train.learning_rate,
                     .warmup_steps = warmup_steps(train),
                     .decay = train.schedule,
                     .total_steps = train.steps,
                     .final_fraction = train.final_learning_rate / train.learning_rate};
  return config;
}

std::unique_ptr<optim::Optimizer> make_optimizer(nn::ModuleBase& model, const TrainSettings& train) {
  const optim::AdamOptions adam{.beta1 = train.betas[0], .beta2 = train.betas[1], .weight_decay = train.weight_decay};
  const nn::NamedTensors parameters = nn::named_parameters(model);
  if (train.optimizer == OptimizerKind::adamw) return std::make_unique<optim::AdamW>(parameters, adam);
  const auto [matrices, others] = optim::partition(parameters, is_hidden_matrix);
  return std::make_unique<optim::Muon>(matrices, others, optim::MuonOptions{.weight_decay = train.weight_decay}, adam);
}

}  // namespace ditharos::training

#include <ditharos/training/classifier.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/loading/loader.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/optim/adam.h>
#include <ditharos/optim/schedule.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/training/checkpoint/checkpoint.h>
#include <ditharos/training/run/run_folder.h>

namespace ditharos::training {
namespace {

constexpr const char* kind = "image-classifier";

models::ClassifierConfig config_for(const data::Dataset& dataset) {
  return {.channels = dataset.channels(),
          .height = dataset.height(),
          .width = dataset.width(),
          .classes = dataset.num_classes()};
}

uint32_t checksum(const Tensor& x) {
  return x.dtype() == DType::u8 ? crc32c(x.data<uint8_t>(), static_cast<size_t>(x.numel()))
                                : crc32c(x.data<int64_t>(), static_cast<size_t>(x.numel()) * sizeof(int64_t));
}

/// The model in the file, or nothing and the reason.
std::optional<models::ConvClassifier> read_classifier(const std::string& path, const models::ClassifierConfig& config,
                                                      const std::string& fingerprint, std::string& complaint) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    const TrainState state = load_checkpoint(path);
    check<IoError>(state.kind == kind && state.configuration == fingerprint, path,
                   " holds another model than its name says");
    Generator rng(0);
    models::ConvClassifier model(config, rng);
    nn::load_state_dict(model, state.model);
    nn::set_training(model, false);
    return model;
  } catch (const Error& e) {
    complaint = e.what();
    return std::nullopt;
  }
}

}  // namespace

models::ConvClassifier train_classifier(const data::Dataset& dataset, const ClassifierTraining& training,
                                        const ClassifierProgress& progress) {
  data::Loader loader(std::make_shared<data::Dataset>(dataset),
                      {.batch_size = std::min(training.batch_size, dataset.size()),
                       .seed = training.seed,
                       .horizontal_flip = training.horizontal_flip});
  Generator rng(training.seed);
  models::ConvClassifier model(config_for(dataset), rng);
  optim::AdamW optimizer(nn::named_parameters(model), {.weight_decay = training.weight_decay});
  const int64_t total = training.epochs * loader.batches_per_epoch();
  const optim::Schedule schedule{.lr = training.learning_rate,
                                 .warmup_steps = std::min<int64_t>(100, total / 10),
                                 .decay = optim::Decay::linear,
                                 .total_steps = total};
  if (progress) progress(0, total, std::numeric_limits<double>::quiet_NaN());
  for (int64_t step = 0; step < total; ++step) {
    const data::Batch batch = loader.next();
    const Tensor loss = cross_entropy(model(batch.images()), batch.labels);
    if (step == 0) nn::audit(loss, model);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step(optim::learning_rate(schedule, step));
    if (progress) progress(step + 1, total, loss.item());
  }
  nn::set_training(model, false);
  return model;
}

std::string classifier_fingerprint(const data::Dataset& dataset, const ClassifierTraining& training) {
  const auto line = [](const char* key, const std::string& value) { return key + (" = " + value + "\n"); };
  return line("layout", "1") +  // increase it when the network or its training changes
         line("images", std::to_string(checksum(dataset.images()))) +
         line("labels", std::to_string(checksum(dataset.labels()))) + line("count", std::to_string(dataset.size())) +
         line("channels", std::to_string(dataset.channels())) + line("height", std::to_string(dataset.height())) +
         line("width", std::to_string(dataset.width())) + line("classes", std::to_string(dataset.num_classes())) +
         line("epochs", std::to_string(training.epochs)) + line("batch_size", std::to_string(training.batch_size)) +
         line("learning_rate", shortest(training.learning_rate)) +
         line("weight_decay", shortest(training.weight_decay)) +
         line("horizontal_flip", training.horizontal_flip ? "true" : "false") +
         line("seed", std::to_string(training.seed));
}

CachedClassifier cached_classifier(const std::string& folder, const data::Dataset& dataset,
                                   const ClassifierTraining& training, const ClassifierProgress& progress) {
  return cached_classifier(
      folder, classifier_fingerprint(dataset, training), dataset, [&] { return dataset; }, training, progress);
}

CachedClassifier cached_classifier(const std::string& folder, const std::string& fingerprint, const data::Dataset& like,
                                   const std::function<data::Dataset()>& make, const ClassifierTraining& training,
                                   const ClassifierProgress& progress) {
  const std::string name = "classifier-" + std::to_string(crc32c(fingerprint.data(), fingerprint.size())) + ".ckpt";
  const RunFolder cache(folder);  // before the training: a folder that cannot be written is known at once
  const std::string path = cache.file(name);
  std::string complaint;
  if (auto model = read_classifier(path, config_for(like), fingerprint, complaint)) {
    return {std::move(*model), path, true, ""};
  }
  models::ConvClassifier model = train_classifier(make(), training, progress);
  TrainState state;
  state.kind = kind;
  state.configuration = fingerprint;
  state.model = nn::named_tensors(model);
  check_finite(state);
  save_checkpoint(path, state);
  return {std::move(model), path, false, complaint};
}

}  // namespace ditharos::training

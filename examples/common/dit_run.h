#pragma once
// What a run of a picture DiT is made of, and its table of settings: shared by the programs that train, sample and
// judge.
#include <cstdint>
#include <functional>
#include <string>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/samplers/sampler.h>
#include "examples/cli/training_settings.h"

namespace ditharos::examples {

/// Everything that the configuration file and the flags decide. The defaults train on 28x28 pictures.
struct DiTRun {
  struct Data {
    std::string data = "shapes";
    bool horizontal_flip = false;
  } data;
  models::DiTConfig model{.height = 28, .width = 28, .channels = 1, .patch = 4, .hidden = 96, .depth = 4, .heads = 4,
                          .classes = 10, .learn_sigma = false};
  models::DiffusionConfig process;
  training::TrainSettings train;
  training::OutputSettings output;
  models::SamplerConfig sampler;
};

/// Rows for all of it. `run` must outlive the settings.
void describe(Settings& settings, DiTRun& run);
/// The rows of [sample] alone.
void describe_sampling(Settings& settings, models::SamplerConfig& sampler);

/// Derives what follows from other settings and checks that all fits together; ConfigError in one sentence otherwise.
void settle(DiTRun& run);
/// The same for what does not depend on the data; before they are read.
void settle_without_data(const DiTRun& run);
/// Takes height, width, channels and classes from the data set, then settles.
void fit_to_data(DiTRun& run, const data::Dataset& dataset);

/// What to draw: `per_class` samples of every class, class after class (per_class^2 for a model without classes), from
/// noise that depends on `seed` and `round` alone; another round draws other pictures.
struct SampleRequest {
  Tensor labels;  // i64 [N], or undefined
  Tensor noise;   // [N, C, H, W]
};
SampleRequest request_samples(const models::DiTConfig& model, int64_t per_class, uint64_t seed, int64_t round = 0);
/// `per_class` samples of each of these classes, in this order. Each picture is the one that it is among those of all
/// classes; where a class comes again, it gets the pictures of the next round.
SampleRequest request_classes(const models::DiTConfig& model, const std::vector<int64_t>& classes, int64_t per_class,
                              uint64_t seed);

/// Samples for the request in batches of at most `batch`, in [-1, 1] up to overshoot: [N, C, H, W]. The model must be
/// in evaluation mode.
Tensor sample_all(const models::DiT& model, const DiTRun& run, const SampleRequest& request, uint64_t seed,
                  const std::function<void(double share)>& progress = {}, int64_t batch = 128);

}  // namespace ditharos::examples

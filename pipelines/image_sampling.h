#pragma once
// Images from a trained diffusion transformer.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/text/tokenizer.h>
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/samplers/config.h>
#include <ditharos/training/distributed/communicator.h>

namespace ditharos::pipelines {

/// What to sample. Image i of a class depends only on (seed, class, per_class, i), not on the other classes of the
/// request. A class that is listed twice gets different images each time.
struct ImageRequest {
  std::vector<int64_t> classes = {};  ///< in this order; empty: every class. Empty for a model without classes
  int64_t per_class = 1;              ///< images of each class
  /// Of a model without classes: images in all; default: per_class^2.
  std::optional<int64_t> unconditional = {};
  uint64_t seed = 0;
  training::Communicator* ranks = nullptr;  ///< that share the batches; null: this process draws all
};

/// What to sample from a model of prompts. Image i of prompt k depends only on (seed, k, per_prompt, i) and the prompt.
struct PromptRequest {
  std::vector<std::string> prompts;
  int64_t per_prompt = 1;  ///< images of each prompt
  uint64_t seed = 0;
  training::Communicator* ranks = nullptr;  ///< as in ImageRequest
};

/// The class of each image of the request, in order; empty for a model without classes. ConfigError for a class that
/// the model does not know, and for a request whose labels and noise do not fit into memory.
[[nodiscard]] std::vector<int64_t> request_labels(const models::DiTConfig& model, const ImageRequest& request);
/// The number of images of the request; ConfigError or ShapeError for more than memory can hold.
[[nodiscard]] int64_t request_count(const models::DiTConfig& model, const ImageRequest& request);
/// The noise that the request's images begin with, standard normal [N, C, H, W].
[[nodiscard]] Tensor request_noise(const models::DiTConfig& model, const ImageRequest& request);

/// The request's images, sampled in batches of at most `batch`: f32 [N, C, H, W] in [-1, 1] up to overshoot. The model
/// must be in evaluation mode. Output channels of a variance that the process does not learn are ignored, as of the
/// released SiT. `progress` gets the share of the work that is done. ConfigError for a model of prompts. Records no
/// graph. Collective when the request has ranks: the images come out on rank 0, an undefined tensor on the others.
Tensor sample_images(const models::DiT& model, const models::DiffusionConfig& process,
                     const models::SamplerConfig& sampler, const ImageRequest& request,
                     const std::function<void(double share)>& progress = {}, int64_t batch = 128);

/// The same for the prompts of a request, in their order. ConfigError for a model without prompts, for a request of
/// none, and for a prompt that is empty or too long.
Tensor sample_images(const models::DiT& model, const data::Tokenizer& tokenizer, const models::DiffusionConfig& process,
                     const models::SamplerConfig& sampler, const PromptRequest& request,
                     const std::function<void(double share)>& progress = {}, int64_t batch = 128);

}  // namespace ditharos::pipelines

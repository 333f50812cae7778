#pragma once
// What an image model has besides its transformer: classes or a tokenizer, and the autoencoder of its latents.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/loading/batch.h>
#include <ditharos/data/text/tokenizer.h>
#include <ditharos/models/dit/latent_dit.h>
#include <ditharos/training/checkpoint/checkpoint.h>

namespace ditharos::pipelines {

/// TrainState::kind of the checkpoints.
inline constexpr const char* image_checkpoint_kind = "dit";

/// What the images of a model are conditioned on.
enum class ImageCondition {
  automatic,  ///< classes where the data have any, else captions where they have any, else nothing
  classes,
  text,  ///< captions; of images without captions of their own the names of their classes
  none
};

/// An image is a clip of one frame: the model is a LatentDiT, whose transformer takes labels or prompts.
struct ImageParts {
  std::vector<std::string> class_names = {};      ///< none: the model takes no labels
  std::optional<data::Tokenizer> tokenizer = {};  ///< of a model of prompts
  /// The text that describes the autoencoder in files (stored_autoencoder.h); empty: the model works on pixels.
  std::string autoencoder = {};
};

/// The parts of a new model of these data, without an autoencoder. The tokenizer learns at most `vocabulary` tokens
/// from the first `caption_count` captions. ConfigError where the data lack the wanted condition.
[[nodiscard]] ImageParts new_image_parts(const data::DataSource& source, ImageCondition wanted, int64_t vocabulary,
                                         int64_t caption_count);
/// The configuration with the classes and the vocabulary of these parts.
[[nodiscard]] models::DiTConfig fitted(models::DiTConfig config, const ImageParts& parts);

/// The conditions of a batch: labels i64 [B], the tokens of its captions i64 [B, length], or undefined.
[[nodiscard]] Tensor conditions_of(const ImageParts& parts, const models::DiTConfig& model, const data::Batch& batch);
/// "No class" or "no prompt", as the condition of one sample.
[[nodiscard]] Tensor null_condition(const ImageParts& parts, const models::DiTConfig& model);

/// The autoencoder of these parts with random weights, which a checkpoint fills in; none for a model of pixels. The
/// errors of read_autoencoder_architecture.
[[nodiscard]] std::optional<models::Autoencoder> build_autoencoder(const ImageParts& parts, const std::string& path);
/// The module whose tensors a checkpoint holds: with an autoencoder the whole model, else the transformer alone.
[[nodiscard]] nn::ModuleBase& stored_module(models::LatentDiT& model);
/// Images [N, C, H, W] in [-1, 1], up to overshoot, of what the transformer samples, decoded one after another; the
/// same tensor for a model of pixels. Records no graph.
[[nodiscard]] Tensor decode_images(const models::LatentDiT& model, const Tensor& latents);

/// Writes kind, size and parts into a state that a trainer captured, so that ImagePipeline can read its checkpoint. The
/// state's configuration is the training program's. `model` gives the sizes of the latents, or pixels.
void describe_image_checkpoint(training::TrainState& state, const models::DiTConfig& model, const ImageParts& parts);
/// The parts that a checkpoint describes. IoError naming `path` for damaged metadata.
[[nodiscard]] ImageParts read_image_parts(const std::map<std::string, std::string>& metadata, const std::string& path);

}  // namespace ditharos::pipelines

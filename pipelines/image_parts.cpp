#include <ditharos/pipelines/image_parts.h>

#include <algorithm>
#include <charconv>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/pipelines/prompts.h>
#include <ditharos/pipelines/stored/stored_autoencoder.h>

namespace ditharos::pipelines {
namespace {

std::string class_entry(int64_t label) { return "class " + std::to_string(label); }

/// The captions that are not empty among the first `count`.
std::vector<std::string> captions_of(const data::DataSource& source, int64_t count) {
  std::vector<std::string> captions;
  for (int64_t i = 0; i < std::min(count, source.size()); ++i)
    if (std::string caption = source.caption(i); !caption.empty()) captions.push_back(std::move(caption));
  return captions;
}

}  // namespace

ImageParts new_image_parts(const data::DataSource& source, ImageCondition wanted, int64_t vocabulary,
                           int64_t caption_count) {
  ImageParts parts;
  const bool classes = source.num_classes() > 0;
  check<ConfigError>(wanted != ImageCondition::classes || classes,
                     "condition = \"class\" needs images with classes, "
                     "and these have none: choose text, none or auto");
  if (wanted == ImageCondition::none) return parts;
  if (classes && wanted != ImageCondition::text) {
    parts.class_names = source.class_names();
    return parts;
  }
  const std::vector<std::string> captions = captions_of(source, caption_count);
  check<ConfigError>(wanted != ImageCondition::text || !captions.empty(), "condition = \"text\" needs images with ",
                     "captions, and the first ", std::min(caption_count, source.size()), " have none: list them in ",
                     "metadata.jsonl beside the images, with file_name and text");
  if (!captions.empty()) parts.tokenizer = data::Tokenizer::train(captions, vocabulary);
  return parts;
}

models::DiTConfig fitted(models::DiTConfig config, const ImageParts& parts) {
  config.classes = static_cast<int64_t>(parts.class_names.size());
  config.text.vocabulary = parts.tokenizer ? parts.tokenizer->vocabulary() : 0;
  return config;
}

Tensor conditions_of(const ImageParts& parts, const models::DiTConfig& model, const data::Batch& batch) {
  if (parts.tokenizer) return encode_captions(*parts.tokenizer, batch.captions, model.text.length);
  return model.classes > 0 ? batch.labels : Tensor{};
}

Tensor null_condition(const ImageParts& parts, const models::DiTConfig& model) {
  return parts.tokenizer ? null_prompt(*parts.tokenizer, model.text.length) : model.null_condition();
}

std::optional<models::Autoencoder> build_autoencoder(const ImageParts& parts, const std::string& path) {
  if (parts.autoencoder.empty()) return std::nullopt;
  return read_autoencoder_architecture(parts.autoencoder, path).build();
}

nn::ModuleBase& stored_module(models::LatentDiT& model) {
  if (model.autoencoder() != nullptr) return model;
  return model.dit();
}

Tensor decode_images(const models::LatentDiT& model, const Tensor& latents) {
  if (model.autoencoder() == nullptr) return latents;
  const NoGrad no_grad;
  std::vector<Tensor> images;
  for (int64_t i = 0; i < latents.size(0); ++i) {
    const Tensor clip = unsqueeze(slice(latents, 0, i, i + 1), 1);  // of one frame
    images.push_back(select(model.from_latents(clip), 1, 0));
  }
  return cat(images, 0);
}

void describe_image_checkpoint(training::TrainState& state, const models::DiTConfig& model, const ImageParts& parts) {
  state.kind = image_checkpoint_kind;
  state.metadata["height"] = std::to_string(model.height);
  state.metadata["width"] = std::to_string(model.width);
  state.metadata["channels"] = std::to_string(model.channels);
  state.metadata["classes"] = std::to_string(model.classes);
  for (size_t i = 0; i < parts.class_names.size(); ++i) state.metadata[class_entry(int64_t(i))] = parts.class_names[i];
  if (parts.tokenizer) state.metadata["tokenizer"] = parts.tokenizer->to_text();
  if (!parts.autoencoder.empty()) state.metadata["autoencoder"] = parts.autoencoder;
}

ImageParts read_image_parts(const std::map<std::string, std::string>& metadata, const std::string& path) {
  ImageParts parts;
  if (const auto it = metadata.find("autoencoder"); it != metadata.end()) parts.autoencoder = it->second;
  if (const auto it = metadata.find("tokenizer"); it != metadata.end()) {
    try {
      parts.tokenizer = data::Tokenizer::from_text(it->second);
    } catch (const Error& e) {
      fail<IoError>("cannot use the tokenizer in \"", path, "\": ", e.what());
    }
  }
  const auto classes = metadata.find("classes");
  int64_t count = -1;
  if (classes != metadata.end())
    std::from_chars(classes->second.data(), classes->second.data() + classes->second.size(), count);
  check<IoError>(count >= 0, "\"", path, "\" does not say the classes of its images");
  check<IoError>(count == 0 || !parts.tokenizer, "\"", path, "\" describes a model of ", count, " classes and of ",
                 "prompts, and a model takes one of these");
  constexpr int64_t most_classes = 1 << 20;  // so many names take little memory
  check<IoError>(count <= most_classes, "\"", path, "\" says ", count, " classes, and at most ", most_classes,
                 " are possible");
  for (int64_t i = 0; i < count; ++i) {
    const auto it = metadata.find(class_entry(i));
    parts.class_names.push_back(it == metadata.end() ? std::to_string(i) : it->second);
  }
  return parts;
}

}  // namespace ditharos::pipelines

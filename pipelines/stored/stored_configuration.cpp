#include <ditharos/pipelines/stored/stored_configuration.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <type_traits>
#include <utility>

#include <toml++/toml.h>

#include <ditharos/data/loading/clip_buckets.h>
#include <ditharos/models/samplers/video_sampling.h>
#include <ditharos/pipelines/stored/toml_check.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::pipelines {
namespace {

/// The range of a setting. The upper bound is included.
struct Range {
  double low = -std::numeric_limits<double>::max(), high = std::numeric_limits<double>::max();
  bool open = false;  ///< the lower bound is excluded

  bool holds(double x) const { return std::isfinite(x) && (open ? x > low : x >= low) && x <= high; }
};
constexpr double most = 1 << 16;  // of every size of a model, as its configuration has it

/// A configuration's text, whose settings are read one by one; finish() refuses those that are left.
class Document {
 public:
  Document(const std::string& text, const std::string& source) : source_(source) {
    check_toml(text, source);
    try {
      root_ = toml::parse(text, source);
    } catch (const toml::parse_error& e) {
      refuse(e.source().begin, std::string(e.description()));
    }
  }

  class Section {
   public:
    Section(Document& document, const std::string& name) : document_(document), name_(name) {}

    /// Reads a setting into `variable`, which keeps its value when it is missing. The range applies to each number.
    template <class T>
    Section& take(const char* key, T& variable, const Range& range = {}) {
      const toml::node* node = document_.find(name_, key);
      if (node != nullptr && !assign(*node, variable, range)) refuse(*node, key);
      return *this;
    }
    template <class E>
      requires std::is_enum_v<E>
    Section& take(const char* key, E& variable,
                  const std::type_identity_t<std::vector<std::pair<const char*, E>>>& names) {
      const toml::node* node = document_.find(name_, key);
      if (node == nullptr) return *this;
      const auto text = node->value_exact<std::string>();
      for (const auto& [name, value] : names)
        if (text == name) return variable = value, *this;
      refuse(*node, key);
    }
    /// Skips settings that only the training uses.
    Section& pass(std::initializer_list<const char*> keys) {
      for (const char* key : keys) static_cast<void>(document_.find(name_, key));
      return *this;
    }

   private:
    template <class T>
    static bool assign(const toml::node& node, T& x, const Range&) {
      const std::optional<T> value = node.value_exact<T>();
      if (value) x = *value;
      return value.has_value();
    }
    static bool assign(const toml::node& node, int64_t& x, const Range& range) {
      return assign<int64_t>(node, x, range) && range.holds(static_cast<double>(x));
    }
    static bool assign(const toml::node& node, double& x, const Range& range) {
      // toml++ itself gives no double for an integer that has none exactly, such as 2^63 - 1.
      if (node.is_integer()) x = static_cast<double>(*node.value<int64_t>());
      return (node.is_integer() || assign<double>(node, x, range)) && range.holds(x);
    }
    template <class T>
    static bool assign(const toml::node& node, std::vector<T>& list, const Range& range) {
      if (!node.is_array()) return false;
      list.clear();
      for (const toml::node& item : *node.as_array())
        if (!assign(item, list.emplace_back(), range)) return false;
      return true;
    }
    [[noreturn]] void refuse(const toml::node& node, const char* key) const {
      document_.refuse(node.source().begin, std::string(key) + " in [" + name_ + "] has a value that it cannot have");
    }

    Document& document_;
    std::string name_;
  };

  Section section(const std::string& name) { return Section(*this, name); }
  /// Skips a section that only the training uses.
  void pass_section(const std::string& name) { passed_.insert(name); }
  /// ConfigError when there is a section or a key that was not read.
  void finish() const {
    for (const auto& [name, node] : root_) {
      const std::string section(name.str());
      if (passed_.contains(section)) continue;
      const auto taken = taken_.find(section);
      const toml::table* table = node.as_table();
      if (taken == taken_.end() || table == nullptr)
        refuse(name.source().begin, "unknown " + std::string(table ? "section " : "key ") + quote(section));
      for (const auto& [key, value] : *table) {
        if (!taken->second.contains(std::string(key.str())))
          refuse(key.source().begin, "unknown key " + quote(std::string(key.str())) + " in [" + section + "]");
      }
    }
  }

 private:
  /// The node of a key, or null; it counts as read.
  const toml::node* find(const std::string& section, const char* key) {
    taken_[section].insert(key);
    const toml::table* table = root_[section].as_table();
    return table ? table->get(key) : nullptr;
  }
  [[noreturn]] void refuse(const toml::source_position& at, const std::string& what) const {
    fail<ConfigError>(source_, ":", at.line, ":", at.column, ": ", what);
  }

  std::string source_;
  toml::table root_;
  std::map<std::string, std::set<std::string>> taken_;
  std::set<std::string> passed_;
};

TrainedClips take_clips(Document& document) {
  TrainedClips clips;
  std::string shapes = "8x32x32";
  std::vector<double> weights;
  document.section("data")
      .take("data", clips.data)
      .take("shapes", shapes)
      .take("shape_weights", weights, {.low = 0, .high = 1e9, .open = true});
  clips.shapes = data::used_shapes(data::clip_buckets(shapes, weights, 1));
  return clips;
}

void take_images(Document::Section section, data::ImageSettings& images) {
  section.take("size", images.size)
      .take("fit", images.fit, {{"crop", data::Fit::crop}, {"stretch", data::Fit::stretch}})
      .take("resample", images.resample, {{"area", data::Resample::area}, {"lanczos", data::Resample::lanczos}})
      .take("background", images.background)
      .take("on_damaged", images.on_damaged, {{"stop", data::OnDamaged::stop}, {"skip", data::OnDamaged::skip}})
      .take("coarse_labels", images.coarse_labels);
}

void take_flow(Document::Section section, models::FlowConfig& flow) {
  section
      .take("time_sampling", flow.time_sampling,
            {{"uniform", models::TimeSampling::uniform},
             {"logit_normal", models::TimeSampling::logit_normal},
             {"mode", models::TimeSampling::mode}})
      .take("logit_mean", flow.logit_mean, {-10, 10})
      .take("logit_scale", flow.logit_scale, {.low = 0, .high = 10, .open = true})
      .take("mode_scale", flow.mode_scale, {-1, 1.75})
      .take("time_scale", flow.time_scale, {1e-6, 1e6})
      .take("time_shift", flow.time_shift, {1e-6, 1e6});
}

/// The keys of [objective] that images have beside those of clips.
void take_prediction(Document::Section section, ImageModelConfig& config) {
  auto& [kind, flow, gaussian, mean_flow] = config.process;
  section
      .take("prediction", config.prediction,
            {{"standard", Prediction::standard},
             {"eps", Prediction::eps},
             {"x0", Prediction::x0},
             {"v", Prediction::v},
             {"velocity", Prediction::velocity},
             {"score", Prediction::score}})
      .take("path", flow.path,
            {{"linear", models::PathKind::linear}, {"gvp", models::PathKind::gvp}, {"vp", models::PathKind::vp}})
      .take("loss_weighting", flow.weighting,
            {{"none", models::LossWeighting::none},
             {"velocity", models::LossWeighting::velocity},
             {"likelihood", models::LossWeighting::likelihood}})
      .take("shift_base_pixels", flow.shift_base_pixels, {0, 1e9})
      .take("train_eps", flow.train_eps, {0, .25})
      .take("sample_eps", flow.sample_eps, {0, .25})
      .take("zero_terminal_snr", gaussian.zero_terminal_snr)
      .take("gaussian_loss", gaussian.loss,
            {{"mse", models::GaussianLoss::mse},
             {"rescaled_mse", models::GaussianLoss::rescaled_mse},
             {"kl", models::GaussianLoss::kl},
             {"rescaled_kl", models::GaussianLoss::rescaled_kl}})
      .take("min_snr_gamma", gaussian.min_snr_gamma, {0, 1e6})
      .take("sigma_small", config.sigma_small)
      .take("interval_share", mean_flow.interval_share, {0, 1})
      .take("adaptive_power", mean_flow.adaptive_power, {0, 10})
      .take("adaptive_offset", mean_flow.adaptive_offset, {.low = 0, .high = 1e6, .open = true})
      .take("omega", mean_flow.omega, {0, 1e6})
      .take("kappa", mean_flow.kappa, {0, std::nextafter(1., 0.)});
}

/// The keys of [sample] that images and clips have in common.
void take_sampler(Document::Section section, models::SamplerConfig& sampler, bool (*offered)(models::SamplerKind)) {
  section.take("sampler", sampler.kind, models::named_samplers(offered))
      .take("sampling_steps", sampler.steps, {1, 1000})
      .take("sampler_order", sampler.order, {1, 4})
      .take("absolute_tolerance", sampler.absolute_tolerance, {0, 1})
      .take("relative_tolerance", sampler.relative_tolerance, {0, 1})
      .take("error_control", sampler.error_control,
            {{"step", models::ErrorControl::step}, {"global", models::ErrorControl::global}})
      .take("lower_order_final", sampler.lower_order_final)
      .take("unipc_variant", sampler.unipc_variant,
            {{"bh1", models::UniPcVariant::bh1}, {"bh2", models::UniPcVariant::bh2}})
      .take("guidance_rescale", sampler.guidance.rescale, {0, 1})
      .take("feature_cache", sampler.caching.method,
            {{"none", models::CacheMethod::none},
             {"fora", models::CacheMethod::fora},
             {"taylorseer", models::CacheMethod::taylorseer}})
      .take("cache_interval", sampler.caching.interval, {1, 1000})
      .take("cache_order", sampler.caching.order, {0, 8})
      .take("guidance", sampler.guidance.scale, {0, 1e6})
      .take("guide_from", sampler.guidance.from, {0, 1})
      .take("guide_to", sampler.guidance.to, {0, 1});
}

/// The keys of [sample] that images have beside those of clips.
void take_image_sampler(Document::Section section, models::SamplerConfig& sampler) {
  section.take("guided_channels", sampler.guidance.channels, {0, most})
      .take("eta", sampler.eta, {0, 1})
      .take("clip_pixels", sampler.clip)
      .take("time_spacing", sampler.spacing,
            {{"linspace", models::TimeSpacing::linspace},
             {"leading", models::TimeSpacing::leading},
             {"trailing", models::TimeSpacing::trailing}})
      .take("karras_sigmas", sampler.karras_sigmas)
      .take("sde_diffusion", sampler.sde.form,
            {{"constant", models::DiffusionForm::constant},
             {"sbdm", models::DiffusionForm::sbdm},
             {"sigma", models::DiffusionForm::sigma},
             {"linear", models::DiffusionForm::linear},
             {"decreasing", models::DiffusionForm::decreasing},
             {"increasing_decreasing", models::DiffusionForm::increasing_decreasing}})
      .take("sde_norm", sampler.sde.norm, {0, 1e6})
      .take("last_step", sampler.sde.last_step,
            {{"none", models::LastStep::none},
             {"mean", models::LastStep::mean},
             {"tweedie", models::LastStep::tweedie},
             {"euler", models::LastStep::euler}})
      .take("last_step_size", sampler.sde.last_step_size, {.low = 0, .high = std::nextafter(1., 0.), .open = true});
}

void pass_training(Document& document) {
  document.pass_section("train");
  document.pass_section("output");
}

void take_text(Document& document, models::TextEncoderConfig& text) {
  document.section("text")
      .take("prompt_length", text.length, {2, most})
      .take("text_width", text.width, {1, most})
      .take("text_depth", text.depth, {1, most})
      .take("text_heads", text.heads, {1, most})
      .pass({"vocabulary", "caption_count"});
}

/// The keys of [model] for the axes along which the models of the DiT family differ.
void take_architecture(Document::Section section, models::DiTConfig& model) {
  section
      .take("conditioning", model.conditioning,
            {{"ada_ln_zero", models::Conditioning::ada_ln_zero},
             {"ada_ln", models::Conditioning::ada_ln},
             {"cross_attention", models::Conditioning::cross_attention},
             {"in_context", models::Conditioning::in_context},
             {"ada_ln_single", models::Conditioning::ada_ln_single}})
      .take("positions", model.positions,
            {{"sin_cos", models::Positions::sin_cos},
             {"learned", models::Positions::learned},
             {"none", models::Positions::none}})
      .take("rotary", model.rotary,
            {{"none", models::Rotary::none},
             {"spacetime", models::Rotary::spacetime},
             {"spatial", models::Rotary::spatial}})
      .take("norm", model.norm, {{"layer", models::Norm::layer}, {"rms", models::Norm::rms}})
      .take("mlp", model.mlp, {{"gelu_tanh", models::MlpKind::gelu_tanh}, {"swiglu", models::MlpKind::swiglu}})
      .take("qk_norm", model.qk_norm);
}

}  // namespace

StoredImageModel read_image_model(const std::string& text, const std::string& source) {
  StoredImageModel stored;
  auto& [model, process, prediction, sigma_small, sampler] = stored.config;
  Document document(text, source);
  document.section("data").take("data", stored.data).pass({"horizontal_flip", "condition"});
  take_images(document.section("data"), stored.images);
  int64_t patch = model.patch.height;  // its side
  document.section("model")
      .take("patch", patch, {1, most})
      .take("hidden", model.hidden, {4, most})
      .take("depth", model.depth, {1, most})
      .take("heads", model.heads, {1, most})
      .take("mlp_ratio", model.mlp_ratio, {.low = 0, .high = 1024, .open = true})
      .take("class_dropout", model.class_dropout, {0, std::nextafter(1., 0.)})
      .take("learn_sigma", model.learn_sigma)
      .pass({"autoencoder"});
  take_architecture(document.section("model"), model);
  take_text(document, model.text);
  model.patch = {1, patch, patch};
  document.section("objective")
      .take("objective", process.kind,
            {{"flow", models::ProcessKind::flow},
             {"gaussian", models::ProcessKind::gaussian},
             {"mean_flow", models::ProcessKind::mean_flow}})
      .take("noise_schedule", process.gaussian.schedule,
            {{"linear", models::BetaSchedule::linear},
             {"cosine", models::BetaSchedule::squaredcos_cap_v2},
             {"scaled_linear", models::BetaSchedule::scaled_linear},
             {"sigmoid", models::BetaSchedule::sigmoid}})
      .take("diffusion_steps", process.gaussian.steps, {2, 1e5});
  take_flow(document.section("objective"), process.flow);
  take_prediction(document.section("objective"), stored.config);
  take_sampler(document.section("sample"), sampler, [](models::SamplerKind) { return true; });
  take_image_sampler(document.section("sample"), sampler);
  pass_training(document);
  document.finish();
  return stored;
}

VideoModelConfig read_video_model(const std::string& text, const std::string& source) {
  using models::AttentionLayout;
  using models::StepEmbedding;
  VideoModelConfig config;
  models::DiTConfig& model = config.model;
  Document document(text, source);
  config.clips = take_clips(document);
  std::vector<int64_t> patch{model.patch.frames, model.patch.height, model.patch.width};
  document.section("model")
      .take("patch", patch, {1, most})
      .take("hidden", model.hidden, {1, most})
      .take("depth", model.depth, {1, most})
      .take("heads", model.heads, {1, most})
      .take("mlp_ratio", model.mlp_ratio, {.low = 0, .high = 1024, .open = true})
      .take("attention", model.attention,
            {{"joint", AttentionLayout::joint}, {"factorised", AttentionLayout::factorised}})
      .take("coordinate_octaves", model.frequency_bands, {0, 16})
      .take("qk_norm", model.qk_norm)
      .take("step_embedding", model.step_embedding,
            {{"sinusoidal", StepEmbedding::sinusoidal}, {"binary", StepEmbedding::binary}})
      .pass({"autoencoder"});
  check<ConfigError>(patch.size() == 3, source, ": patch in [model] must have 3 numbers, not ", patch.size());
  model.patch = {patch[0], patch[1], patch[2]};
  take_text(document, model.text);
  document.section("text").pass({"prompt_dropout"});
  take_flow(document.section("flow"), config.flow.flow);
  document.section("flow")
      .take("given_none", config.flow.none, {0, 1})
      .take("given_first", config.flow.first, {0, 1})
      .take("given_last", config.flow.last, {0, 1})
      .take("given_first_and_last", config.flow.first_and_last, {0, 1})
      .take("given_first_quarter", config.flow.first_quarter, {0, 1})
      .take("given_last_quarter", config.flow.last_quarter, {0, 1})
      .take("given_random", config.flow.random, {0, 1});
  bool heun = false;
  document.section("sample").take("heun", heun);
  config.sampler.kind = heun ? models::SamplerKind::heun : models::SamplerKind::euler;
  take_sampler(document.section("sample"), config.sampler, models::samples_clips);
  pass_training(document);
  document.finish();
  return config;
}

AutoencoderConfig read_autoencoder(const std::string& text, const std::string& source) {
  constexpr double most_channels = 4096;
  AutoencoderConfig config;
  Document document(text, source);
  config.clips = take_clips(document);
  take_images(document.section("data"), config.images);
  models::VideoAutoencoderConfig& sizes = config.model.sizes;
  document.section("autoencoder")
      .take("kind", config.model.kind, {{"video", models::AutoencoderKind::video}, {"kl", models::AutoencoderKind::kl}})
      .take("channels", sizes.channels, {1, 3})
      .take("latent_channels", sizes.latent_channels, {1, most_channels})
      .take("width", sizes.width, {1, most_channels})
      .take("max_width", sizes.max_width, {1, most_channels})
      .take("blocks", sizes.blocks, {1, 16})
      .take("groups", sizes.groups, {1, most_channels})
      .take("stages", sizes.stages, {0, 6})
      .take("time_stride", sizes.time_stride, {1, 4})
      .pass({"reconstruction", "kl_weight", "perceptual_weight", "classifier_clips", "classifier_epochs"});
  pass_training(document);
  document.finish();
  return config;
}

}  // namespace ditharos::pipelines

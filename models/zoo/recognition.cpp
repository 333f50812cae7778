#include <ditharos/models/zoo/recognition.h>

#include <ditharos/models/zoo/evidence.h>
#include <ditharos/models/zoo/registry.h>

namespace ditharos::models {
namespace {

/// A tensor that a layout has and no other, and who recognises the rest.
struct Signature {
  const char* tensor;
  RecognizedModel (*recognize)(const NamedShapes&, const RecognitionHints&);
};
constexpr Signature signatures[] = {
    {"x_embedder.proj.weight", recognize_official},
    {"transformer_blocks.0.norm1.emb.class_embedder.embedding_table.weight", recognize_diffusers_dit},
    {"temporal_transformer_blocks.0.scale_shift_table", recognize_latte_text},  // has parts of PixArt
    {"adaln_single.linear.weight", recognize_pixart},
    {"time_text_embed.text_embedder.linear_1.weight", recognize_sd3},
    {"encoder.conv_in.weight", recognize_autoencoder},
    {"encoder.block.0.layer.0.SelfAttention.q.weight", recognize_t5},
};

/// ConfigError unless the name is one of the registry or of a family.
void check_name(const std::string& name) {
  for (const ModelFamily family : model_families()) {
    if (name == to_text(family)) return;
  }
  if (!name.empty()) (void)zoo_model(name);
}

void check_hinted_family(const RecognitionHints& hints, ModelFamily family) {
  if (hints.model.empty()) return;
  const ZooModel* named = find_zoo_model(hints.model);
  if (named == nullptr) {
    for (const ModelFamily known : model_families()) {
      if (hints.model == to_text(known)) {
        check<ConfigError>(known == family, "the tensors are those of ", to_text(family), ", not of ", hints.model);
        return;
      }
    }
    return;
  }
  check<ConfigError>(named->family == family, "the tensors are those of ", to_text(family), ", not of ", named->name);
}

/// Classes of diffusers, whose names are in its config.json. The papers' classes have the names of the families.
constexpr std::pair<const char*, ModelFamily> classes[] = {{"DiTTransformer2DModel", ModelFamily::dit},
                                                           {"PixArtTransformer2DModel", ModelFamily::pixart},
                                                           {"LatteTransformer3DModel", ModelFamily::latte},
                                                           {"SD3Transformer2DModel", ModelFamily::sd3},
                                                           {"AutoencoderKL", ModelFamily::autoencoder_kl}};

/// ConfigError if the configuration is that of another class.
void check_class(const RecognitionHints& hints, ModelFamily family) {
  const std::string given = hints.config.text("_class_name").value_or("");
  for (const auto& [name, known] : classes)
    check<ConfigError>(given != name || family == known, hints.config.source(), " is the configuration of a ", name,
                       ", but the tensors are those of ", to_text(family));
}

/// Whether a file is the named model up to the size of its inputs and its classes, which fine-tuned models change.
bool same_size(const ModelConfig& named, const ModelConfig& seen) {
  const auto *a = std::get_if<DiTConfig>(&named), *b = std::get_if<DiTConfig>(&seen);
  if (a == nullptr || b == nullptr) return named.index() == seen.index();
  return a->hidden == b->hidden && a->depth == b->depth && a->heads == b->heads && a->patch == b->patch &&
         a->attention == b->attention && a->conditioning == b->conditioning && a->mlp_hidden() == b->mlp_hidden();
}

}  // namespace

std::string to_text(Layout layout) {
  switch (layout) {
    case Layout::official: return "official";
    case Layout::diffusers: return "diffusers";
    case Layout::ditharos: return "ditharos";
  }
  fail("there is no such layout");
}

RecognizedModel recognize_model(const std::map<std::string, Tensor>& tensors, const RecognitionHints& hints) {
  check_name(hints.model);
  const NamedShapes shapes(tensors);
  for (const Signature& signature : signatures) {
    if (!shapes.has(signature.tensor)) continue;
    RecognizedModel model = signature.recognize(shapes, hints);
    check_hinted_family(hints, model.family);
    check_class(hints, model.family);
    model.name = zoo_name(model.family, model.config);
    if (const ZooModel* named = find_zoo_model(hints.model))
      check<ConfigError>(same_size(named->config, model.config), "the tensors are not those of ", named->name,
                         ", but of ",
                         model.name.empty() ? "a " + to_text(model.family) + " of another size" : model.name);
    return model;
  }
  check<ConfigError>(!tensors.empty(), "there are no tensors");
  fail<ConfigError>("the tensors (", tensors.begin()->first, ", ...) are those of no model of the zoo, which are ",
                    "known by x_embedder.proj.weight (the papers' code), pos_embed.proj.weight (diffusers' ",
                    "transformers), encoder.conv_in.weight (AutoencoderKL) or shared.weight (T5)");
}

}  // namespace ditharos::models

#include <ditharos/models/zoo/evidence.h>

#include <cmath>

#include <ditharos/models/zoo/registry.h>

namespace ditharos::models {
namespace {

constexpr int64_t published_head = 64, xl_width = 1152;

/// The transformer whose name the hints give, if any.
const DiTConfig* named_transformer(const RecognitionHints& hints) {
  const ZooModel* model = find_zoo_model(hints.model);
  return model == nullptr ? nullptr : std::get_if<DiTConfig>(&model->config);
}

}  // namespace

void Evidence::agree(const std::string& key, int64_t value) const {
  const std::optional<int64_t> given = hints.config.integer(key);
  check<ConfigError>(!given || *given == value, hints.config.source(), " says ", key, " = ", given.value_or(0),
                     ", but the tensors are those of ", what, " with ", value);
}

void Evidence::agree(const std::string& key, bool value) const {
  const std::optional<bool> given = hints.config.flag(key);
  check<ConfigError>(!given || *given == value, hints.config.source(), " says ", key, " = ", given.value_or(false),
                     ", but the tensors are those of ", what, " with ", value);
}

int64_t Evidence::share(const std::string& name, int rank, int64_t factor) const {
  const int64_t rows = size(name, rank, 0);
  check<ConfigError>(factor > 0 && rows % factor == 0, name, " has ", rows, " rows, and in ", what,
                     " they are a multiple of ", factor);
  return rows / factor;
}

std::optional<Shape> Evidence::input(const std::string& name) const {
  const auto found = hints.inputs.find(name);
  return found == hints.inputs.end() ? std::optional<Shape>{} : found->second.shape();
}

int64_t find_heads(const Evidence& evidence, int64_t hidden, int64_t head_size, std::vector<std::string>& notes,
                   int64_t xl_head) {
  const JsonObject& config = evidence.hints.config;
  const auto heads_of = [&](int64_t size, const std::string& source) {
    check<ConfigError>(size > 0 && hidden % size == 0, source, " means heads of ", size, ", which do not divide the ",
                       "width ", hidden);
    return hidden / size;
  };
  int64_t heads = 0;
  for (const char* key : {"num_heads", "num_attention_heads"}) {
    const std::optional<int64_t> given = config.integer(key);
    if (!given) continue;
    check<ConfigError>(*given > 0 && hidden % *given == 0, config.source(), " says ", key, " = ", *given,
                       ", which does not divide the width ", hidden);
    heads = *given;
  }
  if (const std::optional<int64_t> given = config.integer("attention_head_dim")) {
    const int64_t by_size = heads_of(*given, config.source() + " says attention_head_dim = " + std::to_string(*given));
    check<ConfigError>(heads == 0 || heads == by_size, config.source(), " says num_attention_heads = ", heads,
                       " and attention_head_dim = ", *given, ", but their product is not the width ", hidden);
    heads = by_size;
  }
  if (head_size > 0) {
    const int64_t by_size = heads_of(head_size, "the shape of the norm or of the rotations of a head");
    check<ConfigError>(heads == 0 || heads == by_size, config.source(), " says ", heads, " heads, but the tensors are ",
                       "those of ", by_size);
    return by_size;
  }
  if (heads > 0) return heads;
  const DiTConfig* named = named_transformer(evidence.hints);
  if (named != nullptr && named->hidden == hidden) return named->heads;
  const int64_t rule = hidden == xl_width ? xl_head : published_head;
  check<ConfigError>(hidden % rule == 0, "the shapes do not tell the number of attention heads, and the published ",
                     "heads of ", rule, " do not divide the width ", hidden, ": give a configuration with num_heads");
  notes.push_back("the shapes do not tell the number of attention heads: " + std::to_string(hidden / rule) +
                  " of size " + std::to_string(rule) + " were assumed, as published");
  return hidden / rule;
}

InputSize find_input_size(const Evidence& evidence, const std::string& key, int64_t positions, const PatchSize& patch) {
  const auto patches = [&](const InputSize& size) { return (size.height / patch.height) * (size.width / patch.width); };
  if (const std::optional<std::vector<int64_t>> given = evidence.hints.config.integers(key)) {
    check<ConfigError>(given->size() == 1 || given->size() == 2, evidence.hints.config.source(), " says ", key,
                       " with ", given->size(), " numbers: it has one, or height and width");
    const InputSize size{given->front(), given->back()};
    check<ConfigError>(size.height > 0 && size.width > 0 && (positions == 0 || patches(size) == positions),
                       evidence.hints.config.source(), " says ", key, " = ", size.height, "x", size.width,
                       ", but the tensors are those of ", evidence.what, " with ", positions, " patches of ",
                       patch.height, "x", patch.width);
    return size;
  }
  if (const std::optional<Shape> x = evidence.input("x"); x && x->rank() >= 4) {
    const InputSize size{(*x)[x->rank() - 2], (*x)[x->rank() - 1]};
    if (positions == 0 || patches(size) == positions) return size;
  }
  const auto side = int64_t(std::llround(std::sqrt(double(positions))));
  check<ConfigError>(positions > 0 && side * side == positions,
                     "the tensors do not tell the size of the inputs: ", positions,
                     " positions are no square; give a configuration with ", key);
  return {side * patch.height, side * patch.width};
}

void set_mlp_hidden(DiTConfig& config, int64_t hidden) {
  // The published code computes the width with a ratio in double, twice rounded down for SwiGLU.
  const int64_t full = config.mlp == MlpKind::swiglu ? hidden * 3 / 2 : hidden;
  for (const int64_t candidate : {4 * config.hidden, full, full + 1, full + 2}) {
    config.mlp_ratio = double(candidate) / double(config.hidden);
    if (config.mlp_hidden() == hidden) return;
    config.mlp_ratio = std::nextafter(config.mlp_ratio, 2 * config.mlp_ratio);
    if (config.mlp_hidden() == hidden) return;
  }
  fail<ConfigError>("an MLP of hidden width ", hidden, " is no multiple of the width ", config.hidden);
}

}  // namespace ditharos::models

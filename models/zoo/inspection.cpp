#include <ditharos/models/zoo/inspection.h>

#include <cmath>

#include <ditharos/models/zoo/model_cost.h>
#include <ditharos/models/zoo/registry.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/io/text_table.h>

namespace ditharos::models {
namespace {

std::string with_commas(int64_t number) {
  std::string text = std::to_string(number);
  for (int64_t at = int64_t(text.size()) - 3; at > 0; at -= 3) text.insert(size_t(at), 1, ',');
  return text;
}

std::string gigabytes(int64_t bytes) { return fixed_text(double(bytes) / 1e9, 2) + " GB"; }

std::string list_text(const std::vector<int64_t>& list) {
  std::string text;
  for (const int64_t x : list) text += (text.empty() ? "" : ", ") + std::to_string(x);
  return text;
}

struct Describe {
  std::string operator()(const DiTConfig& c) const {
    std::string text = "width " + std::to_string(c.hidden) + ", " + std::to_string(c.depth) + " blocks, " +
                       std::to_string(c.heads) + " heads, patches of " + std::to_string(c.patch.height) + "x" +
                       std::to_string(c.patch.width) + ", inputs of ";
    if (c.frames > 1) text += std::to_string(c.frames) + "x";
    text += std::to_string(c.channels) + "x" + std::to_string(c.height) + "x" + std::to_string(c.width);
    if (c.classes > 0) text += ", " + std::to_string(c.classes) + " classes";
    return text + (c.learn_sigma ? ", learned variance" : "");
  }
  std::string operator()(const AutoencoderKLConfig& c) const {
    return "channels " + list_text(c.block_out_channels) + "; " + std::to_string(c.latent_channels) +
           " latent channels, " + std::to_string(c.stride()) + " pixels a latent";
  }
  std::string operator()(const T5Config& c) const {
    return "width " + std::to_string(c.d_model) + ", " + std::to_string(c.num_layers) + " blocks, " +
           std::to_string(c.num_heads) + " heads of " + std::to_string(c.d_kv) + ", " + std::to_string(c.vocab_size) +
           " tokens";
  }
};

}  // namespace

std::string describe_model(const RecognizedModel& model) {
  const std::string name = model.name.empty() ? to_text(model.family) + " of a size that is not published" : model.name;
  std::string text = "model: " + name + ", " + to_text(model.layout) + " names\n";
  text += "configuration: " + std::visit(Describe{}, model.config) + "\n";
  text += "parameters: " + with_commas(model_cost(model.config).parameters) + "\n";
  for (const std::string& note : model.notes) text += "note: " + note + "\n";
  return text;
}

std::string inspect_tensors(const TensorsByName& tensors, const RecognitionHints& hints) {
  std::vector<std::vector<std::string>> rows{{"tensor", "shape", "dtype", "elements"}, {}};
  int64_t elements = 0;
  for (const auto& [name, tensor] : tensors) {
    rows.push_back({name, to_text(tensor.shape()), to_text(tensor.dtype()), with_commas(tensor.numel())});
    elements += tensor.numel();
  }
  std::string text = text_table(rows, {false, false, false, true});
  text += "\n" + std::to_string(tensors.size()) + " tensors, " + with_commas(elements) + " elements\n";
  try {
    const PublishedModel model = PublishedModel::of_tensors(tensors, hints);
    const PublishedFit fit = model.fit(tensors);
    text += describe_model(model.description());
    text += fit.complete() ? "all tensors fit\n" : "what does not fit: " + to_text(fit) + "\n";
  } catch (const Error& e) {
    text += std::string("model: not recognised: ") + e.what() + "\n";
  }
  return text;
}

std::string zoo_table() {
  std::vector<std::vector<std::string>> rows{
      {"model", "parameters", "GMACs", "to train", "to sample", "tested against"}, {}};
  for (const ZooModel& model : zoo_models()) {
    const ModelCost cost = model_cost(model.config);
    rows.push_back({model.name, with_commas(cost.parameters), fixed_text(double(cost.macs) / 1e9, 2),
                    gigabytes(cost.bytes_to_train), gigabytes(cost.bytes_to_sample), model.checked});
  }
  return text_table(rows, {false, true, true, true, true, false});
}

}  // namespace ditharos::models

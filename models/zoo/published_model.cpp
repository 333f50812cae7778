#include <ditharos/models/zoo/published_model.h>

#include <algorithm>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/models/zoo/inputs.h>
#include <ditharos/models/zoo/model_cost.h>
#include <ditharos/models/zoo/named_shapes.h>
#include <ditharos/models/zoo/network.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/factory.h>

namespace ditharos::models {
namespace {

std::string names_text(const std::vector<std::string>& names) {
  constexpr size_t shown = 5;
  std::string text;
  for (size_t i = 0; i < std::min(shown, names.size()); ++i) text += (i > 0 ? ", " : "") + names[i];
  return names.size() > shown ? text + ", ..." : text;
}

std::string counted(size_t count, const std::string& rest) {
  return std::to_string(count) + (count == 1 ? " tensor is " : " tensors are ") + rest;
}

/// A file of few elements must not make a large model: `blocks.9999.x` alone would.
void check_size(const RecognizedModel& model, const TensorsByName& tensors) {
  constexpr int64_t factor = 4;  // missing tensors are reported by name
  const int64_t given = NamedShapes(tensors).elements(), expected = model_cost(model.config).stored;
  check<ConfigError>(expected / factor <= given, "the tensors have ", given, " elements, and a model of their names ",
                     "and shapes ", expected);
}

}  // namespace

std::string to_text(const PublishedFit& fit) {
  std::string text;
  const auto add = [&](const std::vector<std::string>& names, const std::string& what) {
    if (!names.empty()) text += (text.empty() ? "" : "; ") + counted(names.size(), what) + ": " + names_text(names);
  };
  add(fit.missing, "missing");
  add(fit.unexpected, "left over");
  add(fit.of_other_shape, "of another shape");
  return text;
}

PublishedModel::PublishedModel(RecognizedModel model)
    : description_(std::move(model)), network_(make_network(description_)), names_(layout_names(description_)) {}
PublishedModel::~PublishedModel() = default;
PublishedModel::PublishedModel(PublishedModel&&) noexcept = default;

PublishedModel PublishedModel::of_tensors(const TensorsByName& tensors, const RecognitionHints& hints) {
  RecognizedModel description = recognize_model(tensors, hints);
  check_size(description, tensors);
  return PublishedModel(std::move(description));
}

PublishedModel PublishedModel::from_tensors(const TensorsByName& tensors, const RecognitionHints& hints) {
  PublishedModel model = of_tensors(tensors, hints);
  model.load(tensors);
  return model;
}

nn::ModuleBase& PublishedModel::module() { return network_->module(); }
const nn::ModuleBase& PublishedModel::module() const { return network_->module(); }

std::vector<Layout> PublishedModel::layouts() const {
  std::vector<Layout> layouts;
  for (const auto& [layout, names] : names_) layouts.push_back(layout);
  return layouts;
}

const LayoutNames& PublishedModel::names(Layout layout) const {
  const auto found = names_.find(layout);
  std::string known;
  for (const auto& [other, names] : names_) known += (known.empty() ? "" : ", ") + to_text(other);
  check<ConfigError>(found != names_.end(), "a ", to_text(description_.family), " like this one has no layout ",
                     to_text(layout), "; it has ", known);
  return found->second;
}

nn::NamedTensors PublishedModel::expected(Layout layout) const {
  nn::NamedTensors tensors = nn::named_tensors(network_->module());
  const auto& computed = names(layout).computed;
  std::erase_if(tensors, [&](const nn::NamedTensor& tensor) { return computed.contains(tensor.name); });
  return tensors;
}

const nn::NameMap& PublishedModel::spelling(const TensorsByName& tensors) const {
  return nn::best_fit(names(description_.layout).spellings, tensors, expected(description_.layout));
}

PublishedFit PublishedModel::fit(const TensorsByName& tensors) const {
  const nn::NamedTensors own = expected(description_.layout);
  const nn::NameMap& map = spelling(tensors);
  const nn::NameMap::Fit names = map.fit(tensors, own);
  PublishedFit fit{names.missing, names.unexpected, {}};
  for (const auto& [name, wanted] : map.to_published(own)) {
    const auto given = tensors.find(name);
    if (given != tensors.end() && given->second.shape() != wanted.shape())
      fit.of_other_shape.push_back(name + " " + to_text(given->second.shape()) + " instead of " +
                                   to_text(wanted.shape()));
  }
  return fit;
}

void PublishedModel::load(const TensorsByName& tensors) {
  const PublishedFit fit = this->fit(tensors);
  check<ConfigError>(fit.complete(), "the tensors do not fit a ", to_text(description_.family), ": ", to_text(fit));
  spelling_ = &spelling(tensors);
  nn::load_state_dict(network_->module(), spelling_->to_own(tensors, expected(description_.layout)),
                      {.strict = false, .assign = true});
}

TensorsByName PublishedModel::tensors(Layout layout) const {
  return names(layout).spellings.front().to_published(expected(layout));
}

std::vector<std::string> PublishedModel::unused_inputs(const TensorsByName& inputs) const {
  std::set<std::string> known = network_->inputs();
  known.insert({"cotangent", "out", "mean", "logvar", "decoded"});
  std::vector<std::string> unused;
  for (const auto& [name, tensor] : inputs) {
    if (!known.contains(name) && !name.starts_with("grad.")) unused.push_back(name);
  }
  return unused;
}

TensorsByName PublishedModel::run(const TensorsByName& inputs, bool gradients) {
  gradients = gradients || inputs.contains("cotangent");
  if (!gradients) {
    const NoGrad no_grad;
    return network_->run(inputs);
  }
  nn::zero_grad(network_->module());
  TensorsByName results = network_->run(inputs);
  const Tensor& out = results.at(network_->differentiated());
  const Tensor cotangent = inputs.contains("cotangent") ? floats_input(inputs, "cotangent") : ones(out.shape());
  check<ConfigError>(cotangent.shape() == out.shape(), "cotangent has shape ", cotangent.shape(), ", and ",
                     network_->differentiated(), " ", out.shape());
  backward(out, cotangent);
  nn::NamedTensors own;
  for (const nn::NamedTensor& parameter : nn::named_parameters(network_->module()))
    own.push_back({parameter.name,
                   parameter.tensor.grad().defined() ? parameter.tensor.grad() : zeros(parameter.tensor.shape())});
  const nn::NameMap& map = spelling_ != nullptr ? *spelling_ : names(description_.layout).spellings.front();
  for (auto& [name, gradient] : map.to_published(own)) results["grad." + name] = gradient;
  for (auto& [name, tensor] : results) tensor = tensor.detach();
  return results;
}

}  // namespace ditharos::models

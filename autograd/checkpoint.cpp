#include <ditharos/autograd/checkpoint.h>

#include <unordered_set>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/dual.h>
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/tensor/draws/draw_log.h>
#include <ditharos/tensor/view.h>

namespace ditharos {
namespace {

/// x as a variable of its own. While a graph of the gradients is being made it stays connected to what it came from.
Tensor fresh_variable(const Tensor& x) {
  if (grad_enabled())
    return record("identity", views::alias(x), {x}, save_nothing, each([](const Backward& d) { return d.grad(); }),
                  [](const Tangents& d) { return d[0]; });
  const Tensor variable = views::alias(x).set_requires_grad();
  copy_tangent(x, variable);
  return variable;
}

/// x as a constant to reverse mode.
Tensor without_gradient(const Tensor& x) {
  const Tensor constant = views::alias(x);
  copy_tangent(x, constant);
  return constant;
}

/// Walks what the block has just recorded. Whatever is older than that must have been listed.
void check_all_listed(const Tensor& y, const NodeSet& listed, uint64_t begin) {
  std::vector<std::shared_ptr<Node>> found{node_of(y)};
  NodeSet seen{found[0].get()};
  for (size_t i = 0; i < found.size(); ++i) {
    const std::shared_ptr<Node> node = found[i];
    if (listed.contains(node.get())) continue;
    check<AutogradError>(node->sequence > begin, "[checkpoint] the block uses a ",
                         node->leaf.defined() ? "parameter" : "tensor that needs a gradient", " of shape ", node->shape,
                         " that is neither among its inputs nor among its parameters");
    for (const auto& producer : node->next)
      if (producer && seen.insert(producer.get()).second) found.push_back(producer);
  }
}

/// The gradients of the block's inputs and parameters, by computing it again.
Grads replay(const Backward& d, const CheckpointBlock& block, Generator rng, const DrawLog& draws, DType autocast,
             size_t input_count) {
  std::vector<Tensor> inputs(input_count), wanted;
  std::vector<size_t> places;  // of the wanted ones among the gradients
  NodeSet listed;
  std::vector<std::shared_ptr<Node>> kept;  // so that the listed ones live
  for (size_t i = 0; i < d.input_count(); ++i) {
    Tensor x = d.input(i);
    if (i < input_count) {
      if (d.needs(i)) x = fresh_variable(x);
      else if (x.defined()) x = without_gradient(x);
      inputs[i] = x;
    }
    if (const auto node = node_of(x)) {
      kept.push_back(node);
      listed.insert(node.get());
    }
    if (!d.needs(i)) continue;
    wanted.push_back(x);
    places.push_back(i);
  }
  const uint64_t begin = Node("checkpoint").sequence;
  const bool higher = grad_enabled();
  Tensor y;
  {
    const RecordingScope recording(true);
    const Autocast precision(autocast);
    const ReplayDraws again(draws);
    y = block(inputs, rng);
    check<AutogradError>(again.finished(),
                         "[checkpoint] the block draws other random numbers when it is computed "
                         "again: the first time it made ",
                         draws.size(), " draws");
  }
  Grads grads(d.input_count());
  if (!needs_grad(y)) return grads;  // a constant
  check_all_listed(y, listed, begin);
  const auto found = grad({y}, wanted, {d.grad()}, {.create_graph = higher, .independent_inputs = true});
  for (size_t k = 0; k < places.size(); ++k) grads[places[k]] = found[k];
  return grads;
}

}  // namespace

Tensor checkpoint(CheckpointBlock block, const std::vector<Tensor>& inputs, const std::vector<Tensor>& parameters,
                  Generator& rng) {
  // Recorded tangents need what the block saves.
  if (grad_enabled() && active_level() && active_level()->options.record_tangents) return block(inputs, rng);
  const Generator start = rng;
  DrawLog draws;
  Tensor y;
  {
    const RecordingScope forget(false);
    const RecordDraws notes(draws);
    y = block(inputs, rng);
  }
  std::vector<Tensor> all = inputs;
  std::unordered_set<const TensorImpl*> seen;
  for (const Tensor& p : parameters)  // one that is listed twice would get its gradient twice
    if (seen.insert(p.impl()).second) all.push_back(p);
  return record(
      "checkpoint", y, all, save_inputs,
      [block = std::move(block), start, draws = std::move(draws), autocast = autocast_dtype(),
       n = inputs.size()](const Backward& d) { return replay(d, block, start, draws, autocast, n); },
      [tangent = tangent_of(y)](const Tangents&) { return tangent; });
}

Tensor checkpoint(std::function<Tensor(const std::vector<Tensor>&)> block, const std::vector<Tensor>& inputs,
                  const std::vector<Tensor>& parameters) {
  Generator unused;
  return checkpoint([block = std::move(block)](const std::vector<Tensor>& in, Generator&) { return block(in); }, inputs,
                    parameters, unused);
}

}  // namespace ditharos

#include <ditharos/autograd/functional.h>

#include <ditharos/autograd/dual.h>
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>

namespace ditharos {
namespace {

using Tensors = std::vector<Tensor>;

/// What f is called with: the inputs themselves where the result must stay connected to them, else fresh leaves.
Tensors as_variables(const char* op, const Tensors& inputs, bool create_graph) {
  check<AutogradError>(!inputs.empty(), "[", op, "] there is no input");
  Tensors out;
  for (const Tensor& x : inputs) {
    out.push_back(create_graph && x.requires_grad() ? x : x.detach().set_requires_grad());
    if (create_graph && !x.requires_grad()) copy_tangent(x, out.back());
  }
  return out;
}

/// All nodes behind a tensor.
NodeSet nodes_behind(const Tensor& y) {
  std::vector<const Node*> found;
  NodeSet seen;
  const auto add = [&](const std::shared_ptr<Node>& node) {
    if (node && seen.insert(node.get()).second) found.push_back(node.get());
  };
  add(node_of(y));
  for (size_t i = 0; i < found.size(); ++i)
    for (const auto& producer : found[i]->next) add(producer);
  return seen;
}

/// f's result for `variables`, which stand for `inputs`. It has to depend on each of them.
Tensor evaluate(const char* op, const TensorFunction& f, const Tensors& inputs, const Tensors& variables,
                bool allow_unused) {
  const Tensor y = f(variables);
  if (allow_unused) return y;
  const NodeSet behind = nodes_behind(y);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (behind.contains(node_of(variables[i]).get())) continue;
    const auto original = node_of(inputs[i]);
    fail<AutogradError>("[", op, "] the function's result does not depend on input ", i, " of shape ",
                        inputs[i].shape(),
                        original && behind.contains(original.get())
                            ? ": it uses the tensor that was given as this input, but captured (as a module's "
                              "parameter is), not the argument that it is called with"
                            : "",
                        "; with allow_unused = true the derivative is zero");
  }
  return y;
}

/// Gradients that are zero where the outputs do not depend on an input, or on any.
Tensors grads_or_zeros(const Tensors& outputs, const Tensors& inputs, const Tensors& weights,
                       const BackwardOptions& options) {
  Tensors dependent, their_weights;
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].requires_grad()) {
      dependent.push_back(outputs[i]);
      their_weights.push_back(weights[i]);
    }
  if (!dependent.empty()) return grad(dependent, inputs, their_weights, options);
  Tensors zero;
  for (const Tensor& x : inputs) zero.push_back(zeros_like(x));
  return zero;
}

void check_like_inputs(const char* op, const Tensors& inputs, const Tensors& v) {
  check<ShapeError>(inputs.size() == v.size(), "[", op, "] ", inputs.size(), " inputs but ", v.size(), " vectors");
  for (size_t i = 0; i < v.size(); ++i) {
    check<ShapeError>(v[i].shape() == inputs[i].shape(), "[", op, "] vector ", i, " has shape ", v[i].shape(),
                      ", the input ", inputs[i].shape());
    check<DTypeError>(v[i].dtype() == inputs[i].dtype(), "[", op, "] vector ", i, " is ", v[i].dtype(), ", the input ",
                      inputs[i].dtype());
  }
}

void check_one_element(const char* op, const Tensor& output) {
  check<ShapeError>(output.numel() == 1, "[", op, "] the function must return one element, got shape ", output.shape());
}

Tensor finished(const Tensor& x, bool create_graph) { return create_graph ? x : x.detach(); }

/// d output / d x for every variable x, in the shape [output's..., x's...]. The graph is kept.
Tensors rows_of_jacobian(const Tensor& output, const Tensors& variables, bool create_graph) {
  const int64_t n = output.numel();
  const Tensor unit = eye(n, output.dtype());
  std::vector<Tensors> rows(variables.size());
  for (int64_t i = 0; i < n; ++i) {
    const Tensors one = grads_or_zeros({output}, variables, {reshape(select(unit, 0, i), output.shape())},
                                       {.retain_graph = true, .create_graph = create_graph});
    for (size_t k = 0; k < one.size(); ++k) rows[k].push_back(one[k]);
  }
  Tensors blocks;
  for (size_t k = 0; k < variables.size(); ++k) {
    Shape shape = output.shape();
    for (int64_t size : variables[k].shape()) shape.push_back(size);
    blocks.push_back(n == 0 ? zeros(shape, output.dtype()) : reshape(stack(rows[k], 0), shape));
  }
  return blocks;
}

/// f and its gradient as a graph.
struct Gradient {
  Tensors variables;
  Tensor output;
  Tensors grads;
  Gradient(const char* op, const TensorFunction& f, const Tensors& inputs, bool create_graph, bool allow_unused)
      : variables(as_variables(op, inputs, create_graph)), output(evaluate(op, f, inputs, variables, allow_unused)) {
    check_one_element(op, output);
    grads = grads_or_zeros({output}, variables, {ones_like(output)}, {.create_graph = true});
  }
};

TensorFunction of_one(const std::function<Tensor(const Tensor&)>& f) {
  return [f](const Tensors& x) { return f(x[0]); };
}

}  // namespace

Vjp vjp(const TensorFunction& f, const Tensors& inputs, const Tensor& v, bool create_graph, bool allow_unused) {
  GradMode recording(true);
  const Tensors variables = as_variables("vjp", inputs, create_graph);
  const Tensor output = evaluate("vjp", f, inputs, variables, allow_unused);
  if (!v.defined()) check_one_element("vjp", output);
  else
    check<ShapeError>(v.shape() == output.shape(), "[vjp] the vector has shape ", v.shape(), ", the output ",
                      output.shape());
  const Tensor weight = v.defined() ? v : ones_like(output);
  return {finished(output, create_graph),
          grads_or_zeros({output}, variables, {weight}, {.create_graph = create_graph})};
}

Jvp jvp(const TensorFunction& f, const Tensors& inputs, const Tensors& v, bool create_graph, bool allow_unused) {
  check_like_inputs("jvp", inputs, v);
  GradMode recording(true);
  Tensors variables = as_variables("jvp", inputs, create_graph);
  const DualLevel level({.record_tangents = create_graph});
  for (size_t i = 0; i < variables.size(); ++i) variables[i] = make_dual(variables[i], v[i]);
  const Tensor output = evaluate("jvp", f, inputs, variables, allow_unused), tangent = tangent_of(output);
  return {finished(output, create_graph),
          tangent.defined() ? finished(tangent, create_graph) : zeros(output.shape(), output.dtype())};
}

Tensors jacobian(const TensorFunction& f, const Tensors& inputs, bool create_graph, bool allow_unused) {
  GradMode recording(true);
  const Tensors variables = as_variables("jacobian", inputs, create_graph);
  return rows_of_jacobian(evaluate("jacobian", f, inputs, variables, allow_unused), variables, create_graph);
}

Tensor jacobian(const std::function<Tensor(const Tensor&)>& f, const Tensor& input, bool create_graph,
                bool allow_unused) {
  return jacobian(of_one(f), Tensors{input}, create_graph, allow_unused)[0];
}

std::vector<Tensors> hessian(const TensorFunction& f, const Tensors& inputs, bool create_graph, bool allow_unused) {
  GradMode recording(true);
  const Gradient g("hessian", f, inputs, create_graph, allow_unused);
  std::vector<Tensors> blocks;
  for (const Tensor& one : g.grads) blocks.push_back(rows_of_jacobian(one, g.variables, create_graph));
  return blocks;
}

Tensor hessian(const std::function<Tensor(const Tensor&)>& f, const Tensor& input, bool create_graph,
               bool allow_unused) {
  return hessian(of_one(f), Tensors{input}, create_graph, allow_unused)[0][0];
}

Vjp hvp(const TensorFunction& f, const Tensors& inputs, const Tensors& v, bool create_graph, bool allow_unused) {
  check_like_inputs("hvp", inputs, v);
  GradMode recording(true);
  const Gradient g("hvp", f, inputs, create_graph, allow_unused);
  return {finished(g.output, create_graph), grads_or_zeros(g.grads, g.variables, v, {.create_graph = create_graph})};
}

namespace {
/// The number of samples: the size of the mapped axes, which agree.
int64_t batch_size(const char* op, const Tensors& inputs, const std::vector<std::optional<int>>& axes) {
  std::optional<int64_t> size;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!axes[i]) continue;
    const int64_t n = inputs[i].size(normalize_axis(op, *axes[i], inputs[i].rank()));
    check<ShapeError>(!size || *size == n, "[", op, "] input ", i, " of shape ", inputs[i].shape(), " has ", n,
                      " samples, an earlier one ", size.value_or(0));
    size = n;
  }
  check<ShapeError>(size && *size > 0, "[", op, "] there is no sample to call the function for");
  return *size;
}
}  // namespace

TensorFunction vmap(TensorFunction f, std::vector<std::optional<int>> in_dims, int out_dim) {
  return [f = std::move(f), in_dims = std::move(in_dims), out_dim](const Tensors& inputs) {
    const std::vector<std::optional<int>> axes =
        in_dims.empty() ? std::vector<std::optional<int>>(inputs.size(), 0) : in_dims;
    check<ShapeError>(axes.size() == inputs.size(), "[vmap] ", inputs.size(), " inputs, but axes for ", axes.size());
    const int64_t count = batch_size("vmap", inputs, axes);
    Tensors results;
    for (int64_t k = 0; k < count; ++k) {
      Tensors sample = inputs;
      for (size_t i = 0; i < inputs.size(); ++i)
        if (axes[i]) sample[i] = select(inputs[i], *axes[i], k);
      results.push_back(f(sample));
    }
    return stack(results, out_dim);
  };
}

std::function<Tensor(const Tensor&)> vmap(std::function<Tensor(const Tensor&)> f, int in_dim, int out_dim) {
  const auto of_list = [f = std::move(f)](const Tensors& in) { return f(in[0]); };
  return [mapped = vmap(TensorFunction(of_list), {in_dim}, out_dim)](const Tensor& x) { return mapped({x}); };
}

Tensors per_sample_grads(const TensorFunction& loss, const Tensors& parameters, const Tensors& batch) {
  const int64_t count = batch_size("per_sample_grads", batch, std::vector<std::optional<int>>(batch.size(), 0));
  GradMode recording(true);
  std::vector<Tensors> rows(parameters.size());
  for (int64_t k = 0; k < count; ++k) {
    Tensors sample;
    for (const Tensor& x : batch) sample.push_back(slice(x, 0, k, k + 1));
    const Tensor one = loss(sample);
    check_one_element("per_sample_grads", one);
    const Tensors grads = grads_or_zeros({one}, parameters, {ones_like(one)}, {});
    for (size_t i = 0; i < rows.size(); ++i) rows[i].push_back(grads[i].detach());
  }
  Tensors out;
  for (const Tensors& row : rows) out.push_back(stack(row));
  return out;
}

}  // namespace ditharos

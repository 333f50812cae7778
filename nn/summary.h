#pragma once
// A summary of a model: what each module computes, how many parameters it has, and what it costs.
#include <functional>
#include <string>
#include <vector>

#include <ditharos/autograd/inspect/inspect.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// One module, including the modules below it.
struct ModuleSummary {
  std::string path;         ///< "blocks.3.attn"; empty for the model
  Shape shape;              ///< of the last result that it computed
  bool called = false;      ///< true if it computed a result, so that `shape` is valid
  int64_t parameters = 0;   ///< elements, shared ones once
  int64_t macs = 0;         ///< multiply-adds of products, attention and convolutions in the forward pass
  int64_t saved_bytes = 0;  ///< saved for the backward pass (see saved_bytes_by_op)
};

/// Runs `forward`, which calls the model and returns its result or a loss, with recording on, and adds up what happened
/// by module; the model comes first, then its modules in the order of visit(). Names the modules (name_modules).
/// Operations belong to the innermost module that was called. Random numbers that forward draws are drawn.
/// AutogradError when a Profiler watches this thread: only one can.
[[nodiscard]] std::vector<ModuleSummary> summarize(const ModuleBase& model, const std::function<Tensor()>& forward);

/// The same as a table:
///
///   module       result      parameters     MACs  saved bytes
///   ---------------------------------------------------------
///   (model)      [8, 10]          1,234    9,600        2,048
///   hidden       [8, 32]          ...
///
/// followed by a line for each tensor that has several names ("encoder.weight and decoder.weight are one tensor").
[[nodiscard]] std::string summary(const ModuleBase& model, const std::function<Tensor()>& forward);

/// The parameters' names, for print_graph, to_dot and to_html.
[[nodiscard]] TensorNames tensor_names(const ModuleBase& model);

}  // namespace ditharos::nn

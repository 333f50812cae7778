#include "tests/op_table/op_write_checks.h"

#include <algorithm>
#include <set>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/observer.h>
#include <doctest/doctest.h>
#include "tests/op_table/op_inputs.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

/// Hears of the inputs and the result of each operation, and of the operations' names.
class Listener : public Observer {
 public:
  explicit Listener(Tensors& tensors, std::set<std::string>& names) : tensors_(tensors), names_(names) {}
  void begin(const WorkItem& work) override { names_.insert(work.name); }
  void on_result(const WorkItem& work, const Tensor& result, const std::vector<Tensor>& inputs) override {
    names_.insert(work.name);
    for (const Tensor& x : inputs) tensors_.push_back(x);
    tensors_.push_back(result);
  }

 private:
  Tensors& tensors_;
  std::set<std::string>& names_;
  const ObserverScope scope_{*this};
};

/// Other values, which the operation takes too: another index or flag, a number that is larger.
void overwrite(const Tensor& x) {
  const NoGrad off;
  const Tensor same = x.detach();
  if (x.dtype() == DType::boolean) kernels::copy_into(same, equal(same, scalar(0, DType::boolean)));
  else if (is_floating(x.dtype())) kernels::copy_into(same, same * 1.5 + 1.0);
  else kernels::copy_into(same, zeros(x.shape(), x.dtype()));
}

/// One forward pass, and all that was seen on the way: each storage once.
struct Run {
  Tensors parameters, seen;
  std::set<std::string> names;
  Tensor y, weight;

  explicit Run(const Row& row) {
    const Layouts plain(row.inputs.size(), Layout::contiguous);
    const Tensors leaves = as_parameters(row, draw_leaves(row, row.cases[0], plain, DType::f32));
    parameters = parameters_of(row, leaves);
    seen = leaves;
    {
      MadeOperands made;
      const Listener listener(seen, names);
      y = row.op(leaves);
      seen.insert(seen.end(), made.tensors.begin(), made.tensors.end());
    }
    seen.push_back(y);
    keep_distinct();
    weight = kernels::to(cotangent(y), y.dtype());
  }

  Tensors gradients(bool create_graph) const {
    return grad({y}, parameters, {weight}, {.retain_graph = true, .create_graph = create_graph});
  }

  /// The gradients of a function of the gradients.
  Tensors second(const Tensors& first) const {
    Tensors outputs, weights;
    for (const Tensor& g : first)
      if (g.requires_grad()) outputs.push_back(g), weights.push_back(kernels::to(cotangent(g), g.dtype()));
    return outputs.empty() ? Tensors{} : grad(outputs, parameters, weights, {.retain_graph = true});
  }

  Tensors gradients_with(std::set<std::string>& heard) {
    const Listener listener(seen, heard);
    return gradients(true);
  }

  void keep_distinct() {
    std::set<const Storage*> storages;
    Tensors distinct;
    for (const Tensor& x : seen)
      if (x.defined() && x.numel() > 0 && storages.insert(x.storage().get()).second) distinct.push_back(x);
    seen = distinct;
  }
};

bool equal_bits(const Tensors& a, const Tensors& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same_bits);
}

class Writes {
 public:
  explicit Writes(const Row& row) : row_(row) {}

  void before_backward() {
    const Run plain(row_);
    const Tensors want = plain.gradients(false);
    for (size_t i = 0; i < plain.seen.size(); ++i) {
      Run run(row_);
      overwrite(run.seen[i]);
      expect_right_or_refused("backward", i, run, [&] { return run.gradients(false); }, want);
      expect_right_or_refused(
          "backward with create_graph", i, run, [&] { return run.gradients(true); }, plain.gradients(true));
    }
  }

  void before_second() {
    Run plain(row_);
    const Tensors want = plain.second(plain.gradients_with(plain.names));
    if (want.empty()) return;
    plain.keep_distinct();
    for (size_t i = 0; i < plain.seen.size(); ++i) {
      Run run(row_);
      const Tensors first = run.gradients_with(run.names);
      run.keep_distinct();
      overwrite(run.seen[i]);
      expect_right_or_refused("second backward", i, run, [&] { return run.second(first); }, want);
    }
  }

  /// d(y v)/dv is the y of the product's forward pass, whatever was written to it before and whatever comes after.
  void around_use() {
    for (bool before : {true, false}) {
      Run run(row_);
      if (!is_floating(run.y.dtype()) || !run.y.requires_grad() || run.y.numel() == 0) return;
      if (before) overwrite(run.y);
      const Tensor v = ones_like(run.y).set_requires_grad(), z = run.y * v;
      const Tensor want = run.y.detach() * run.weight;
      if (!before) overwrite(run.y);
      run.names.insert("mul");
      expect_right_or_refused(before ? "a product after the write" : "a product before the write", 0, run,
                              [&] { return Tensors{grad(z, v, run.weight)}; }, {want});
    }
  }

  int64_t count() const { return count_; }

 private:
  template <class F>
  void expect_right_or_refused(const std::string& what, size_t at, const Run& run, const F& gradients,
                               const Tensors& want) {
    ++count_;
    std::string problem;
    try {
      if (!equal_bits(gradients(), want)) problem = "another gradient without a word";
    } catch (const AutogradError& e) {
      const std::string message = e.what();
      const bool named = std::any_of(run.names.begin(), run.names.end(), [&](const std::string& name) {
        return message.rfind("[" + name + "] the saved ", 0) == 0;
      });
      if (!named) problem = "the message \"" + message + "\" names no operation of the graph";
    } catch (const std::exception& e) {
      problem = std::string("threw: ") + e.what();
    }
    if (!problem.empty()) FAIL_CHECK(row_.name << ", " << what << ", write to tensor " << at << ": " << problem);
  }

  const Row& row_;
  int64_t count_ = 0;
};

}  // namespace

int64_t check_writes(const Row& row) {
  if (row.order == 0) return 0;
  Writes writes(row);
  writes.before_backward();
  writes.before_second();
  writes.around_use();
  return writes.count();
}

}  // namespace ditharos::tests

#include "tests/op_table/op_checks.h"

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/parallel.h>
#include <doctest/doctest.h>
#include "tests/op_table/op_inputs.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

/// Sets the number of threads for a scope.
class Threads {
 public:
  explicit Threads(int n) : before_(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

/// An output and the gradients of <w, output> for every parameter.
struct Results {
  Tensor output;
  Tensors grads;
};

/// The first node of the graph behind x with this name exists.
bool has_recorded(const Tensor& x, const std::string& name) {
  std::vector<std::shared_ptr<Node>> stack{node_of(x)};
  while (!stack.empty()) {
    const auto node = stack.back();
    stack.pop_back();
    if (!node) continue;
    if (node->name == name) return true;
    stack.insert(stack.end(), node->next.begin(), node->next.end());
  }
  return false;
}

/// One row's checks for one case and one choice of layouts.
class Setting {
 public:
  Setting(const Row& row, const Case& shapes, const Layouts& layouts, int64_t& count)
      : row_(row), shapes_(shapes), layouts_(layouts), count_(count),
        leaves_(draw_leaves(row, shapes, layouts, DType::f64)) {}

  /// Runs a check; what it throws is a failure of its own.
  template <class F>
  void run(const char* what, const F& check) const {
    try {
      check();
    } catch (const std::exception& e) {
      expect(false, what, std::string("threw: ") + e.what());
    }
  }

  void forward(DType dtype, double tolerance) const {
    NoGrad guard;
    const Tensors operands = lay_out(leaves(dtype), shapes_, layouts_);
    const Tensor got = row_.op(operands);
    Arrays arrays;
    for (const Tensor& x : operands) arrays.emplace_back(x);
    const Array want = row_.reference(arrays);
    const std::string what = std::string("forward in ") + name_of(dtype);
    if (!expect(got.shape() == want.shape, what,
                "shape " + ditharos::to_text(got.shape()) + ", wanted " + ditharos::to_text(want.shape)))
      return;
    if (dtype == DType::bf16) expect(got.dtype() == DType::f32, what, "the result is not f32");
    near(got.to_vector<double>(), want.values, tolerance, what);
  }

  void derivatives(int order) const {
    const auto f = [&](const Tensors& x) { return row_.op(lay_out(x, shapes_, layouts_)); };
    const GradcheckResult r =
        gradcheck(f, leaves_, {.order = order, .step = row_.step, .tolerance = row_.gradcheck_tolerance});
    expect(r.ok, "derivatives", r.message);
    count_ += order - 1;
  }

  /// The first-order rule (fused kernels) against the rule that is used when the gradient is recorded itself, and the
  /// shapes of the gradients.
  void fused_against_composite(DType dtype, double tolerance) const {
    const Results fused = results(dtype, false), composite = results(dtype, true);
    const Tensors parameters = parameters_of(row_, leaves_);
    for (size_t i = 0; i < fused.grads.size(); ++i) {
      expect(fused.grads[i].shape() == parameters[i].shape() && fused.grads[i].dtype() == dtype, "gradient",
             "input " + std::to_string(i) + " got one of shape " + ditharos::to_text(fused.grads[i].shape()));
      near(fused.grads[i].to_vector<double>(), composite.grads[i].to_vector<double>(), tolerance,
           "fused against composite rule, input " + std::to_string(i));
    }
  }

  void short_against_long() const {
    const Results f32 = results(DType::f32, false), f64 = results(DType::f64, false, true);
    for (size_t i = 0; i < f32.grads.size(); ++i)
      near(f32.grads[i].to_vector<double>(), f64.grads[i].to_vector<double>(), 10 * row_.tolerance32 + 1e-6,
           "gradient in f32 against f64, input " + std::to_string(i));
  }

  void threads(DType dtype) const {
    const auto run = [&](int n) {
      Threads guard(n);
      return results(dtype, false);
    };
    const Results one = run(1);
    for (int n : {2, 3, 4}) {
      const Results many = run(n);
      const std::string what = std::to_string(n) + " threads in " + name_of(dtype);
      expect(same_bits(one.output, many.output), what, "the output differs from one thread's");
      for (size_t i = 0; i < one.grads.size(); ++i)
        expect(same_bits(one.grads[i], many.grads[i]), what, "the gradient of input " + std::to_string(i) + " differs");
    }
  }

  void refuses(DType dtype) const {
    NoGrad guard;
    bool refused = false;
    try {
      row_.op(lay_out(leaves(dtype), shapes_, layouts_));
    } catch (const DTypeError&) {
      refused = true;
    }
    expect(refused, std::string("an input of ") + name_of(dtype), "was accepted");
  }

  void records() const {
    const Tensor y = row_.op(lay_out(as_parameters(row_, leaves_), shapes_, layouts_));
    if (row_.order == 0) expect(!y.requires_grad(), "recording", "a result without gradient was recorded");
    else
      expect(y.requires_grad() && (row_.record.empty() || has_recorded(y, row_.record)), "recording",
             "the graph has no node \"" + row_.record + "\"");
  }

  void misuse() const {
    std::string message = "nothing was thrown";
    try {
      row_.misuse();
    } catch (const Error& e) {
      message = e.what();
    }
    expect(message == row_.message, "message", "got \"" + message + "\", wanted \"" + row_.message + "\"");
  }

 private:
  bool expect(bool ok, const std::string& what, const std::string& problem) const {
    ++count_;
    if (!ok)
      FAIL_CHECK(row_.name << " " << to_text(shapes_) << " (" << to_text(layouts_) << "), " << what << ": " << problem);
    return ok;
  }

  /// Relative to the largest wanted element, or to 1 when all are smaller.
  void near(const std::vector<double>& got, const std::vector<double>& want, double tolerance,
            const std::string& what) const {
    double scale = 1, worst = 0;
    size_t at = 0;
    for (double v : want) scale = std::max(scale, std::abs(v));
    for (size_t i = 0; i < want.size(); ++i) {
      const double error = got[i] == want[i] ? 0 : std::abs(got[i] - want[i]) / scale;
      if (!(error <= worst)) worst = std::isnan(error) ? INFINITY : error, at = i;
    }
    expect(worst <= tolerance, what,
           worst <= tolerance
               ? ""
               : "element " + std::to_string(at) + " is " + std::to_string(got[at]) + ", wanted " +
                     std::to_string(want[at]) + ", relative error " + std::to_string(worst * 1e9) + "e-9");
  }

  /// The leaves with floating values in `dtype`. Whole numbers are drawn anew.
  Tensors leaves(DType dtype) const {
    return is_floating(dtype) ? converted(leaves_, dtype) : draw_leaves(row_, shapes_, layouts_, dtype);
  }

  Tensors converted(Tensors tensors, DType dtype) const {
    for (size_t i = 0; i < tensors.size(); ++i)
      if (row_.inputs[i].floating()) tensors[i] = kernels::to(tensors[i], dtype);
    return tensors;
  }

  /// `rounded`: from the values that f32 has.
  Results results(DType dtype, bool create_graph, bool rounded = false) const {
    Tensors x = leaves(rounded ? DType::f32 : dtype);
    if (rounded) x = converted(x, dtype);
    x = as_parameters(row_, x);
    const Tensor y = row_.op(lay_out(x, shapes_, layouts_));
    if (row_.order == 0) return {y, {}};
    if (!cotangent_.defined()) cotangent_ = kernels::to(kernels::to(cotangent(y), DType::f32), DType::f64);
    const Tensor w = kernels::to(cotangent_, y.dtype());
    return {y.detach(), grad({y}, parameters_of(row_, x), {w}, {.create_graph = create_graph})};
  }

  const Row& row_;
  const Case& shapes_;
  const Layouts& layouts_;
  int64_t& count_;
  Tensors leaves_;
  mutable Tensor cotangent_;
};

/// Equal elements, which expansion makes, are a kink for a maximum.
bool has_ties(const Row& row, const Layouts& layouts) {
  for (size_t i = 0; i < layouts.size(); ++i)
    if (layouts[i] == Layout::expanded && row.inputs[i].kind == Values::Kind::apart) return true;
  return false;
}

void check_small(const Row& row, const Setting& s, const Layouts& layouts) {
  s.run("forward in f64", [&] { s.forward(DType::f64, row.tolerance); });
  s.run("forward in f32", [&] { s.forward(DType::f32, row.tolerance32); });
  if (row.takes == Takes::products) s.run("forward in bf16", [&] { s.forward(DType::bf16, .01); });
  if (row.takes == Takes::numbers || row.takes == Takes::anything)
    s.run("forward in i64", [&] { s.forward(DType::i64, 0); });
  if (row.takes == Takes::anything) s.run("forward in bool", [&] { s.forward(DType::boolean, 0); });
  if (row.order == 0) return;
  if (!has_ties(row, layouts)) s.run("derivatives", [&] { s.derivatives(row.order); });
  s.run("rules", [&] { s.fused_against_composite(DType::f64, 1e-10); });
  s.run("rules", [&] { s.fused_against_composite(DType::f32, 10 * row.tolerance32 + 1e-6); });
  s.run("gradient in f32", [&] { s.short_against_long(); });
}

}  // namespace

int64_t check_row(const Row& row) {
  int64_t count = 0;
  for (const Case& shapes : row.cases)
    for (const Layouts& layouts : layouts_for(shapes.size())) check_small(row, {row, shapes, layouts, count}, layouts);
  const Layouts plain(row.inputs.size(), Layout::contiguous), turned(row.inputs.size(), Layout::transposed);
  for (const Case& shapes : row.large)
    for (const Layouts& layouts : {plain, turned}) {
      const Setting s(row, shapes, layouts, count);
      s.run("forward in f32", [&] { s.forward(DType::f32, row.tolerance32); });
      s.run("threads", [&] { s.threads(DType::f32); });
      if (layouts == plain) s.run("threads", [&] { s.threads(DType::f64); });
    }
  const Setting first(row, row.cases[0], plain, count);
  for (DType dtype : {DType::f32, DType::f64}) first.run("threads", [&] { first.threads(dtype); });
  if (row.order > 0) first.run("derivatives", [&] { first.derivatives(row.order + 1); });
  if (row.takes == Takes::floating || row.takes == Takes::products) {
    for (DType dtype : {DType::i64, DType::i32, DType::u8, DType::boolean, DType::f16})
      first.run("dtype", [&] { first.refuses(dtype); });
    if (row.takes == Takes::floating) first.run("dtype", [&] { first.refuses(DType::bf16); });
  }
  if (row.takes == Takes::numbers) first.run("dtype", [&] { first.refuses(DType::boolean); });
  first.run("recording", [&] { first.records(); });
  first.run("message", [&] { first.misuse(); });
  return count;
}

void exercise(const Row& row) {
  const Layouts plain(row.inputs.size(), Layout::contiguous);
  const Tensors leaves = as_parameters(row, draw_leaves(row, row.cases[0], plain, DType::f64));
  const Tensor y = row.op(leaves);
  if (row.order == 0) return;
  for (const Tensor& g : grad({y}, parameters_of(row, leaves), {cotangent(y)}, {.create_graph = true}))
    if (g.requires_grad()) grad({g}, parameters_of(row, leaves), {cotangent(g)}, {.retain_graph = true});
}

}  // namespace ditharos::tests

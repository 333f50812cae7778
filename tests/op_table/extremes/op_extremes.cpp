#include "tests/op_table/extremes/op_extremes.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

Row& first_row(Rows& rows, const std::string& name) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
  if (found == rows.end()) throw std::logic_error("extremes for \"" + name + "\", which has no row");
  return *found;
}

Tensor tensor_of(const Array& x, DType dtype) { return kernels::to(from_vector(x.values, x.shape), dtype); }

/// One extreme in one dtype.
class Check {
 public:
  Check(const Row& row, const Extreme& e, DType dtype, std::vector<std::string>& problems, int64_t& count)
      : e_(e), op_(e.op ? e.op : row.op), dtype_(dtype), problems_(problems), count_(count),
        place_(row.name + ", " + e.what + ", " + name_of(dtype) + ", " + kernels::name_of(kernels::active_isa())) {
    Arrays held;
    for (const Array& x : e.inputs) held.emplace_back(tensor_of(x, dtype));
    answer_ = e.answer(held);
  }

  void run() {
    {
      const NoGrad guard;
      compare("value", op_(leaves(false)), answer_.value);
    }
    if (answer_.gradients.empty()) return;
    gradients("gradient", false);
    gradients("gradient with create_graph", true);
  }

 private:
  Tensors leaves(bool with_grad) const {
    Tensors out;
    for (const Array& x : e_.inputs) {
      out.push_back(tensor_of(x, dtype_));
      if (with_grad) out.back().set_requires_grad();
    }
    return out;
  }

  void gradients(const std::string& what, bool create_graph) {
    const Tensors x = leaves(true);
    const Tensor y = op_(x);
    compare("recorded value", y, answer_.value);
    if (!y.requires_grad()) return fail(what, "the result was not recorded");
    const Tensor w = e_.cotangent.values.empty() ? ones_like(y) : tensor_of(e_.cotangent, dtype_);
    const Tensors first = grad({y}, x, {w}, {.create_graph = create_graph});
    for (size_t i = 0; i < x.size(); ++i)
      compare(what + " of input " + std::to_string(i), first[i], answer_.gradients[i]);
    if (!create_graph || answer_.second.empty()) return;
    Tensor total;
    for (const Tensor& g : first)
      if (g.requires_grad()) total = total.defined() ? total + sum(g) : sum(g);
    const Tensors second = total.defined() ? grad({total}, x) : leaves(false);
    for (size_t i = 0; i < x.size(); ++i)
      compare("second derivative of input " + std::to_string(i), total.defined() ? second[i] : zeros_like(x[i]),
              answer_.second[i]);
  }

  void compare(const std::string& what, const Tensor& got, const Array& want) {
    ++count_;
    if (got.dtype() != dtype_ && !answer_.gradients.empty())
      return fail(what, std::string("has the dtype ") + name_of(got.dtype()));
    if (got.shape() != want.shape)
      return fail(what, "has the shape " + to_text(got.shape()) + ", right " + to_text(want.shape));
    const bool is_short = dtype_ == DType::f32;
    const double tolerance = is_short ? e_.tolerance32 : e_.tolerance, floor = is_short ? FLT_MIN : DBL_MIN;
    const std::vector<double> g = got.to_vector<double>(), w = tensor_of(want, dtype_).to_vector<double>();
    for (size_t i = 0; i < g.size(); ++i) {
      const bool same = g[i] == w[i] || (std::isnan(g[i]) && std::isnan(w[i]));
      if (same || std::abs(g[i] - w[i]) <= tolerance * std::abs(w[i]) + floor + e_.absolute) continue;
      char text[160];
      std::snprintf(text, sizeof text, "element %zu is %.9g, right %.9g (off by %.2g)", i, g[i], w[i],
                    std::abs(g[i] - w[i]) / std::abs(w[i]));
      fail(what, text);
    }
  }

  void fail(const std::string& what, const std::string& problem) {
    problems_.push_back(place_ + ": " + what + ": " + problem);
  }

  const Extreme& e_;
  const std::function<Tensor(const Tensors&)>& op_;
  DType dtype_;
  std::vector<std::string>& problems_;
  int64_t& count_;
  std::string place_;
  Answer answer_;
};

}  // namespace

void add_extremes(Rows& rows, const std::string& name, std::vector<Extreme> extremes) {
  Row& row = first_row(rows, name);
  std::move(extremes.begin(), extremes.end(), std::back_inserter(row.extremes));
}

void no_extremes(Rows& rows, const std::vector<std::string>& names, const std::string& reason) {
  for (const std::string& name : names) first_row(rows, name).no_extremes = reason;
}

Array line(std::vector<double> values) {
  Array out;
  out.shape = {int64_t(values.size())};
  out.values = std::move(values);
  return out;
}

Array grid(int64_t rows, int64_t columns, std::vector<double> values) {
  return reshaped(line(std::move(values)), {rows, columns});
}

Array zeros_of(const Array& x) { return Array(x.shape); }

Extreme points(const std::string& what, std::vector<double> at, Formula f, Formula derivative, Formula second) {
  const auto applied = [](const Array& x, const Formula& g) { return map(x, [&](double v) { return double(g(v)); }); };
  return {what, {line(std::move(at))}, [=](const Arrays& in) {
            Answer answer{applied(in[0], f), {applied(in[0], derivative)}};
            if (second) answer.second = {applied(in[0], second)};
            return answer;
          }};
}

Extreme pairs(const std::string& what, std::vector<double> a, std::vector<double> b, Pair f, Pair da, Pair db) {
  const auto applied = [](const Arrays& in, Pair g) {
    return zip(in[0], in[1], [g](double x, double y) { return double(g(x, y)); });
  };
  return {what, {line(std::move(a)), line(std::move(b))}, [=](const Arrays& in) {
            Answer answer{applied(in, f), {}};
            if (da) answer.gradients = {applied(in, da), applied(in, db)};
            return answer;
          }};
}

Extreme stated(const std::string& what, Arrays inputs, Array value, Arrays gradients, Arrays second) {
  return {what, std::move(inputs), [=](const Arrays&) { return Answer{value, gradients, second}; }};
}

Extreme with_op(Extreme e, std::function<Tensor(const Tensors&)> op) {
  e.op = std::move(op);
  return e;
}

std::vector<std::string> problems_at(const Row& row, const Extreme& extreme, int64_t& count) {
  std::vector<std::string> problems;
  for_each_isa([&] {
    for (DType dtype : {DType::f32, DType::f64}) {
      if (extreme.only && *extreme.only != dtype) continue;
      try {
        Check(row, extreme, dtype, problems, count).run();
      } catch (const Error& e) {
        problems.push_back(row.name + ", " + extreme.what + ": threw: " + e.what());
      }
    }
  });
  return problems;
}

}  // namespace ditharos::tests

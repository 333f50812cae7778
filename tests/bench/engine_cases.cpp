// The overhead of an operation: chains of a thousand additions of 16 numbers, and of a hundred linear layers of width
// 16, without a graph, with one, and with its backward pass.
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

using Chain = std::function<Tensor(const Tensor& x)>;

void add_chain(std::vector<Case>& cases, const std::string& name, int64_t operations, const Chain& chain,
               const Shape& shape) {
  const Tensor x = random(shape).set_requires_grad();
  const auto add = [&](const std::string& what, std::function<void()> run) {
    cases.push_back({"engine/" + name + "/" + what, [=] { return Work{.run = run, .items = double(operations)}; }});
  };
  add("no_grad", [=] {
    const NoGrad guard;
    chain(x);
  });
  add("forward", [=] { chain(x); });
  add("forward_and_backward", [=] {
    x.set_grad({});
    sum(chain(x)).backward();
  });
}

}  // namespace

void add_engine_cases(std::vector<Case>& cases) {
  constexpr int64_t additions = 1000, layers = 100, width = 16;
  add_chain(cases, "add", additions,
            [](const Tensor& x) {
              Tensor h = x;
              for (int64_t i = 0; i < additions; ++i) h = h + x;
              return h;
            },
            {width});
  add_chain(cases, "linear", layers,
            [w = random({width, width}).set_requires_grad()](const Tensor& x) {
              Tensor h = x;
              for (int64_t i = 0; i < layers; ++i) h = linear(h, w);
              return h;
            },
            {4, width});
}

}  // namespace ditharos::bench

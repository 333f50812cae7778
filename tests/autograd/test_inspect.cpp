// Texts about a recorded graph.
#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/explain.h>
#include <ditharos/autograd/inspect/inspect.h>
#include <ditharos/autograd/module_path.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/io/text_table.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_inspect {

using ditharos::tests::message_of;

namespace {
Tensor parameter(const Shape& shape) { return ones(shape).set_requires_grad(); }
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("text_table: columns") {
  CHECK_EQ(text_table({{"a", "number", "end"}, {}, {"long", "7"}, {"\xC3\xA9", "1234567", "x"}}, {false, true}),
           "a      number  end\n"
           "------------------\n"
           "long        7\n"
           "\xC3\xA9     1234567  x\n");
  CHECK_EQ(text_table({}, {}), "");
}

TEST_CASE("explain_grad: a path") {
  const Tensor x = parameter({3}), w = parameter({3});
  Tensor hidden;
  {
    const ModulePath inside("net.fc");
    hidden = exp(x * w);
  }
  const Tensor loss = sum(hidden) + sum(square(exp(hidden)));
  CHECK_EQ(explain_grad(loss, x),
           "A gradient flows from the loss [] to x [3]. The shortest path has 4 steps:\n"
           "  leaf  [3]  x\n"
           "  mul   [3]  in net.fc\n"
           "  exp   [3]  in net.fc\n"
           "  sum   []\n"
           "  add   []   the loss\n");
  CHECK(contains(explain_grad(loss, hidden), "has 2 steps"));
  CHECK(contains(explain_grad(loss, loss), "has 0 steps"));
  loss.backward();  // what was saved is gone; the way is still known
  CHECK(contains(explain_grad(loss, x), "has 4 steps"));
}

TEST_CASE("explain_grad: a graph break by detach") {
  const Tensor x = parameter({3}), w = parameter({3});
  const Tensor hidden = exp(x);
  const Tensor loss = sum(hidden.detach().reshape({3, 1}) * unsqueeze(w, 1));
  CHECK_EQ(explain_grad(loss, x),
           "No gradient flows from the loss [] to x [3].\n"
           "  leaf    [3]\n"
           "  exp     [3]\n"
           "X detach  [3]\n"
           "  mul     [3, 1]\n"
           "  sum     []      the loss\n"
           "The gradient stops at X: detach() gives the elements outside every graph.\n");
  CHECK(contains(explain_grad(sum(x.detach() * w), x), "X detach  [3]"));  // a leaf itself
  CHECK(contains(explain_grad(x.detach(), x), "X detach  [3]"));           // the loss itself
}

TEST_CASE("explain_grad: a stop-gradient beside a path") {
  const Tensor x = parameter({2});
  const std::string text = explain_grad(sum(x * x.detach() + x.detach()), x);
  CHECK(contains(text, "A gradient flows from the loss [] to x [2]. The shortest path has 3 steps:"));
  CHECK(contains(text, "Another way from x to the loss carries no gradient:\n  leaf    [2]\nX detach  [2]\n"));
}

TEST_CASE("explain_grad: a graph break by NoGrad, also through several operations") {
  const Tensor x = parameter({3}), w = parameter({3});
  Tensor frozen;
  {
    NoGrad off;
    frozen = tanh(exp(x) * 2.0);  // what lies between is gone when the question comes
  }
  const std::string text = explain_grad(sum(abs(frozen) * w), x);
  CHECK(contains(text, "X exp   [3]\n"));
  CHECK(contains(text, "The gradient stops at X: exp ran while recording was off (NoGrad).\n"));
  CHECK(contains(explain_grad(sum(w), frozen), "x was cut from the graph when it was computed:\nX exp [3]: exp ran"));
}

TEST_CASE("explain_grad: a graph break by an operation without derivative") {
  const Tensor x = parameter({3}), w = parameter({3});
  const Tensor rounded = to(to(x, DType::i64), DType::f32);
  CHECK(contains(explain_grad(sum(rounded * w), x),
                 "The gradient stops at X: to gives whole numbers, which have no "
                 "derivative.\n"));
  const Tensor mask = to(logical_and(greater(x, ones({3})), less(x, ones({}))), DType::f32);
  CHECK(contains(explain_grad(sum(mask * w), x), "The gradient stops at X: greater gives booleans"));
  const Tensor index = to(argmax(x, 0), DType::f32);
  CHECK(contains(explain_grad(sum(index * w), x), "X argmax  []\n"));
}

TEST_CASE("explain_grad: not used, no gradient required, freed") {
  const Tensor x = parameter({3}), w = parameter({2}), data = ones({3});
  CHECK_EQ(explain_grad(sum(w), x),
           "No gradient flows from the loss [] to x [3]: the loss does not use x in any way that was recorded.\n"
           "Its graph has 1 operations and 1 leaves; x is not among them.\n"
           "Elements that were read (data, item, to_vector) and put into a new tensor leave no mark.\n");
  CHECK(contains(explain_grad(sum(data), x), "The loss has no graph at all.\n"));
  CHECK(contains(explain_grad(sum(x * data), data), "for which set_requires_grad() was not called"));
  CHECK(contains(explain_grad(sum(x), ones({1}, DType::i64)), "Its dtype is i64; only f32 and f64"));
  Tensor cut;
  {
    const Tensor gone = exp(x);
    cut = gone.detach();
  }
  CHECK(contains(explain_grad(sum(w) + sum(cut), x), "this is why:\nX detach [3]: detach() gives"));
}

TEST_CASE("explain_grad: graph breaks keep no graph alive and do not accumulate") {
  const int64_t before = live_nodes();
  const Tensor x = parameter({2});
  std::vector<Tensor> history;
  for (int i = 0; i < 10; ++i) history.push_back(sum(exp(x)).detach());
  CHECK_EQ(live_nodes(), before);
  Tensor total = zeros({});
  std::vector<Tensor> parameters;
  {
    NoGrad off;
    for (int i = 0; i < 40; ++i) parameters.push_back(parameter({})), total = total + parameters.back();
  }
  const Tensor loss = total * parameter({});
  CHECK(contains(explain_grad(loss, parameters.front()), "X add"));
  CHECK(contains(explain_grad(loss, parameters.back()), "more values that were cut off than marks are kept of"));
}

TEST_CASE("explain_grad: a deep graph") {
  const Tensor x = parameter({});
  Tensor y = x;
  for (int i = 0; i < 20000; ++i) y = y + 1.0;
  CHECK(contains(explain_grad(y, x), "The shortest path has 20000 steps"));
}

TEST_CASE("print_graph: table, names, saved bytes") {
  const Tensor x = ones({4, 3}), w = parameter({3, 2}), b = parameter({2});
  Tensor y;
  {
    const ModulePath inside("fc");
    y = tanh(matmul(x, w) + b);
  }
  const Tensor loss = sum(square(y));
  const std::string text = print_graph(loss, {{"fc.weight", w}, {"fc.bias", b}});
  CHECK_EQ(text,
           "#  operation       shape   inputs  saved bytes  module\n"
           "------------------------------------------------------\n"
           "0  leaf fc.weight  [3, 2]\n"
           "1  leaf fc.bias    [2]\n"
           "2  matmul          [4, 2]  - 0              48  fc\n"
           "3  add             [4, 2]  2 1               0  fc\n"
           "4  tanh            [4, 2]  3                32  fc\n"
           "5  square          [4, 2]  4                 0\n"
           "6  sum             []      5                 0\n"
           "5 operations, 2 leaves, 80 bytes saved for the backward pass\n");
}

TEST_CASE("saved_bytes_by_op: each block of memory once, leaves apart, nothing after the backward pass") {
  const Tensor x = parameter({16});
  const Tensor y = exp(x);                 // saves its output
  const Tensor loss = sum(y * y + x * y);  // save the same again, and x
  const auto find = [&](const std::string& op) {
    for (const SavedBytes& entry : saved_bytes_by_op(loss))
      if (entry.op == op) return entry;
    return SavedBytes{};
  };
  CHECK_EQ(find("exp").bytes, 64);
  CHECK_EQ(find("mul").count, 2);
  CHECK_EQ(find("mul").bytes, 0);
  CHECK_EQ(find("mul").parameter_bytes, 64);
  CHECK_EQ(saved_bytes_by_op(loss).front().op, "exp");
  loss.backward();
  CHECK_EQ(find("exp").bytes, 0);
  CHECK_EQ(find("mul").parameter_bytes, 0);
}

TEST_CASE("saved_bytes_by_op: a rematerialization counts as what it is computed from") {
  const Tensor x = ones({2, 8}), w = parameter({8, 8}), s = parameter({8}), b = parameter({8});
  const Tensor h = linear(x, w), n = layer_norm(h, s, b);
  const Tensor loss = sum(linear(n, w));  // keeps no copy of n: it is recomputed from h, which layer_norm keeps
  int64_t bytes = 0;
  for (const SavedBytes& entry : saved_bytes_by_op(loss)) bytes += entry.bytes;
  CHECK_EQ(bytes, 2 * 64);  // x and h
}

TEST_CASE("to_dot: nodes, arrows, escaped names") {
  const Tensor x = parameter({2});
  const std::string dot = to_dot(sum(x * x), {{"a \"quoted\\ name\"\n", x}});
  CHECK(contains(dot, "n0 [label=\"leaf a \\\"quoted\\\\ name\\\"\\n\\n[2]\", shape=box"));
  CHECK(contains(dot, "n1 [label=\"mul\\n[2]\"];\n  n0 -> n1;\n  n0 -> n1;\n"));
  CHECK(contains(dot, "n1 -> n2;\n}\n"));
}

TEST_CASE("inspect: misuse") {
  const Tensor none, plain = ones({2});
  CHECK_EQ(message_of<AutogradError>([&] { explain_grad(none, plain); }), "[explain_grad] the loss is undefined");
  CHECK_EQ(message_of<AutogradError>([&] { explain_grad(plain, none); }), "[explain_grad] x is undefined");
  CHECK_EQ(message_of<AutogradError>([&] { print_graph(none); }), "[print_graph] the loss is undefined");
  CHECK_EQ(message_of<AutogradError>([&] { to_dot(plain); }),
           "[to_dot] the loss of shape [2] has no graph: it does not depend on anything that needs a gradient, or was "
           "computed under NoGrad (explain_grad says which)");
  CHECK_THROWS_AS(saved_bytes_by_op(plain), AutogradError);
}

}  // namespace ditharos::test_inspect

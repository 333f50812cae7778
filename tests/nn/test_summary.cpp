// The summary of a model.
#include <doctest/doctest.h>

#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/nn/summary.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_summary {

using ditharos::tests::message_of;

namespace {
struct Net : nn::Module<Net> {
  explicit Net(Generator& rng) : hidden(3, 32, rng), out(32, 2, rng), spare(2, 2, rng) {}
  Tensor forward(const Tensor& x) const { return out(tanh(hidden(x))); }
  void visit(nn::Visitor& v) override { v("hidden", hidden), v("out", out), v("spare", spare); }
  nn::Linear hidden, out, spare;
};
}  // namespace

TEST_CASE("summary: shapes, parameters, multiply-adds, saved bytes") {
  Generator rng(1);
  Net net(rng);
  const Tensor x = rng.normal({8, 3});
  CHECK_EQ(nn::summary(net, [&] { return net(x); }),
           "module   result   parameters   MACs  saved bytes\n"
           "------------------------------------------------\n"
           "(model)  [8, 2]          200  1,280        1,120\n"
           "hidden   [8, 32]         128    768           96\n"
           "out      [8, 2]           66    512            0\n"
           "spare    -                 6      0            0\n");
}

TEST_CASE("summary: a shared tensor counts once, a module that is called twice costs twice") {
  Generator rng(1);
  Net net(rng);
  net.spare = nn::Linear(2, 2, rng, false);
  net.spare.weight = net.hidden.weight.handle();
  const Tensor x = rng.normal({4, 3});
  const auto rows = nn::summarize(net, [&] { return net(x) + net(x); });
  CHECK_EQ(rows[0].parameters, 128 + 66);
  CHECK_EQ(rows[3].parameters, 96);
  CHECK_EQ(rows[1].macs, 2 * 4 * 3 * 32);
}

TEST_CASE("summary: a diffusion transformer") {
  Generator rng(1);
  models::DiT model({.height = 8,
                     .width = 8,
                     .channels = 2,
                     .patch = {1, 2, 2},
                     .hidden = 32,
                     .depth = 2,
                     .heads = 2,
                     .classes = 3,
                     .learn_sigma = false},
                    rng);
  const Tensor x = rng.normal({2, 2, 8, 8}), t = ones({2}), labels = zeros({2}, DType::i64);
  const auto rows = nn::summarize(model, [&] { return model(x, t, labels); });
  CHECK_EQ(rows[0].shape, Shape{2, 2, 8, 8});
  CHECK_EQ(rows[0].parameters, nn::parameter_count(model));
  int64_t blocks = 0;
  for (const auto& row : rows)
    if (row.path == "blocks.1.mlp.fc2") CHECK_EQ(row.macs, 2 * 16 * 32 * 128);
    else if (row.path == "blocks.0" || row.path == "blocks.1") blocks += row.saved_bytes;
  CHECK_GT(blocks, 0);
  CHECK_LT(blocks, rows[0].saved_bytes);
  CHECK_EQ(nn::tensor_names(model).size(), nn::named_parameters(model).size());
}

TEST_CASE("summary: misuse") {
  Generator rng(1);
  Net net(rng);
  CHECK_EQ(message_of<AutogradError>([&] { nn::summarize(net, nullptr); }), "[summarize] there is no forward function");
  CHECK_EQ(message_of<AutogradError>([&] { nn::summarize(net, [] { return Tensor(); }); }),
           "[summarize] the forward function returned an undefined tensor");
  const Profiler profiler;
  CHECK_EQ(message_of<AutogradError>([&] { nn::summarize(net, [] { return Tensor(); }); }),
           "[summarize] a profiler is watching this thread; stop it first");
}

}  // namespace ditharos::test_summary

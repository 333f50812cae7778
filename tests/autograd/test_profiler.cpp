// The profiler: what it counts, that it costs nothing when off, and that its trace is well-formed.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/random.h>
#include "tests/support/temporary_folder.h"

using namespace ditharos;

namespace {

const ProfileEvent* find(const Profiler& p, const std::string& name, WorkKind kind, const std::string& module = "") {
  for (const ProfileEvent& e : p.events())
    if (e.name == name && e.kind == kind && e.depth == 0 && (module.empty() || e.module == module)) return &e;
  return nullptr;
}

int64_t count(const Profiler& p, const std::string& name, WorkKind kind) {
  return std::count_if(p.events().begin(), p.events().end(),
                       [&](const ProfileEvent& e) { return e.name == name && e.kind == kind; });
}

models::DiTConfig small_dit() {
  return {.height = 8,
          .width = 8,
          .channels = 1,
          .patch = {1, 4, 4},
          .hidden = 16,
          .depth = 2,
          .heads = 2,
          .classes = 3,
          .learn_sigma = false};
}

}  // namespace

TEST_CASE("a product is seen forward and backward, with shape, memory and floating-point operations") {
  Generator rng(1);
  const Tensor x = rng.normal({64, 32}), w = rng.normal({48, 32}).set_requires_grad();
  Profiler profiler;
  sum(linear(x, w)).backward();
  profiler.stop();
  sum(linear(x, w));  // not seen any more

  const ProfileEvent* forward = find(profiler, "linear", WorkKind::forward);
  REQUIRE(forward);
  CHECK(forward->shape == "[64, 48]");
  CHECK(forward->flops == 2.0 * 64 * 32 * 48);
  CHECK(forward->bytes >= 64 * 48 * sizeof(float));
  CHECK(forward->end > forward->begin);
  const ProfileEvent* backward = find(profiler, "linear", WorkKind::backward);
  REQUIRE(backward);
  CHECK(backward->flops == 2.0 * 64 * 32 * 48);  // x needs no gradient, so there is one product
  CHECK(backward->begin >= forward->end);
  CHECK(count(profiler, "linear", WorkKind::forward) == 1);
  CHECK(double(profiler.events().back().end) * 1e-9 <= profiler.seconds());
}

TEST_CASE("kernels that run between operations are not taken for the next operation's time") {
  Generator rng(1);
  const Tensor x = rng.normal({4});
  Profiler profiler;
  const Tensor big = rng.normal({1 << 20});  // takes milliseconds
  const Tensor view = reshape(big, {1 << 10, 1 << 10});
  const Tensor y = exp(x);
  profiler.stop();
  const ProfileEvent* random = find(profiler, "random", WorkKind::other);
  const ProfileEvent* op = find(profiler, "exp", WorkKind::forward);
  const ProfileEvent* reshaped = find(profiler, "reshape", WorkKind::forward);
  REQUIRE(random);
  REQUIRE(op);
  REQUIRE(reshaped);
  CHECK(op->begin >= random->end);
  CHECK((op->end - op->begin) * 10 < random->end - random->begin);
  CHECK(reshaped->bytes == 0);
  CHECK((reshaped->end - reshaped->begin) * 10 < random->end - random->begin);
}

TEST_CASE("events nest or follow one another, and outermost ones do not overlap") {
  Generator rng(2);
  models::DiT model(small_dit(), rng);
  nn::name_modules(model);
  optim::AdamW optimizer(nn::named_parameters(model));
  const Tensor x = rng.normal({2, 1, 8, 8}), t = rng.uniform({2}), labels = rng.randint(0, 3, {2});
  Profiler profiler;
  mean(square(model(x, t, labels) - x)).backward();
  optimizer.step(1e-3);
  profiler.stop();
  int64_t last_end = 0;
  for (const ProfileEvent& e : profiler.events()) {
    CHECK(e.begin <= e.end);
    if (e.depth > 0) continue;
    CHECK(e.begin >= last_end);
    last_end = e.end;
  }
  CHECK(find(profiler, "optimizer step", WorkKind::optimizer));
}

TEST_CASE("modules name their operations, forward and backward") {
  Generator rng(2);
  models::DiT model(small_dit(), rng);
  const Tensor x = rng.normal({2, 1, 8, 8}), t = rng.uniform({2}), labels = rng.randint(0, 3, {2});
  SUBCASE("without names the paths are empty") {
    Profiler profiler;
    model(x, t, labels);
    profiler.stop();
    for (const ProfileEvent& e : profiler.events()) CHECK(std::string(e.module).empty());
  }
  SUBCASE("with names") {
    nn::name_modules(model);
    Profiler profiler;
    mean(square(model(x, t, labels) - x)).backward();
    profiler.stop();
    for (const WorkKind kind : {WorkKind::forward, WorkKind::backward}) {
      CHECK(find(profiler, "linear", kind, "blocks.1.attn.qkv"));
      CHECK(find(profiler, "linear", kind, "blocks.0.adaLN_modulation.1"));
      CHECK(find(profiler, "attention", kind, "blocks.1.attn"));
      CHECK(find(profiler, "linear", kind, "x_embedder"));
      CHECK(find(profiler, "linear", kind, "t_embedder.mlp.2"));
    }
    CHECK(profiler.module_table(1, 3).find("blocks.*.attn ") != std::string::npos);
    CHECK(profiler.module_table(1, 4).find("blocks.*.attn.qkv ") != std::string::npos);
  }
  CHECK(std::string(current_module_path()).empty());
}

TEST_CASE("second order: what a rule calls lies inside the rule and is not counted twice") {
  Generator rng(3);
  const Tensor x = rng.normal({16}).set_requires_grad();
  Profiler profiler;
  const Tensor g = grad(sum(exp(x)), x, {}, {.create_graph = true});
  profiler.stop();
  const ProfileEvent* rule = find(profiler, "exp", WorkKind::backward);
  REQUIRE(rule);
  const auto inner = std::find_if(profiler.events().begin(), profiler.events().end(),
                                  [](const ProfileEvent& e) { return e.depth == 1 && std::string(e.name) == "mul"; });
  REQUIRE(inner != profiler.events().end());
  CHECK(inner->kind == WorkKind::backward);
  CHECK(inner->begin >= rule->begin);
  CHECK(inner->end <= rule->end);
}

TEST_CASE("operations that are not recorded are seen as well") {
  const NoGrad no_grad;
  Profiler profiler;
  exp(ones({8}));
  profiler.stop();
  CHECK(count(profiler, "exp", WorkKind::forward) == 1);
}

TEST_CASE("one profiler at a time on a thread; a destroyed one records nothing") {
  {
    const Profiler outer;
    CHECK_THROWS_WITH_AS(Profiler(), "[Profiler] this thread is already being profiled", AutogradError);
  }
  CHECK_FALSE(observed());
  exp(ones({8}));
}

TEST_CASE("the table adds up and the trace is JSON with one entry per event") {
  Generator rng(4);
  const Tensor x = rng.normal({8, 8}).set_requires_grad();
  Profiler profiler;
  sum(matmul(x, exp(x))).backward();
  profiler.stop();
  const std::string table = profiler.table();
  for (const char* word : {"matmul", "exp", "forward", "backward", "between operations", "total"})
    CHECK_MESSAGE(table.find(word) != std::string::npos, table);

  const tests::TemporaryFolder folder;
  const std::string path = folder / "trace.json";
  profiler.save_trace(path);
  const std::string text = read_file(path, 1 << 20);
  size_t entries = 0;
  for (size_t at = 0; (at = text.find("\"ph\": \"X\"", at)) != std::string::npos; ++at) ++entries;
  CHECK(entries == profiler.events().size());
  CHECK(std::count(text.begin(), text.end(), '{') == std::count(text.begin(), text.end(), '}'));
  CHECK_THROWS_AS(profiler.save_trace(folder / "missing/trace.json"), IoError);
}

TEST_CASE("switched off, an instrumented position costs a few instructions") {
  using clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity();
  constexpr int calls = 100000;
  for (int attempt = 0; attempt < 20; ++attempt) {
    const auto begin = clock::now();
    for (int i = 0; i < calls; ++i) {
      const WorkScope scope({"nothing"});
      count_flops(1);
    }
    best = std::min(best, std::chrono::duration<double>(clock::now() - begin).count());
  }
  MESSAGE("a scope and a count, off: " << best / calls * 1e9 << " ns");
  CHECK(best / calls < 200e-9);  // far above what it takes, far below a clock's two readings and an allocation
}

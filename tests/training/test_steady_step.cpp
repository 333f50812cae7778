// A training step in a steady state: no memory from the system, and few heap allocations.
#include <doctest/doctest.h>

#include <algorithm>

#include <ditharos/autograd/node.h>
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/allocator.h>
#include <ditharos/training/trainer.h>
#include "tests/support/heap_counter.h"

using namespace ditharos;
using namespace ditharos::models;
using namespace ditharos::training;

namespace {

struct Training {
  DiTConfig config{.height = 16,
                   .width = 16,
                   .channels = 4,
                   .patch = {1, 2, 2},
                   .hidden = 64,
                   .depth = 3,
                   .heads = 4,
                   .classes = 10,
                   .learn_sigma = false};
  Generator rng{1};
  DiT model{config, rng};
  Trainer trainer{model,
                  [this](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); },
                  std::make_shared<Flow>(),
                  std::make_unique<optim::AdamW>(nn::named_parameters(model)),
                  {.class_dropout = .1,
                   .null_condition = config.null_condition(),
                   .clip_norm = 1,
                   .ema_decay = .99,
                   .schedule = {.lr = 1e-4}}};
  Tensor data = rng.normal({8, 4, 16, 16}), labels = rng.randint(0, 10, {8});

  void step() { trainer.step(data, labels); }
};

}  // namespace

TEST_CASE("steady step: no memory comes from the system any more") {
  Training training;
  training.step();
  const size_t live = allocator_stats().live;
  // Threads keep scratch memory, and a thread that got no share of some kernel so far asks for its own later: a few
  // steps may pass before the first five in a row without a request.
  int quiet_steps = 0, steps = 0;
  while (quiet_steps < 5 && ++steps < 300) {
    const uint64_t before = allocator_stats().system;
    training.step();
    quiet_steps = allocator_stats().system == before ? quiet_steps + 1 : 0;
  }
  CHECK_EQ(quiet_steps, 5);
  CHECK_LT(allocator_stats().live, live + live / 4);  // nothing piles up: gradients and scratch memory came on top
}

TEST_CASE("steady step: allocations on the heap stay below a bound") {
  if (!tests::heap_allocations()) {
    MESSAGE("skipped: under a sanitizer allocations are not counted");
    return;
  }
  // Graph nodes, vectors of tensors, tensors' handles, and what oneDNN allocates to run a primitive: 2728 when this was
  // written, for 3 blocks. The least of four steps counts: a thread that meets a shape first makes a primitive.
  constexpr uint64_t bound = 3000;
  Training training;
  for (int i = 0; i < 2; ++i) training.step();
  collect_op_names(false);  // the collection of names, which only the test program does, allocates too
  uint64_t fewest = ~uint64_t{0};
  for (int i = 0; i < 4; ++i) {
    const uint64_t before = *tests::heap_allocations();
    training.step();
    fewest = std::min(fewest, *tests::heap_allocations() - before);
  }
  collect_op_names(true);
  MESSAGE("allocations on the heap in one step: ", fewest);
  CHECK_GT(fewest, 100);  // they are being counted
  CHECK_LT(fewest, bound);
}

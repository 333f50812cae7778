// Training by several ranks: the same bits as with one, for every division of the gradient shards.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/frame_flow.h>
#include <ditharos/models/diffusion/mean_flow.h>
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/optim/adam.h>
#include <ditharos/optim/muon.h>
#include <ditharos/tensor/draws/batch_rows.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/trainer.h>
#include "tests/support/message_of.h"
#include "tests/support/small_dit.h"
#include "tests/training/distributed/thread_ranks.h"

using namespace ditharos;
using namespace ditharos::models;
using namespace ditharos::tests;
using training::Communicator;
using training::MicroBatch;

namespace {

struct Setup {
  int64_t shards = 4, samples = 13, parts = 1;
  DType precision = DType::f32;
  bool muon = false, groups = false, clips = false, learn_sigma = false;
  std::shared_ptr<const Objective> objective = std::make_shared<Flow>();
  int steps = 60;
  int64_t bad_sample = -1;  // its first pixel is infinite
};

using Bytes = std::vector<std::pair<std::string, std::string>>;

void add(Bytes& all, const std::string& name, const Tensor& tensor) {
  const Tensor values = kernels::to(tensor, tensor.dtype());
  all.push_back(
      {name, {static_cast<const char*>(values.storage()->data()), size_t(values.numel()) * size_of(values.dtype())}});
}

/// One rank's model, trainer and data.
struct Rank {
  Rank(const Setup& s, Communicator& ranks) : setup(s), config(s.clips ? clip_config() : image_config()) {
    config.learn_sigma = s.learn_sigma;
    config.interval_times = dynamic_cast<const MeanFlow*>(s.objective.get()) != nullptr;
    Generator rng(3);
    model.emplace(randomized(DiT(config, rng)));
    training::TrainerConfig t;
    t.class_dropout = s.clips ? 0 : .2;
    t.null_condition = config.null_condition();
    t.precision = s.precision;
    t.clip_norm = .3;
    t.ema_decay = .9;
    t.more_ema_decays = {.5};
    t.schedule.lr = 1e-2;
    t.gradient_shards = s.shards;
    t.ranks = &ranks;
    const nn::NamedTensors parameters = nn::named_parameters(*model);
    const auto [matrices, others] =
        optim::partition(parameters, [](const nn::NamedTensor& p) { return p.tensor.rank() == 2; });
    const auto [attention, rest] =
        optim::partition(matrices, [](const nn::NamedTensor& p) { return p.name.find(".attn.") != std::string::npos; });
    std::unique_ptr<optim::Optimizer> optimizer;
    if (s.muon) optimizer = std::make_unique<optim::Muon>(matrices, others);
    else if (s.groups)
      optimizer = std::make_unique<optim::AdamW>(
          std::vector<optim::ParameterGroup>{{.parameters = rest, .weight_decay = .1},
                                             {.parameters = attention, .frozen = true},
                                             {.parameters = others, .weight_decay = 0, .lr_scale = .5, .beta2 = .9}});
    else optimizer = std::make_unique<optim::AdamW>(parameters);
    const auto network = [this](const Tensor& x, const Tensor& time, const Tensor& y) { return (*model)(x, time, y); };
    trainer.emplace(*model, network, s.objective, std::move(optimizer), t);
    for (int64_t j = 0; j < s.parts; ++j) {
      const int64_t n = s.samples + j;
      Tensor data = rng.normal(s.clips ? Shape{n, 2, 2, 4, 4} : Shape{n, 2, 4, 6});
      if (j == 0 && s.bad_sample >= 0)
        data.mutable_data<float>()[s.bad_sample * (data.numel() / n)] = std::numeric_limits<float>::infinity();
      const Tensor conditions = s.clips ? rng.randint(0, 9, {n, 5}) : rng.randint(0, 3, {n});
      // What a loader of this rank reads.
      const RowRange rows = trainer->layout().own_rows(n);
      const auto own = [&](const Tensor& x) { return slice(x, 0, rows.first, rows.first + rows.count); };
      batches.push_back({own(data), own(conditions), rows.first, n});
    }
  }

  Bytes train(int steps) {
    Bytes all;
    for (int i = 0; i < steps; ++i) {
      const training::StepMetrics m = trainer->step(batches);
      all.emplace_back("loss", std::to_string(m.loss) + std::string(reinterpret_cast<const char*>(&m.loss), 8));
      all.emplace_back("norm", std::string(reinterpret_cast<const char*>(&m.grad_norm), 8));
      all.emplace_back("bins", std::string(reinterpret_cast<const char*>(&m.loss_by_time), sizeof m.loss_by_time));
    }
    return all;
  }

  const Setup& setup;
  DiTConfig config;
  std::optional<DiT> model;
  std::optional<training::Trainer> trainer;
  std::vector<MicroBatch> batches;
};

Bytes state_of(training::Trainer& trainer, training::TrainState& state) {
  trainer.capture(state);
  Bytes all;
  for (const auto* list : {&state.model, &state.optimizer, &state.ema, &state.more_averages.at(0).tensors})
    for (const auto& [name, tensor] : *list) add(all, name, tensor);
  return all;
}

/// Metrics and state after the steps, as rank 0 has them.
Bytes run(const Setup& setup, int size, int threads, const training::TrainState* begin = nullptr,
          training::TrainState* end = nullptr) {
  const int before = num_threads();
  set_num_threads(threads);
  Bytes result;
  std::mutex mutex;
  std::vector<Bytes> weights;  // of the ranks
  run_ranks(size, [&](Communicator& ranks) {
    Rank rank(setup, ranks);
    if (begin != nullptr) rank.trainer->restore(*begin);
    Bytes all = rank.train(setup.steps);
    training::TrainState state;
    Bytes captured = state_of(*rank.trainer, state);
    Bytes own;
    for (const auto& [name, tensor] : state.model) add(own, name, tensor);
    const std::lock_guard lock(mutex);
    weights.push_back(own);
    if (!ranks.is_root()) return;
    all.insert(all.end(), captured.begin(), captured.end());
    result = all;
    if (end != nullptr) {
      *end = state;
      for (auto* list : {&end->model, &end->optimizer, &end->ema, &end->more_averages[0].tensors})
        for (nn::NamedTensor& t : *list) t.tensor = kernels::to(t.tensor, t.tensor.dtype());
    }
  });
  for (const Bytes& own : weights) CHECK(own == weights[0]);
  set_num_threads(before);
  return result;
}

void check_divisions(const Setup& setup) {
  const Bytes expected = run(setup, 1, 1);
  REQUIRE(expected.size() > 60);
  for (int size = 1; size <= setup.shards; size *= 2)
    for (const int threads : {1, 2}) {
      CAPTURE(size);
      CAPTURE(threads);
      CHECK(run(setup, size, threads) == expected);
    }
}

}  // namespace

TEST_CASE("ranks: 1 x 4, 2 x 2 and 4 x 1 ranks and shards give the same bytes after 60 steps") {
  SUBCASE("f32") { check_divisions({}); }
  SUBCASE("bf16") { check_divisions({.precision = DType::bf16}); }
}

TEST_CASE("ranks: the same with accumulated batches, eight shards, Muon, clips and every objective") {
  SUBCASE("accumulated") { check_divisions({.parts = 3, .steps = 8}); }
  SUBCASE("eight shards") { check_divisions({.shards = 8, .steps = 8}); }
  SUBCASE("Muon") { check_divisions({.muon = true, .steps = 8}); }
  SUBCASE("groups, one of them frozen") { check_divisions({.groups = true, .steps = 8}); }
  SUBCASE("clips") { check_divisions({.clips = true, .objective = std::make_shared<FrameFlow>(), .steps = 8}); }
  SUBCASE("mean flow") { check_divisions({.objective = std::make_shared<MeanFlow>(), .steps = 8}); }
  SUBCASE("gaussian") {
    DiffusionConfig process;
    process.kind = ProcessKind::gaussian;
    check_divisions({.learn_sigma = true, .objective = make_objective(process), .steps = 8});
  }
}

TEST_CASE("ranks: a state of four ranks goes on with one, two or four") {
  for (const bool muon : {false, true}) {
    Setup half{.muon = muon, .steps = 7};
    training::TrainState state;
    run(half, 4, 1, nullptr, &state);
    const Bytes expected = run(half, 4, 1, &state);
    for (const int size : {1, 2}) CHECK(run(half, size, 2, &state) == expected);
  }
}

TEST_CASE("shards: times, noise and dropped classes are those of the whole batch, the gradient but for rounding") {
  std::vector<std::shared_ptr<const Objective>> objectives{std::make_shared<Flow>(), std::make_shared<MeanFlow>()};
  for (const auto& objective : objectives) {
    const auto metrics_of = [&](int64_t shards) {
      training::SingleProcess alone;
      const Setup setup{.shards = shards, .objective = objective};
      Rank rank(setup, alone);
      return rank.trainer->step(rank.batches);
    };
    const training::StepMetrics whole = metrics_of(1);
    for (const int64_t shards : {2, 4, 8}) {
      const training::StepMetrics cut = metrics_of(shards);
      CHECK(cut.loss == doctest::Approx(whole.loss).epsilon(1e-6));
      CHECK(cut.grad_norm == doctest::Approx(whole.grad_norm).epsilon(1e-5));
      CHECK(cut.loss_by_time.samples == whole.loss_by_time.samples);
    }
  }
}

TEST_CASE("shards: the rows of a draw are those of the draw of the whole batch") {
  const Generator start(5);
  Generator whole = start;
  const Tensor all = whole.normal({7, 3}), pairs = whole.uniform({14, 2});
  const double next = whole.uniform();
  for (int64_t first = 0; first < 7; first += 2) {
    const RowRange rows{first, std::min<int64_t>(2, 7 - first), 7};
    const BatchRows scope(rows);
    Generator part = start;
    CHECK(part.normal({rows.count, 3}).to_vector<float>() ==
          slice(all, 0, first, first + rows.count).to_vector<float>());
    CHECK(part.uniform({2 * rows.count, 2}).to_vector<float>() ==
          slice(pairs, 0, 2 * first, 2 * (first + rows.count)).to_vector<float>());
    CHECK(part.uniform() == next);  // it has advanced as the other one
  }
  CHECK_THROWS_AS(BatchRows(RowRange{2, 6, 7}), Error);
}

TEST_CASE("ranks: a step that is not finite throws the same on every rank, and changes nothing") {
  std::string expected;
  for (const int size : {1, 2, 4}) {
    CAPTURE(size);
    const Setup setup{.bad_sample = 9};
    std::mutex mutex;
    std::vector<std::string> messages;
    run_ranks(size, [&](Communicator& ranks) {
      Rank rank(setup, ranks);
      training::TrainState before, after;
      const Bytes first = state_of(*rank.trainer, before);
      const std::string message = message_of<training::NotFiniteError>([&] { rank.trainer->step(rank.batches); });
      const bool same = state_of(*rank.trainer, after) == first;
      const std::lock_guard lock(mutex);
      messages.push_back(same ? message : "the state has changed");
    });
    if (size == 1) expected = messages.at(0);
    CHECK(expected == "the loss of step 0, shard 4 is NaN: the batch holds a value that is not finite");
    for (const std::string& message : messages) CHECK(message == expected);
  }
}

TEST_CASE("ranks: what a rank keeps of optimiser and averages is its part") {
  for (const int size : {1, 2, 4}) {
    std::mutex mutex;
    int64_t kept = 0, all = 0;
    run_ranks(size, [&](Communicator& ranks) {
      const Setup setup;
      Rank rank(setup, ranks);
      training::TrainState state;
      rank.trainer->outline(state);
      const std::lock_guard lock(mutex);
      for (const auto* list : {&state.optimizer, &state.ema})
        for (const auto& [name, tensor] : *list) {
          if (tensor.rank() == 0) continue;
          kept += tensor.is_contiguous() ? tensor.numel() : 0;
          all += tensor.numel();
        }
    });
    CHECK(double(kept) / double(all) == doctest::Approx(1.0 / size).epsilon(.02));
  }
}

TEST_CASE("ranks: validation gives the same losses") {
  std::vector<double> expected;
  for (const int size : {1, 2, 4}) {
    std::mutex mutex;
    run_ranks(size, [&](Communicator& ranks) {
      const Setup setup;
      Rank rank(setup, ranks);
      rank.train(2);
      Generator rng(9);
      std::vector<MicroBatch> held_out;
      for (int i = 0; i < 3; ++i) held_out.push_back({rng.normal({5, 2, 4, 6}), rng.randint(0, 3, {5})});
      const training::LossByTime losses = rank.trainer->validate(held_out);
      const Bytes after = rank.train(1);  // the weights are back
      const std::lock_guard lock(mutex);
      std::vector<double> found{losses.sum.begin(), losses.sum.end()};
      for (const char c : after[1].second) found.push_back(c);
      if (size == 1) expected = found;
      CHECK(found == expected);
    });
  }
}

TEST_CASE("shards: numbers that do not go together are refused") {
  using training::ShardLayout;
  CHECK(message_of<ConfigError>([] { ShardLayout(6, 0, 2); }) == "gradient_shards must be a power of two, got 6");
  CHECK(message_of<ConfigError>([] { ShardLayout(8, 0, 3); }) == "training takes a power of two of processes, got 3");
  CHECK(message_of<ConfigError>([] { ShardLayout(2, 0, 4); }) ==
        "gradient_shards = 2 is less than the 4 processes, each of which needs a shard");
  CHECK(message_of<ConfigError>([] { static_cast<void>(ShardLayout(8, 0, 2).rows(0, 7)); }) ==
        "a batch of 7 samples cannot be cut into gradient_shards = 8 parts");
  const ShardLayout layout(4, 1, 2);
  CHECK(layout.first_shard() == 2);
  CHECK(layout.rows(2, 13).first == 6);
  CHECK(layout.own_rows(13).count == 7);
}

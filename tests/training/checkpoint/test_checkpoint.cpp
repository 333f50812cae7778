// The checkpoint file: what goes in comes out; failing saves; files of other kinds and formats.
#include <sys/resource.h>

#include <cerrno>
#include <csignal>

#include <doctest/doctest.h>

#include <ditharos/optim/adam.h>
#include <ditharos/optim/ema.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/random.h>
#include <ditharos/training/checkpoint/checkpoint.h>
#include <ditharos/training/checkpoint/checkpoint_record.h>
#include "tests/support/checkpoint_files.h"
#include "tests/support/checkpoint_states.h"
#include "tests/support/paths.h"

using namespace ditharos;
using namespace ditharos::tests;
using training::load_checkpoint;
using training::save_checkpoint;
using training::verify_checkpoint;

namespace {

struct Toy : nn::Module<Toy> {
  nn::Parameter w;
  nn::Buffer table;
  explicit Toy(uint64_t seed) {
    Generator rng(seed);
    w = nn::Parameter(rng.normal({3, 4}));
    table = rng.normal({2});
  }
  void visit(nn::Visitor& v) override {
    v("w", w);
    v.buffer("table", table);
  }
};

}  // namespace

TEST_CASE("checkpoint: everything comes back with the same bits; a second save gives the same bytes") {
  const SavedFixture saved;
  CHECK(saved.bytes.size() < 3072);
  const training::TrainState loaded = load_checkpoint(saved.path);
  CHECK(tests::first_difference(loaded, tests::fixture_state()).empty());
  verify_checkpoint(saved.path);
  save_checkpoint(saved.folder / "b.ckpt", loaded);
  CHECK(read_file(saved.folder / "b.ckpt", 1 << 20) == saved.bytes);
}

TEST_CASE("R17: a checkpoint saved over the file that it was loaded from has the same bytes") {
  const SavedFixture saved;
  save_checkpoint(saved.path, load_checkpoint(saved.path));
  CHECK(read_file(saved.path, 1 << 20) == saved.bytes);
}

TEST_CASE("checkpoint: the stored file of format 2, with several averages, loads and is what is written today (R15)") {
  const std::string path = tests::golden_folder() + "/checkpoint_v2.ckpt";
  CHECK(tests::first_difference(load_checkpoint(path), tests::fixture_state_2()).empty());
  static_assert(training::checkpoint_format == 2, "store a file of the new format too, compare with that one");
  const TemporaryFolder folder;
  save_checkpoint(folder / "a.ckpt", tests::fixture_state_2());
  const std::string bytes = read_file(path, 1 << 20);
  CHECK(read_file(folder / "a.ckpt", 1 << 20) == bytes);
  CHECK(training::read_contents(path).state.more_averages.size() == 2);
  // Every truncation and every flipped bit of header and metadata is refused (R5, R6).
  const std::string damaged = folder / "b.ckpt";
  for (size_t length = 0; length < bytes.size(); length += 7) {
    write_bytes(damaged, bytes.substr(0, length));
    CHECK(!refusal(damaged).empty());
  }
  const size_t record_end = tests::header_bytes + size_t(tests::get<uint64_t>(bytes, tests::record_bytes_at));
  for (size_t bit = 0; bit < record_end * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = char(flipped[bit / 8] ^ (1 << bit % 8));
    write_bytes(damaged, flipped);
    if (refusal(damaged).empty()) FAIL("bit " << bit << " of a damaged file is not noticed");
  }
  // A file of format 1 cannot name a part beyond its three, nor one of format 2 beyond its averages.
  std::string record = training::encode({tests::fixture_state_2(), {}});
  CHECK_THROWS_AS(training::decode(record, 1), IoError);
  training::CheckpointRecord beyond;
  beyond.tensors.emplace_back();
  beyond.tensors.back().part = training::Part::more_averages;
  CHECK_THROWS_AS(training::decode(training::encode(beyond), 1), IoError);
}

TEST_CASE("checkpoint: refuses files of other kinds and of later formats precisely") {
  const SavedFixture saved;
  CHECK(contains(refusal(saved.folder / "none.ckpt"), "none.ckpt: No such file"));
  write_bytes(saved.path, "{\"weights\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}");
  CHECK(refusal(saved.path) == "cannot read " + saved.path + ": it is not a checkpoint of ditharos");
  std::string bytes = saved.bytes;
  put(bytes, format_at, uint32_t(3));
  write_bytes(saved.path, bytes);
  CHECK(refusal(saved.path) ==
        "cannot read " + saved.path + ": it was written by format 3, this program reads up to 2");
  put(bytes, format_at, uint32_t(0));
  fix_checksums(bytes);
  write_bytes(saved.path, bytes);
  CHECK(contains(refusal(saved.path), "damaged"));
  write_bytes(saved.path, saved.bytes + std::string(64, '\0'));
  CHECK(contains(refusal(saved.path), "bytes instead of"));
}

TEST_CASE("R4: whichever call of a save fails, the old checkpoint stays") {
  const SavedFixture saved;
  training::TrainState next = tests::fixture_state();
  next.step = 43;
  int calls = 0, failures = 0;
  bool done = false;
  for (int fail_at = 1; !done; ++fail_at) {
    calls = 0;
    std::string failed, message;
    set_io_hook([&](const char* call, size_t&) {
      if (++calls != fail_at) return 0;
      failed = call;
      return ENOSPC;
    });
    message = refusal_by([&] { save_checkpoint(saved.path, next); });
    set_io_hook({});
    done = message.empty() || failed == "fsync";
    if (message.empty()) break;
    ++failures;
    CHECK(contains(message, saved.path + (failed == "fsync" ? "," : "")));
    CHECK(contains(message, "No space left on device"));
    CHECK(load_checkpoint(saved.path).step == (failed == "fsync" ? 43 : 42));
    CHECK(sweep_temporaries(saved.folder.path()).empty());
  }
  CHECK(failures > 15);

  save_checkpoint(saved.path, tests::fixture_state());
  for (size_t limit = 0; limit < saved.bytes.size(); limit += 97) {
    CAPTURE(limit);
    CHECK(in_child([&] {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit both{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &both);
      return contains(refusal_by([&] { save_checkpoint(saved.path, next); }), "File too large");
    }));
    CHECK(read_file(saved.path, 1 << 20) == saved.bytes);
  }
}

TEST_CASE("checkpoint: refuses to save what it could not load") {
  const SavedFixture saved;
  training::TrainState state = tests::fixture_state();
  state.model.push_back(state.model[0]);
  CHECK_THROWS_AS(save_checkpoint(saved.path, state), Error);
  state.model.back() = {"undefined", Tensor()};
  CHECK_THROWS_AS(save_checkpoint(saved.path, state), Error);
  state = tests::fixture_state();
  state.configuration.assign(9u << 20, ' ');
  CHECK_THROWS_AS(save_checkpoint(saved.path, state), Error);
  state = tests::fixture_state();
  state.random.resize(training::max_entries + 1);
  CHECK_THROWS_AS(save_checkpoint(saved.path, state), Error);
  CHECK(read_file(saved.path, 1 << 20) == saved.bytes);
}

TEST_CASE("checkpoint: a run captured, saved, loaded and restored goes on with the same bits") {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.ckpt";
  Generator rng(5);
  Toy toy(1);
  optim::AdamW optimizer(nn::named_parameters(toy));
  optim::Ema ema(toy, 0.9);
  const auto train = [](Toy& t, optim::Optimizer& o, optim::Ema& e, Generator& g) {
    for (int i = 0; i < 3; ++i) {
      t.w.set_grad(g.normal({3, 4}));
      o.step(0.01, 1.0, &e);
    }
  };
  train(toy, optimizer, ema, rng);
  training::TrainState state;
  state.random = {{"noise", rng.seed(), rng.offset()}};
  training::capture(state, toy, optimizer, &ema);
  save_checkpoint(path, state);
  train(toy, optimizer, ema, rng);
  training::TrainState want;
  training::capture(want, toy, optimizer, &ema);

  const training::TrainState loaded = load_checkpoint(path);
  Toy other(2);
  optim::AdamW other_optimizer(nn::named_parameters(other));
  optim::Ema other_ema(other, 0.9);
  training::restore(loaded, other, other_optimizer, &other_ema);
  Generator other_rng(loaded.random[0].seed, loaded.random[0].offset);
  train(other, other_optimizer, other_ema, other_rng);
  training::TrainState got;
  training::capture(got, other, other_optimizer, &other_ema);
  CHECK(tests::first_difference(got, want).empty());
  CHECK(got.ema_updates == 6);

  // A state that does not fit in one part changes none.
  const auto refused = [&](const training::TrainState& bad, const std::string& part) {
    std::string message;
    try {
      training::restore(bad, other, other_optimizer, &other_ema);
    } catch (const Error& e) {
      message = e.what();
    }
    CAPTURE(message);
    CHECK(contains(message, part));
    CHECK(tests::first_difference(got, want).empty());
  };
  auto bad = loaded;
  bad.model[0].name = "weight";
  refused(bad, "missing: w; unexpected: weight");
  bad = loaded;
  bad.optimizer.pop_back();
  refused(bad, "missing: w/exp_avg_sq");
  bad = loaded;
  bad.ema.clear();
  refused(bad, "the moving average does not fit; missing: table, w");
  bad = loaded;
  bad.ema[0].tensor = zeros({4, 3});
  refused(bad, "w ([4, 3] instead of [3, 4])");
  training::restore(loaded, other, other_optimizer);  // the averages of the file are ignored
}

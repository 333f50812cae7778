// Runs of several ranks: their files, and what is refused at the start.
#include <doctest/doctest.h>

#include <mutex>
#include <string>
#include <vector>

#include <ditharos/training/distributed/rank_checks.h>
#include <ditharos/training/distributed/shared_work.h>
#include "tests/support/message_of.h"
#include "tests/support/temporary_folder.h"
#include "tests/training/distributed/thread_ranks.h"
#include "tests/training/loop_run.h"

using namespace ditharos;
using namespace ditharos::tests;
using training::Communicator;

namespace {

void train_with(int size, const LoopRun& setup) {
  run_ranks(size, [&](Communicator& ranks) {
    LoopRun own = setup;
    own.ranks = &ranks;
    train(own);
  });
}

LoopRun four_shards(const std::string& folder) {
  LoopRun setup{.folder = folder};
  setup.train.gradient_shards = 4;
  setup.train.ema_decay = {.9, .5};
  setup.output.validate_every = 4;
  setup.output.keep_best = 1;
  return setup;
}

}  // namespace

TEST_CASE("ranks: a run's files are the same for every number of ranks, whatever ends it") {
  const TemporaryFolder folder;
  for (const Fault kind : {Fault::none, Fault::nan_data, Fault::nan_loss, Fault::nan_gradient}) {
    for (const auto policy : {training::OnNotFinite::skip, training::OnNotFinite::roll_back}) {
      const auto setup_in = [&](const std::string& name) {
        std::filesystem::remove_all(folder / name);
        LoopRun setup = four_shards(folder / name);
        setup.train.on_not_finite = policy;
        setup.fault = [kind](int64_t batch) { return batch == 8 || batch == 9 ? kind : Fault::none; };
        return setup;
      };
      train_with(1, setup_in("one"));
      for (const int size : {2, 4}) {
        CAPTURE(size);
        train_with(size, setup_in("several"));
        CHECK(files_of(folder / "several") == files_of(folder / "one"));
      }
    }
  }
}

TEST_CASE("ranks: a run that was killed goes on with another number of ranks") {
  const TemporaryFolder folder;
  train_with(1, four_shards(folder / "whole"));
  for (const int before : {1, 4})
    for (const int after : {1, 2, 4}) {
      CAPTURE(before);
      CAPTURE(after);
      std::filesystem::remove_all(folder / "cut");
      LoopRun cut = four_shards(folder / "cut");
      cut.kill_at = 13;
      CHECK_THROWS_AS(train_with(before, cut), Killed);
      cut.kill_at = -1;
      train_with(after, cut);
      CHECK(files_of(folder / "cut") == files_of(folder / "whole"));
    }
}

TEST_CASE("ranks: an error of one rank ends all") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(run_ranks(4,
                            [&](Communicator& ranks) {
                              LoopRun own = four_shards(folder / "run");
                              own.ranks = &ranks;
                              if (ranks.rank() == 2) own.kill_at = 7;
                              train(own);
                            }),
                  Killed);
}

TEST_CASE("ranks: texts of any length are gathered, in order") {
  run_ranks(3, [](Communicator& ranks) {
    for (const size_t length : {size_t{0}, size_t{1015}, size_t{1016}, size_t{1017}, size_t{100000}}) {
      const std::string own(length + size_t(ranks.rank()), char('a' + ranks.rank()));
      const std::vector<std::string> all = ranks.all_gather(own);
      for (int rank = 0; rank < 3; ++rank)
        check(all.at(size_t(rank)) == std::string(length + size_t(rank), char('a' + rank)), "a wrong text");
    }
    check(ranks.max(ranks.rank()) == 2 && ranks.broadcast(std::to_string(ranks.rank())) == "0", "wrong");
  });
}

TEST_CASE("ranks: pieces of work come out on rank 0 in their order") {
  const auto work = [](int64_t i) { return full({i, 2}, double(i)); };
  for (const int size : {1, 2, 3, 4})
    run_ranks(size, [&](Communicator& ranks) {
      const std::vector<Tensor> results = training::share_work(&ranks, 7, work);
      check(results.size() == (ranks.is_root() ? 7u : 0u), "a wrong number of results");
      for (size_t i = 0; i < results.size(); ++i)
        check(results[i].shape() == Shape{int64_t(i), 2} &&
                  results[i].to_vector<float>() == work(int64_t(i)).to_vector<float>(),
              "a wrong result");
    });
  CHECK(training::share_work(nullptr, 3, work).size() == 3);
}

TEST_CASE("ranks: another configuration, other data and another version are refused, by name") {
  const auto message = [](const std::string& of_root, const std::string& of_other) {
    return message_of<ConfigError>([&] {
      run_ranks(2,
                [&](Communicator& ranks) { training::check_same_on_all(ranks, ranks.is_root() ? of_root : of_other); });
    });
  };
  const std::string version = training::library_values();
  CHECK(version.starts_with("library version = ditharos "));
  CHECK(message(version + "width = 3\n", version + "width = 3\n").empty());
  const std::string width = message(version + "width = 3\n", version + "width = 4\n");
  CHECK(width.starts_with("the ranks of a run must agree, but rank 1 (on "));
  CHECK(width.ends_with(") has width = 4 instead of 3"));
  const std::string older = message(version, "library version = ditharos 0.0.9\n");
  CHECK(older.find("has library version = ditharos 0.0.9 instead of ") != std::string::npos);
  CHECK(message("images = 10\n", "images = 9\nclass 0 = \"a\"\n")
            .ends_with("images = 9 instead of 10, "
                       "class 0 = \"a\" instead of nothing"));
}

TEST_CASE("ranks: a folder that a rank does not see is refused") {
  const TemporaryFolder folder, other;
  const std::string message = message_of<ConfigError>([&] {
    run_ranks(2, [&](Communicator& ranks) {
      training::check_folder_is_shared(ranks, ranks.is_root() ? folder.path() : other.path());
    });
  });
  CHECK(message.starts_with("the folder \""));
  CHECK(message.ends_with("all ranks need a file system that they share"));
  run_ranks(2, [&](Communicator& ranks) { training::check_folder_is_shared(ranks, folder.path()); });
  CHECK(std::filesystem::is_empty(folder.path()));
}

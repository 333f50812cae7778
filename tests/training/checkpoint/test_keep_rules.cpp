// Which checkpoints of a folder stay: the last, the best by validation loss, and those of every so many steps.
#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include <ditharos/tensor/io/file.h>
#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include "tests/support/checkpoint_states.h"
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
using training::KeepRules;

namespace {

/// Steps 1, 2, ... with these validation losses; an empty text is none. The steps that stay.
std::set<int64_t> kept(const KeepRules& rules, const std::vector<std::string>& losses) {
  const TemporaryFolder folder;
  training::CheckpointFolder checkpoints(folder.path(), rules);
  for (size_t i = 0; i < losses.size(); ++i) {
    training::TrainState state = state_at(int64_t(i) + 1, 4);
    if (!losses[i].empty()) state.metadata[training::validation_entry] = losses[i];
    checkpoints.save(state);
  }
  std::set<int64_t> steps;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    steps.insert(training::read_contents(entry.path().string()).state.step);
  return steps;
}

}  // namespace

TEST_CASE("checkpoints: the table of rules for what stays") {
  using Steps = std::set<int64_t>;
  const std::vector<std::string> none(6, "");
  CHECK(kept({.last = 1}, none) == Steps{6});
  CHECK(kept({.last = 2}, none) == Steps{5, 6});
  CHECK(kept({.last = 1, .every = 2}, none) == Steps{2, 4, 6});
  CHECK(kept({.last = 1, .every = 4}, none) == Steps{4, 6});
  CHECK(kept({.last = 1, .best = 2}, none) == Steps{6});
  CHECK(kept({.last = 1, .best = 2}, {"5.0", "1.0", "4.0", "2.0", "3.0", ""}) == Steps{2, 4, 6});
  CHECK(kept({.last = 2, .best = 1, .every = 3}, {"5.0", "1.0", "4.0", "2.0", "3.0", ""}) == Steps{2, 3, 5, 6});
  // The last one may be the best; of equal ones the earlier stays.
  CHECK(kept({.last = 1, .best = 1}, {"3.0", "2.0", "1.0"}) == Steps{3});
  CHECK(kept({.last = 1, .best = 1}, {"1.0", "1.0", "2.0"}) == Steps{1, 3});
  // What is no finite number has no score.
  CHECK(kept({.last = 1, .best = 1}, {"nan", "-inf", "0x1", "1.0 ", "", "7", "8"}) == Steps{6, 7});
  CHECK(kept({.last = 1, .best = 1}, {"-1e400", "2", "3"}) == Steps{2, 3});
  CHECK_THROWS_AS(kept({.last = 0}, none), ConfigError);
  CHECK_THROWS_AS(kept({.best = -1}, none), ConfigError);
}

TEST_CASE("checkpoints: a damaged file is not among the best, and does not displace a readable one") {
  const TemporaryFolder folder;
  training::CheckpointFolder checkpoints(folder.path(), KeepRules{.last = 1, .best = 1});
  const auto save = [&](training::CheckpointFolder& to, int64_t step, const std::string& loss) {
    training::TrainState state = state_at(step, 400);
    state.metadata[training::validation_entry] = loss;
    return to.save(state);
  };
  const std::string best = save(checkpoints, 1, "1.0"), second = save(checkpoints, 2, "2.0");
  std::string bytes = read_file(best, 1 << 20);
  bytes[bytes.size() - 100] = char(bytes[bytes.size() - 100] ^ 1);
  write_bytes(best, bytes);
  training::CheckpointFolder again(folder.path(), KeepRules{.last = 1, .best = 1});
  save(again, 3, "3.0");
  CHECK(!std::filesystem::exists(best));
  CHECK(std::filesystem::exists(second));
}

TEST_CASE("checkpoints: the newest up to a step") {
  const TemporaryFolder folder;
  training::CheckpointFolder checkpoints(folder.path(), 5);
  for (const int64_t step : {2, 4, 6}) checkpoints.save(state_at(step, 4));
  CHECK(training::latest_valid_until(folder.path(), 5).state->step == 4);
  CHECK(training::latest_valid_until(folder.path(), 6).state->step == 6);
  CHECK(!training::latest_valid_until(folder.path(), 1).state);
}

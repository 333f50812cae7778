// What a trainer counts over steps, as text in a checkpoint: exact, and refused when it is damaged.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/tensor/error.h>
#include <ditharos/training/run_counts.h>

using namespace ditharos;
using training::LossByTime;
using training::RunCounts;

TEST_CASE("counts: text reads back exactly, and nothing is written for zeros") {
  CHECK(to_text(RunCounts()) == "");
  RunCounts counts;
  counts.skipped = 7;
  counts.skipped_in_succession = 2;
  counts.rolled_back = 1;
  for (size_t i = 0; i < size_t(LossByTime::bins); ++i) {
    counts.losses.sum[i] = std::exp(double(i) * 9 - 30) / 3;
    counts.losses.samples[i] = int64_t(1) << (7 * i);
  }
  CHECK(training::parse_run_counts(to_text(counts)) == counts);
  counts.losses.sum[3] = -1.5e-300;
  CHECK(training::parse_run_counts(to_text(counts)) == counts);
}

TEST_CASE("counts: damaged text is refused") {
  RunCounts counts;
  counts.skipped = 12;
  const std::string sound = to_text(counts);
  REQUIRE(training::parse_run_counts(sound) == counts);
  for (size_t length = 0; length < sound.size(); ++length) {
    // Cut within the last number it may still be one.
    const std::string cut = sound.substr(0, length);
    if (cut.find_last_of(' ') == sound.find_last_of(' ') && length > sound.find_last_of(' ') + 1) continue;
    CHECK_THROWS_AS(static_cast<void>(training::parse_run_counts(cut)), IoError);
  }
  for (const std::string& text :
       {sound + " 1", sound + " ", " " + sound, std::string("-1") + sound.substr(2),
        std::string("1e3") + sound.substr(2), "x" + sound.substr(1), "99999999999999999999" + sound.substr(2)})
    CHECK_THROWS_AS(static_cast<void>(training::parse_run_counts(text)), IoError);
  std::string nan = sound;
  nan.replace(nan.find(" 0.0 "), 5, " nan ");
  CHECK_THROWS_AS(static_cast<void>(training::parse_run_counts(nan)), IoError);
}

TEST_CASE("counts: means of bins and of all samples") {
  LossByTime losses;
  CHECK(std::isnan(losses.mean()));
  losses.sum[0] = 6, losses.samples[0] = 3;
  losses.sum[7] = 4, losses.samples[7] = 1;
  LossByTime twice = losses;
  twice.add(losses);
  CHECK(twice.mean() == 2.5);
  CHECK(twice.means()[0] == 2);
  CHECK(twice.means()[7] == 4);
  CHECK(std::isnan(twice.means()[3]));
}

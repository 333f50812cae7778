// Real training programs that are stopped at random instants, again and again: nothing is lost, and the end result has
// the bytes of a run that was never stopped.
#include <doctest/doctest.h>

#include <csignal>

#include "tests/reliability/random_stops.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos::tests;

namespace {

void stop_programs(int stops, const std::vector<int>& signals, const char* steps, bool all_programs) {
  const TemporaryFolder folder;
  const std::string images = folder / "images";
  write_images(images, {"cat", "dog"}, 4);
  for (const SmallProgram& program : small_programs(images, folder / "run")) {
    CHECK(stop_at_random(program, stops, signals, steps).stops == stops);
    if (!all_programs) return;
  }
}

}  // namespace

TEST_CASE("R1: kill -9 at 20 random instants of training loses nothing") { stop_programs(20, {SIGKILL}, "200", false); }

TEST_CASE("R1: kill -9 at 1,000 random instants of training loses nothing [slow]") {
  stop_programs(1000, {SIGKILL}, "200", false);
}

TEST_CASE("R2: a run with 10 random stops by SIGINT, SIGTERM and SIGKILL has the bytes of a whole one") {
  stop_programs(10, {SIGINT, SIGTERM, SIGKILL}, "400", false);
}

TEST_CASE("R2: runs of each program with 50 random stops each have the bytes of whole ones [slow]") {
  stop_programs(50, {SIGINT, SIGTERM, SIGKILL}, "400", true);
}

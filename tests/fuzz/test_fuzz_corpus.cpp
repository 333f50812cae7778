// The stored seeds of the fuzz targets, each with the changes that a fuzzer begins with: tests/fuzz/run.sh goes
// further.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/random.h>
#include "tests/fuzz/fuzz.h"
#include "tests/support/paths.h"

using namespace ditharos;
using namespace ditharos::tests;

TEST_CASE("R8: every fuzz target takes its stored seeds, cut off and changed at random") {
  for (const FuzzTarget& target : fuzz_targets) {
    CAPTURE(target.name);
    const std::string folder = source_folder() + "/tests/fuzz/corpus/" + target.name;
    int seeds = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string seed = read_file(entry.path().string(), 1 << 16);
      CAPTURE(entry.path().filename().string());
      ++seeds;
      fuzz_one(target.run, seed);
      Generator random(1);
      const auto below = [&](size_t n) { return static_cast<size_t>(random.uniform() * static_cast<double>(n)); };
      for (int trial = 0; trial < 40 && !seed.empty(); ++trial) {
        std::string bytes = trial % 4 == 0 ? seed.substr(0, below(seed.size())) : seed;
        for (size_t i = below(4); i > 0 && !bytes.empty(); --i)
          bytes[below(bytes.size())] = static_cast<char>(below(256));
        fuzz_one(target.run, bytes);
      }
    }
    CHECK(seeds >= 2);
  }
}

// The folder of a run.
#include <doctest/doctest.h>

#include <cerrno>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/training/run/run_folder.h>
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::training;

TEST_CASE("run folder: refuses what is no folder, and replaces files whole") {
  const tests::TemporaryFolder folder;
  RunFolder run(folder.path());
  CHECK_FALSE(run.has("config.toml"));
  run.write_text("config.toml", "a = 1\n");
  run.write_text("config.toml", "a = 2\n");
  CHECK(run.has("config.toml"));
  CHECK(read_file(run.file("config.toml"), 100) == "a = 2\n");
  CHECK_THROWS_AS(RunFolder(folder / "config.toml"), IoError);
  CHECK_THROWS_AS(RunFolder(folder / "config.toml/below"), IoError);
  set_io_hook([](const char* call, size_t&) { return std::string(call) == "write" ? ENOSPC : 0; });
  CHECK_THROWS_WITH_AS(run.write_text("config.toml", "a = 3\n"),
                       ("cannot write " + run.file("config.toml") + " (at byte 0): No space left on device").c_str(),
                       IoError);
  set_io_hook({});
  CHECK(read_file(run.file("config.toml"), 100) == "a = 2\n");
}

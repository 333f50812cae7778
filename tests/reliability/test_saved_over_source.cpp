// Files that are saved over the mapped file that they were loaded from.
#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/tensor/random.h>
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

constexpr uint64_t most_bytes = 1 << 24;

/// Several pages, so that most are not read before the save.
std::map<std::string, Tensor> large_tensors() {
  Generator rng(1);
  return {{"a", rng.normal({300, 70})}, {"b", rng.normal({5})}, {"c", rng.randint(0, 9, {40000})}};
}

}  // namespace

TEST_CASE("R17: a safetensors file saved over the mapped file that it came from has the same bytes") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  for (const LoadMode mode : {LoadMode::map, LoadMode::copy}) {
    safetensors::save(path, large_tensors(), {{"step", "3"}});
    const std::string bytes = read_file(path, most_bytes);
    const safetensors::Contents contents = safetensors::load(path, mode);
    for (int i = 0; i < 3; ++i) {
      safetensors::save(path, contents.tensors, contents.metadata);
      CHECK(read_file(path, most_bytes) == bytes);
    }
    // The tensors are still those of the first file.
    CHECK(contents.tensors.at("a").to_vector<float>() == large_tensors().at("a").to_vector<float>());
  }
}

TEST_CASE("R17: a part of a mapped file saved over it, and a failing save, leave the tensors as they were") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  safetensors::save(path, large_tensors());
  safetensors::Contents contents = safetensors::load(path);
  const std::string bytes = read_file(path, most_bytes);
  set_io_hook([](const char* call, size_t&) { return std::string(call) == "fdatasync" ? 28 : 0; });  // ENOSPC
  CHECK_THROWS_AS(safetensors::save(path, contents.tensors), IoError);
  set_io_hook({});
  CHECK(read_file(path, most_bytes) == bytes);
  const Tensor c = contents.tensors.at("c");
  contents.tensors.erase("a");
  safetensors::save(path, contents.tensors);  // a shorter file under the same name
  CHECK(safetensors::load(path).tensors.at("c").to_vector<int64_t>() == large_tensors().at("c").to_vector<int64_t>());
  CHECK(c.to_vector<int64_t>() == large_tensors().at("c").to_vector<int64_t>());
}

TEST_CASE("R17: zoo convert refuses to write over its input, which stays as it was") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  safetensors::save(path, large_tensors());
  const std::string bytes = read_file(path, most_bytes);
  CHECK(run_program("zoo", {"convert", path, path, "--dtype", "f16"}).status == 2);
  CHECK(read_file(path, most_bytes) == bytes);
}

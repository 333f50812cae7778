// A discarded result is a mistake, as in `clip(gradients);` or `x.reshape(shape);`: the compiler has to warn of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/house/public_functions.h"
#include "tests/support/paths.h"

using namespace ditharos;
using tests::discardable_functions;
namespace fs = std::filesystem;

namespace {

/// Functions that give a result and may be called for their effect alone.
const std::set<std::string> for_their_effect = {
    "std::vector<SharedNames> audit(const Tensor& loss, const ModuleBase& module)",  // which tensors are shared
    "std::vector<std::string> sweep_temporaries(const std::string& directory)",      // which files it removed
    "TrainingResult run_training(const TrainingLoop& loop)",                         // how the run ended
};

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The headers of the library that users may include: all but kernels and those that are internal to a folder.
std::vector<std::string> public_headers() {
  const fs::path root = tests::source_folder();
  std::vector<std::string> headers;
  for (const fs::directory_entry& folder : fs::directory_iterator(root / "include/ditharos")) {
    if (!folder.is_directory()) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder.path().filename())) {
      const std::string path = fs::relative(entry.path(), root).generic_string();
      if (path.ends_with(".h") && !path.starts_with("tensor/kernels/") &&
          !read_text(entry.path()).starts_with("#pragma once\n// Internal to "))
        headers.push_back(path);
    }
  }
  std::sort(headers.begin(), headers.end());
  return headers;
}

}  // namespace

TEST_CASE("regression 26: every pure function of a public header warns when its result is discarded") {
  const fs::path root = tests::source_folder();
  std::set<std::string> types;
  for (const std::string& header : public_headers()) types.merge(tests::nodiscard_types(read_text(root / header)));
  CHECK(types.contains("Tensor"));
  CHECK(types.contains("ClipFactor"));
  std::string offences;
  for (const std::string& header : public_headers())
    for (const std::string& function : discardable_functions(read_text(root / header), types))
      if (!for_their_effect.contains(function)) offences += header + ": [[nodiscard]] " + function + "\n";
  CHECK_EQ(offences, "");
}

TEST_CASE("nodiscard: the checker finds what it has to find") {
  const std::set<std::string> types = {"Tensor"};
  const auto found = [&](const std::string& text) { return discardable_functions(text, types).size(); };
  CHECK(found("namespace a {\nstd::vector<Tensor> split(const Tensor& x, int n = 2);\n}") == 1);
  CHECK(found("namespace a {\n[[nodiscard]] std::vector<Tensor> split(const Tensor& x);\n}") == 0);
  CHECK(found("Tensor exp(const Tensor& x);") == 0);
  CHECK(found("std::string text(const Tensor& x, const Names& names = {});") == 1);
  CHECK(found("template <class T> T clone(const T& x) { T copy = x; return f(copy); }") == 1);
  CHECK(found("inline bool fine(int i) { return g(i); }\nint two();") == 2);
  CHECK(found("namespace a { namespace b { double rate(int64_t step); } }") == 1);
  CHECK(found("void f(const Tensor& x); // int g();\n#define X int h();\n") == 0);
  CHECK(found("int count(Module& module);\nstd::ostream& operator<<(std::ostream& out, const Tensor& x);") == 0);
  CHECK(found("double clip_(const Tensor& x);") == 0);
  CHECK(found("struct A {\n  int f() const;\n  int g(int x) { return x; }\n};\nclass B;\nusing F = int(int);") == 0);
  CHECK(found("inline constexpr int n = 3;\nextern int k;\n[[noreturn]] void fail(int x);") == 0);
  CHECK(tests::nodiscard_types("struct [[nodiscard]] A {};\nclass B {};") == std::set<std::string>{"A"});
}

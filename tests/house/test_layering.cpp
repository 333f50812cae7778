// The layering rules hold in this tree, and the checker finds every kind of violation.
#include <doctest/doctest.h>

#include <fstream>

#include "tests/house/layering.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using ditharos::tests::check_file;
using ditharos::tests::check_tree;
using ditharos::tests::without_comments;

namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("layering: this tree keeps the rules") { CHECK_EQ(joined(check_tree(tests::source_folder())), ""); }

TEST_CASE("layering: each kind of violation is found, and similar code that is allowed is not reported") {
  struct Row {
    const char* path;
    const char* line;
    const char* expected;  // part of the one offence; "" where the line is allowed
  };
  const Row rows[] = {
      {"tensor/a.cpp", "#include <ditharos/autograd/ops.h>", "tensor/ must not include autograd/"},
      {"autograd/a.cpp", "#include <ditharos/nn/module.h>", "autograd/ must not include nn/"},
      {"autograd/node.cpp", "#include <ditharos/autograd/inspect/anomaly.h>", "does not know autograd/inspect/"},
      {"autograd/ops/exp.cpp", "#include <ditharos/autograd/inspect/html.h>", "does not know autograd/inspect/"},
      {"autograd/inspect/a.cpp", "#include <ditharos/autograd/inspect/html.h>", ""},
      {"autograd/inspect/a.cpp", "#include <ditharos/autograd/node.h>", ""},
      {"nn/summary.h", "#include <ditharos/autograd/inspect/inspect.h>", ""},
      {"nn/a.cpp", "#include <ditharos/models/dit/dit.h>", "nn/ must not include models/"},
      {"models/dit/a.cpp", "#include <ditharos/optim/adam.h>", "models/ must not include optim/"},
      {"models/evaluation/a.h", "#include <ditharos/data/datasets/dataset.h>", ""},
      {"training/trainer.h", "#include <ditharos/optim/ema.h>", ""},
      {"training/a.cpp", "#include <ditharos/pipelines/image_pipeline.h>", "training/ must not include pipelines/"},
      {"optim/a.cpp", "#include <ditharos/models/dit/dit.h>", "optim/ must not include models/"},
      {"data/a.cpp", "#include <ditharos/autograd/ops.h>", "data/ must not include autograd/"},
      {"nn/a.cpp", "#include \"tests/op_table/op_table.h\"", "nn/ must not include tests/"},
      {"examples/a.cpp", "#include \"tests/op_table/op_table.h\"", "examples/ must not include tests/"},
      {"tensor/a.cpp", "  #  include <ditharos/nn/module.h>  // spaced", "tensor/ must not include nn/"},
      {"tensor/a.cpp", "// #include <ditharos/nn/module.h>", ""},
      {"optim/a.cpp", "#include <ditharos/nn/module.h>", ""},
      {"tests/a.cpp", "#include \"examples/cli/program.h\"", ""},
      {"tests/a.cpp", "#include <ditharos/examples/cli/program.h>", "examples/ is not installed"},
      {"nn/a.cpp", "#include \"module.h\"", "write #include <ditharos/FOLDER/file.h>"},
      {"nn/a.cpp", "#include <ditharos/ditharos.h>", "the library includes what it uses"},
      {"models/dit/a.cpp", "#include <ditharos/tensor/kernels/gemm/gemm.h>", "use operations, not kernels"},
      {"tensor/kernels/gemm/gemm.cpp", "#include <oneapi/dnnl/dnnl.hpp>",
       "oneDNN is included only in tensor/kernels/onednn/"},
      {"autograd/onednn.cpp", "#include <dnnl.hpp>", "oneDNN is included only in tensor/kernels/onednn/"},
      {"tensor/kernels/onednn/gemm.cpp", "#include <oneapi/dnnl/dnnl.hpp>", ""},
      {"nn/a.cpp", "#include <omp.h>", "OpenMP is used only behind"},
      {"nn/a.cpp", "#pragma omp parallel for", "OpenMP is used only behind"},
      {"examples/a.cpp", "#pragma omp simd", "OpenMP is used only behind"},
      {"tensor/parallel.cpp", "#pragma omp parallel", ""},
      {"tensor/parallel.h", "#pragma omp parallel", "OpenMP is used only behind"},
      {"tensor/parallel.cpp", "#include <omp.h>", ""},
      {"tests/test_a.cpp", "#pragma omp parallel", ""},
      {"tensor/kernels/norm/norm_isa.cpp", "#pragma omp simd", ""},
      {"training/checkpoint/checkpoint.h", "#include <cereal/cereal.hpp>", "cereal is included only by .cpp files"},
      {"training/checkpoint/checkpoint.cpp", "#include <cereal/cereal.hpp>", ""},
      {"tensor/io/json.h", "#include <nlohmann/json.hpp>", "nlohmann_json is included only by .cpp files"},
      {"tensor/io/json.cpp", "#include <nlohmann/json.hpp>", ""},
      {"examples/cli/settings.h", "#include <toml++/toml.h>", "toml++ is included only by .cpp files"},
      {"training/a.cpp", "#include <toml++/toml.h>", "toml++ is included only by .cpp files of pipelines/"},
      {"pipelines/a.cpp", "#include <toml++/toml.h>", ""},
      {"pipelines/a.cpp", "#include <CLI/CLI.hpp>", "CLI11 is included only by .cpp files of examples/"},
      {"data/codecs/png.h", "#include <png.h>", "libpng and zlib are included only by .cpp files"},
      {"data/codecs/video/video_file.h", "#include <webp/mux.h>", "giflib and libwebp are included only by .cpp files"},
      {"examples/a.cpp", "#include <gif_lib.h>", "giflib and libwebp are included only by .cpp files"},
      {"data/codecs/video/gif_decode.cpp", "#include <gif_lib.h>", ""},
      {"nn/a.cpp", "#include <doctest/doctest.h>", "doctest belongs to tests/"},
      {"autograd/ops/exp.cpp", "const float* p = x.data<float>();", "autograd/ never touches elements"},
      {"autograd/ops/exp.cpp", "*x.mutable_data<T>() = 1;", "autograd/ never touches elements"},
      {"autograd/ops/exp.cpp", "parallel_for(n, 1, body);", "autograd/ never touches elements"},
      {"autograd/ops/exp.cpp", "double twice(double x) { return 2.0 * x; }", ""},
      {"nn/a.cpp", "std::cerr << 1;", "the library never prints"},
      {"nn/a.cpp", "printf(\"%d\", 1);", "the library never prints"},
      {"nn/a.cpp", "snprintf(buffer, 1, \"printf(\");", ""},
      {"examples/a.cpp", "std::cout << 1;", ""},
      {"tensor/a.cpp", "std::abort();", "the library never ends the process"},
      {"data/a.cpp", "std::shuffle(a, b, c);", "differs between standard libraries"},
      {"tests/a.cpp", "std::normal_distribution<float> d;", "differs between standard libraries"},
      {"nn/a.cpp", "const char* s = R\"(std::cout //)\"; /* std::cerr */", ""},
      {"nn/a.cpp", "int n = 1'000; std::cout << '\\'';", "the library never prints"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    CAPTURE(row.line);
    const std::string pragma = std::string(row.path).ends_with(".h") ? "#pragma once\n" : "\n";
    const std::vector<std::string> found = check_file(row.path, pragma + row.line + "\n");
    if (*row.expected == '\0') {
      CHECK_EQ(joined(found), "");
    } else {
      REQUIRE_EQ(found.size(), 1u);
      CHECK(found[0].starts_with(std::string(row.path) + ":2: "));
      CHECK(found[0].find(row.expected) != std::string::npos);
    }
  }
}

TEST_CASE("layering: length of files and lines, and #pragma once") {
  std::string lines;
  for (int i = 0; i < 400; ++i) lines += "\n";
  CHECK(check_file("nn/a.cpp", lines).empty());
  CHECK_EQ(joined(check_file("nn/a.cpp", lines + "\n")), "nn/a.cpp:401: 401 lines; the cap is 400\n");
  CHECK(check_file("nn/a.cpp", "// " + std::string(117, 'x') + "\n").empty());
  CHECK_EQ(check_file("nn/a.cpp", "// " + std::string(118, 'x') + "\n").size(), 1u);
  CHECK_EQ(joined(check_file("nn/a.h", "int x;\n")), "nn/a.h:1: a header begins with #pragma once\n");
}

TEST_CASE("layering: comments and strings are blanked, lines stay in place") {
  CHECK_EQ(without_comments("a // b\nc /* d\ne */ f", false), "a     \nc     \n     f");
  CHECK_EQ(without_comments("\"//\" x 'y'", true), "\"//\" x 'y'");
  CHECK_EQ(without_comments("\"//\" x 'y'", false), "     x    ");
}

TEST_CASE("layering: a tree with an offending file fails") {
  const tests::TemporaryFolder folder;
  const std::filesystem::path root = folder.path();
  const std::string pragma = "#pragma once\n", umbrella = "include/ditharos/ditharos.h";
  write(root / umbrella, pragma + "#include <ditharos/tensor/tensor.h>\n");
  write(root / "tensor/tensor.h", pragma);
  write(root / "tensor/kernels/gemm/gemm.h", pragma);
  write(root / "tensor/kernels/gemm/tiles.h", pragma + "// Internal to tensor/kernels/gemm/.\n");
  write(root / "tensor/kernels/gemm/gemm_native.cpp", "#include <ditharos/tensor/kernels/gemm/tiles.h>\n");
  write(root / "nn/linear.h", pragma);
  write(root / "nn/linear.cpp", "#include <ditharos/tensor/tensor.h>\n");
  write(root / "autograd/ops.h", pragma);
  write(root / "autograd/ops/exp.cpp", "");
  write(root / "tests/test_linear.cpp", "TEST_CASE(\"linear\") {}\n");
  write(root / "examples/train.cpp", "int main() {}\n");
  CHECK_EQ(joined(check_tree(root)), "");

  SUBCASE("an include against the direction, deep in a folder") {
    write(root / "tensor/kernels/gemm/gemm_deep.cpp", "#include <ditharos/nn/module.h>\n");
    CHECK_EQ(joined(check_tree(root)), "tensor/kernels/gemm/gemm_deep.cpp:1: tensor/ must not include nn/\n");
  }
  SUBCASE("an internal header in another folder, and in a public header") {
    write(root / "nn/linear.cpp", "#include <ditharos/tensor/kernels/gemm/tiles.h>\n");
    write(root / "tensor/kernels/gemm/gemm.h", pragma + "#include <ditharos/tensor/kernels/gemm/tiles.h>\n");
    CHECK_EQ(joined(check_tree(root)),
             "nn/linear.cpp:1: tensor/kernels/gemm/tiles.h is internal to tensor/kernels/gemm/\n"
             "tensor/kernels/gemm/gemm.h:2: the public header includes tensor/kernels/gemm/tiles.h, "
             "which is internal to tensor/kernels/gemm/\n");
  }
  SUBCASE("entries of the umbrella header that users cannot include") {
    write(root / umbrella, pragma + "#include <ditharos/tensor/kernels/gemm/gemm.h>\n#include <ditharos/nn/gone.h>\n" +
                               "#include <ditharos/tensor/kernels/gemm/tiles.h>\n");
    const std::string lists = umbrella + ": lists ditharos/";
    CHECK_EQ(joined(check_tree(root)), lists + "tensor/kernels/gemm/gemm.h; kernels are not for users\n" + lists +
                                           "nn/gone.h, which does not exist\n" + lists +
                                           "tensor/kernels/gemm/tiles.h, which is internal\n");
  }
  SUBCASE("a source without a header of its name") {
    write(root / "nn/bilinear.cpp", "");
    CHECK_EQ(joined(check_tree(root)), "nn/bilinear.cpp: no header of its name declares what it defines\n");
  }
  SUBCASE("a folder of many sources") {
    for (int i = 0; i < 31; ++i) write(root / "models/dit" / (std::to_string(i) + ".h"), pragma);
    CHECK_EQ(joined(check_tree(root)), "models/dit/: 31 sources; the cap is 30\n");
  }
}

// The rules of the house hold in this tree, and the checker that says so sees every kind of offence.
#include <doctest/doctest.h>

#include <fstream>

#include <ditharos/tests/layering.h>
#include <ditharos/tests/paths.h>
#include <ditharos/tests/temporary_folder.h>

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

TEST_CASE("layering: each offence is seen, and what is like it but allowed is not") {
  struct Row {
    const char* path;
    const char* line;
    const char* expected;  // part of the one offence; "" where the line is allowed
  };
  const Row rows[] = {
      {"tensor/a.cpp", "#include <ditharos/autograd/ops.h>", "tensor/ must not include autograd/"},
      {"autograd/a.cpp", "#include <ditharos/nn/module.h>", "autograd/ must not include nn/"},
      {"nn/a.cpp", "#include <ditharos/models/dit/dit.h>", "nn/ must not include models/"},
      {"models/dit/a.cpp", "#include <ditharos/optim/adam.h>", "only models/diffusion/trainer joins"},
      {"models/diffusion/trainer.h", "#include <ditharos/optim/ema.h>", ""},
      {"optim/a.cpp", "#include <ditharos/models/dit/dit.h>", "optim/ must not include models/"},
      {"data/a.cpp", "#include <ditharos/autograd/ops.h>", "data/ must not include autograd/"},
      {"nn/a.cpp", "#include <ditharos/tests/op_table.h>", "nn/ must not include tests/"},
      {"examples/a.cpp", "#include <ditharos/tests/op_table.h>", "examples/ must not include tests/"},
      {"tensor/a.cpp", "  #  include <ditharos/nn/module.h>  // spaced", "tensor/ must not include nn/"},
      {"tensor/a.cpp", "// #include <ditharos/nn/module.h>", ""},
      {"optim/a.cpp", "#include <ditharos/nn/module.h>", ""},
      {"tests/a.cpp", "#include <ditharos/examples/common/program.h>", ""},
      {"nn/a.cpp", "#include \"module.h\"", "write #include <ditharos/FOLDER/file.h>"},
      {"nn/a.cpp", "#include <ditharos/ditharos.h>", "the library includes what it uses"},
      {"models/dit/a.cpp", "#include <ditharos/tensor/kernels/gemm.h>", "use operations, not kernels"},
      {"tensor/kernels/gemm.cpp", "#include <oneapi/dnnl/dnnl.hpp>", "oneDNN is included only by the seam"},
      {"autograd/gemm_onednn.cpp", "#include <dnnl.hpp>", "oneDNN is included only by the seam"},
      {"tensor/kernels/gemm_onednn.cpp", "#include <oneapi/dnnl/dnnl.hpp>", ""},
      {"nn/a.cpp", "#include <omp.h>", "OpenMP is used only behind"},
      {"nn/a.cpp", "#pragma omp parallel for", "OpenMP is used only behind"},
      {"examples/a.cpp", "#pragma omp simd", "OpenMP is used only behind"},
      {"tensor/parallel.cpp", "#pragma omp parallel", ""},
      {"tensor/parallel.h", "#pragma omp parallel", "OpenMP is used only behind"},
      {"tensor/parallel.cpp", "#include <omp.h>", ""},
      {"tests/test_a.cpp", "#pragma omp parallel", ""},
      {"tensor/kernels/isa/a_isa.cpp", "#pragma omp simd", ""},
      {"optim/checkpoint.h", "#include <cereal/cereal.hpp>", "cereal is included only by .cpp files"},
      {"optim/checkpoint.cpp", "#include <cereal/cereal.hpp>", ""},
      {"examples/common/settings.h", "#include <toml++/toml.h>", "toml++ and CLI11 are included only by .cpp files"},
      {"data/png.h", "#include <png.h>", "libpng and zlib are included only by .cpp files"},
      {"data/video_file.h", "#include <webp/mux.h>", "giflib and libwebp are included only by .cpp files"},
      {"examples/a.cpp", "#include <gif_lib.h>", "giflib and libwebp are included only by .cpp files"},
      {"data/gif_decode.cpp", "#include <gif_lib.h>", ""},
      {"data/png.h", "#include <ditharos/data/png_calls.h>", "data/png_calls.h is private to the .cpp files of data/"},
      {"examples/a.cpp", "#include <ditharos/data/font.h>", "data/font.h is private to the .cpp files of data/"},
      {"data/sheet.cpp", "#include <ditharos/data/font.h>", ""},
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
  write(root / "ditharos.h", "#pragma once\n#include <ditharos/tensor/tensor.h>\n");
  write(root / "tensor/tensor.h", "#pragma once\n");
  write(root / "tensor/kernels/gemm.h", "#pragma once\n");
  write(root / "nn/linear.cpp", "#include <ditharos/tensor/tensor.h>\n");
  CHECK_EQ(joined(check_tree(root)), "");

  SUBCASE("an include against the direction, deep in a folder") {
    write(root / "tensor/kernels/deep/a.cpp", "#include <ditharos/nn/module.h>\n");
    CHECK_EQ(joined(check_tree(root)), "tensor/kernels/deep/a.cpp:1: tensor/ must not include nn/\n");
  }
  SUBCASE("a public header that the umbrella lacks") {
    write(root / "nn/linear.h", "#pragma once\n");
    CHECK_EQ(joined(check_tree(root)),
             "ditharos.h: lacks #include <ditharos/nn/linear.h> (or is it private? see tests/layering.cpp)\n");
  }
  SUBCASE("a kernel in the umbrella") {
    write(root / "ditharos.h",
          "#include <ditharos/tensor/tensor.h>\n#include <ditharos/tensor/kernels/gemm.h>\n");
    CHECK_EQ(joined(check_tree(root)), "ditharos.h: lists ditharos/tensor/kernels/gemm.h; kernels are not for users\n");
  }
}

// Runs the op table, and proves that nothing is missing from it.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <regex>
#include <set>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/tensor/kernels/linalg/linalg.h>
#include <doctest/doctest.h>
#include "tests/op_table/op_checks.h"
#include "tests/op_table/op_message_checks.h"
#include "tests/support/paths.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

std::set<std::string> row_names() {
  std::set<std::string> names;
  for (const Row& row : op_table()) names.insert(row.name);
  return names;
}

/// "operator+(const Tensor& a, double b)" as the table calls it: "tensor + number".
std::string operator_row_name(const std::string& sign, const std::string& arguments) {
  const bool two = arguments.find(',') != std::string::npos;
  if (!two) return sign + "tensor";
  if (arguments.find("double") == std::string::npos) return sign;
  return arguments.rfind("double", 0) == 0 ? "number " + sign + " tensor" : "tensor " + sign + " number";
}

/// Names of all functions that a header of operations declares, "linalg." before those of namespace linalg.
std::set<std::string> declared_in(const std::string& header) {
  std::ifstream file(tests::source_folder() + "/" + header);
  const std::regex declaration(
      R"(^(?:\[\[nodiscard\]\] )?(?:Tensor|std::vector<Tensor>|GatedNorm|ValuesAndIndices|Unique|SlogDet|QR|SVD|Eigh) )"
      R"((operator)?([^\s(]+)\((.*))");
  std::set<std::string> names;
  std::smatch match;
  std::string prefix;
  for (std::string line; std::getline(file, line);) {
    if (line == "namespace linalg {") prefix = "linalg.";
    if (line == "}  // namespace linalg") prefix = "";
    if (std::regex_search(line, match, declaration))
      names.insert(match[1].matched ? operator_row_name(match[2], match[3]) : prefix + match[2].str());
  }
  return names;
}

/// Of autograd/ops.h and of the headers in autograd/ops/ that it includes.
std::set<std::string> declared_operations() {
  std::set<std::string> names = declared_in("autograd/ops.h");
  std::ifstream file(tests::source_folder() + "/autograd/ops.h");
  const std::regex include(R"(^#include <ditharos/(autograd/ops/.*)>)");
  std::smatch match;
  for (std::string line; std::getline(file, line);)
    if (std::regex_search(line, match, include)) names.merge(declared_in(match[1]));
  if (!kernels::has_lapack())
    std::erase_if(names, [](const std::string& name) { return name.rfind("linalg.", 0) == 0; });
  return names;
}

bool is_operator(const std::string& name) { return name.find_first_of("+-*/=<>&|^~") != std::string::npos; }

/// Some case of the operation has an input of so many elements.
bool has_input_of(const std::string& name, int64_t elements) {
  for (const Row& row : op_table())
    for (const Case& shapes : row.cases)
      for (const Shape& shape : shapes)
        if (row.name == name && numel(shape) == elements) return true;
  return false;
}

}  // namespace

TEST_CASE("R11: every row of the op table passes every check") {
  int64_t checks = 0;
  for (const Row& row : op_table()) {
    checks += check_row(row);
    CHECK_MESSAGE(live_nodes() == 0, row.name << " leaves nodes behind");
  }
  std::printf("op table: %zu operations in %zu rows, %lld checks\n", row_names().size(), op_table().size(),
              static_cast<long long>(checks));
}

TEST_CASE("R11: every public operation has a row in the op table") {
  const std::set<std::string> rows = row_names(), declared = declared_operations();
  CHECK(declared.size() > 250);  // the declarations were found
  for (const std::string& name : declared) CHECK_MESSAGE(rows.count(name) == 1, name << " has no row");
}

TEST_CASE("R11: every operation meets empty and one-element tensors") {
  // Means of nothing do not exist, and their rows check what is said about it.
  const std::set<std::string> not_of_empty = {"mean", "variance", "standard_deviation", "var", "std"};
  const std::set<std::string> need_more = {"chunk",
                                           "select",
                                           "attention",
                                           "rope",
                                           "cross",
                                           "glu",
                                           "pixel_shuffle",
                                           "pixel_unshuffle",
                                           "var",
                                           "std",
                                           "index",
                                           "grid_sample",
                                           "multilabel_margin_loss"};
  for (const std::string& name : row_names()) {
    CAPTURE(name);
    CHECK(has_input_of(name, 0) == (!not_of_empty.contains(name)));
    CHECK((has_input_of(name, 1) || need_more.count(name) == 1));
  }
}

TEST_CASE("op table: wrong operands are refused in the name of the operation that was called") {
  const std::set<std::string> declared = declared_operations();
  int64_t refused = 0;
  for (const Row& row : op_table())
    if (declared.count(row.name) == 1 && !is_operator(row.name)) refused += check_messages(row);
  CHECK(refused > 1000);
}

TEST_CASE("R11: every recorded operation has a row in the op table") {
  collect_op_names(true);
  for (const Row& row : op_table()) exercise(row);

  // A model, there and back: what it records beyond the rows.
  Generator rng(3);
  models::DiTConfig config{
      .height = 4, .width = 4, .channels = 1, .patch = {1, 2, 2}, .hidden = 8, .depth = 1, .heads = 2, .classes = 3};
  models::DiT model(config, rng);
  const Tensor x = rng.normal({2, 1, 4, 4}), t = rng.uniform({2});
  mse_loss(model(x, t, from_vector<int64_t>({0, 3})), rng.normal({2, 2, 4, 4})).backward();
  const Tensor leaf = ones({2}).set_requires_grad();
  backward(sum(leaf * leaf + leaf), {}, {.create_graph = true});
  leaf.set_grad({});

  const auto unlisted = [] { return names_without_row(collected_op_names()); };
  for (const std::string& name : unlisted())
    CHECK_MESSAGE(belongs_to_a_test(name), name << " was recorded but has no row");
  // Every row's own operation was among them.
  const std::vector<std::string> recorded = collected_op_names();
  for (const Row& row : op_table())
    CHECK_MESSAGE((row.record.empty() || std::count(recorded.begin(), recorded.end(), row.record) == 1), row.record);

  // An operation that the table does not know is noticed.
  const std::vector<std::string> before = unlisted();
  CHECK(std::count(before.begin(), before.end(), "test.unlisted") == 0);
  record("test.unlisted", zeros({2}), {leaf}, save_nothing, each([](const Backward& d) { return d.grad(); }));
  const std::vector<std::string> after = unlisted();
  CHECK(std::count(after.begin(), after.end(), "test.unlisted") == 1);
  CHECK(after.size() == before.size() + 1);
  CHECK(live_nodes() == 0);
}

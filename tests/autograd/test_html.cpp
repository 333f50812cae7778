// The page of a backward pass: its data, the escaping of text, and the layout of its drawing. The page's script runs
// only in a browser.
#include <doctest/doctest.h>

#include <cmath>
#include <regex>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/inspect/formulas.h>
#include <ditharos/autograd/inspect/graph_layout.h>
#include <ditharos/autograd/inspect/html.h>
#include <ditharos/autograd/inspect/html_template.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/block.h>
#include <ditharos/nn/summary.h>
#include <ditharos/tensor/io/file.h>
#include "tests/op_table/op_table.h"
#include "tests/support/page_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using ditharos::tests::contains;
using ditharos::tests::data_of;
using ditharos::tests::message_of;
using ditharos::tests::occurrences;

namespace {

Tensor parameter(const Tensor& x) { return x.set_requires_grad(); }

}  // namespace

TEST_CASE("html: one step per node, with the gradients of backward()") {
  const Tensor x = parameter(linspace(1, 3, 3)), w = parameter(linspace(.5, 1.5, 3));
  const Tensor loss = sum(exp(x) * w);
  const std::string data = data_of(html_page(loss, {{"x", x}}));
  CHECK_EQ(occurrences(data, "\"op\":"), 5);  // two leaves, exp, mul, sum
  CHECK_EQ(occurrences(data, "\"op\":\"leaf\""), 2);
  CHECK(contains(data, "\"name\":\"x\""));
  CHECK(contains(data, "\"backward\":\"dx = g y\""));
  CHECK(contains(data, "\"grad\":{\"shape\":[3],\"dtype\":\"f32\",\"values\":[\"1.359\",\"7.389\",\"30.13\"]}"));
  CHECK_FALSE(x.grad().defined());  // nothing was touched
  loss.backward();                  // nor freed
  CHECK_EQ(x.grad().to_vector<double>()[0], doctest::Approx(std::exp(1) * .5));
}

TEST_CASE("html: each edge once, each part of a gradient by its input") {
  const Tensor x = parameter(ones({2}));
  const std::string data = data_of(html_page(sum(x * x)));
  CHECK(contains(data, "\"edges\":[[0,1,"));
  CHECK_EQ(occurrences(data, "\"input\":0"), 2);  // of mul and of sum
  CHECK_EQ(occurrences(data, "\"input\":1"), 1);
}

TEST_CASE("html: text cannot become markup") {
  const Tensor x = parameter(ones({2}));
  const std::string evil = "</script><img src=x onerror='alert(1)'>\"\\\n&";
  const std::string page = html_page(sum(x), {{evil, x}});
  CHECK_FALSE(contains(page, "<img"));
  CHECK(contains(page, "\"name\":\"\\u003c/script\\u003e\\u003cimg src=x onerror='alert(1)'\\u003e\\\"\\\\"));
  CHECK_EQ(data_of(page).find('<'), std::string::npos);
  CHECK_EQ(occurrences(page, "</script>"), 2);
}

TEST_CASE("html: the page needs nothing from outside and writes no markup") {
  const std::string page = html_page(sum(parameter(ones({2}))));
  const std::regex outside("(src|href)=\"(?!data:,)|url\\(|@import|fetch\\(|XMLHttpRequest|import\\(");
  CHECK_FALSE(std::regex_search(page, outside));
  CHECK(contains(page, "default-src 'none'"));
  for (const char* danger : {"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("})
    CHECK_FALSE(contains(page, danger));
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK(page.ends_with("</html>\n"));
}

TEST_CASE("html: large, empty and unusual tensors") {
  const Tensor x = parameter(ones({100}));
  const std::string data = data_of(html_page(sum(x * 2.0)));
  CHECK(contains(data, "\"norm\":\"20\",\"largest\":\"2\""));
  const Tensor none = parameter(zeros({0, 3}));
  CHECK(contains(data_of(html_page(sum(none * 2.0))), "\"shape\":[0,3],\"dtype\":\"f32\"}"));
  CHECK(contains(data_of(html_page(sum(log(parameter(zeros({1})))))), "\"values\":[\"inf\"]"));
  CHECK(contains(data_of(html_page(exp(parameter(zeros({2}, DType::f64))))), "\"dtype\":\"f64\""));  // weighted with 1
}

TEST_CASE("html: a block of a diffusion transformer, the same bytes each time") {
  Generator rng(1);
  models::DiTBlock block({.hidden = 32, .heads = 2}, rng);
  nn::name_modules(block);
  const Tensor x = rng.normal({1, 4, 32}), c = rng.normal({1, 32});
  const Tensor loss = mean(square(block(x, c)));
  const std::string page = html_page(loss, nn::tensor_names(block));
  CHECK_EQ(page, html_page(loss, nn::tensor_names(block)));
  const size_t leaves = nn::named_parameters(block).size();
  const std::string data = data_of(page);
  CHECK_EQ(occurrences(data, "\"op\":\"leaf\""), leaves);
  CHECK_GT(occurrences(data, "\"op\":"), leaves + 10);
  CHECK(contains(data, "\"module\":\"attn.qkv\""));
  CHECK_FALSE(contains(data, "\"grad\":null"));
}

TEST_CASE("html: every operation of the op table has a formula") {
  for (const tests::Row& row : tests::op_table())
    if (!row.record.empty()) CHECK_MESSAGE(*formula_of(row.record).backward != 0, row.record);
  CHECK_EQ(std::string(formula_of("an operation of a user's").backward), "");
}

TEST_CASE("html: boxes do not overlap, lines run downwards") {
  // Diamonds with skips over several layers, and leaves that are used late.
  std::vector<std::vector<int>> inputs{{}, {}, {0, 1}};
  for (int i = 3; i < 60; ++i) inputs.push_back({i - 1, i % 7 ? i - 3 : 0, i % 5 ? -1 : i - 1});
  const double width = 100, height = 40, gap = 10;
  const GraphLayout layout = lay_out(inputs, width, height, gap);
  REQUIRE_EQ(layout.nodes.size(), inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Point& a = layout.nodes[i];
    CHECK(a.x >= width / 2);
    CHECK(a.x <= layout.width - width / 2);
    CHECK(a.y <= layout.height - height / 2);
    for (size_t k = 0; k < i; ++k) {
      const Point& b = layout.nodes[k];
      CHECK((std::abs(a.x - b.x) >= width + gap - 1 || std::abs(a.y - b.y) >= height));
    }
  }
  for (const DrawnEdge& edge : layout.edges) {
    CHECK_EQ(edge.points.front().y, layout.nodes[size_t(edge.from)].y);
    CHECK_EQ(edge.points.back().x, layout.nodes[size_t(edge.to)].x);
    for (size_t k = 1; k < edge.points.size(); ++k) CHECK(edge.points[k].y > edge.points[k - 1].y);
  }
}

TEST_CASE("html: file, misuse") {
  const tests::TemporaryFolder folder;
  const Tensor x = parameter(ones({2})), loss = sum(x * x);
  to_html(loss, folder / "page.html");
  CHECK_EQ(read_file(folder / "page.html", 1 << 20), html_page(loss));
  CHECK_THROWS_AS(to_html(loss, folder / "missing/page.html"), IoError);
  CHECK_EQ(message_of<AutogradError>([&] { html_page(Tensor()); }), "[to_html] the loss is undefined");
  CHECK_THROWS_AS(html_page(ones({2})), AutogradError);
  Tensor deep = x;
  for (int i = 0; i < 4000; ++i) deep = deep + 1.0;
  CHECK_EQ(message_of<AutogradError>([&] { html_page(deep); }),
           "[to_html] the graph has 4001 nodes; a page with more than 4000 cannot be read: draw a smaller model or a "
           "single block");
  loss.backward();
  CHECK_EQ(message_of<AutogradError>([&] { html_page(loss); }),
           "[to_html] the graph was freed by a backward pass; write the page before, or pass retain_graph = true");
}

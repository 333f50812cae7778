#include "examples/by_hand/misprint.h"

#include <ditharos/tensor/io/number_text.h>
#include "examples/by_hand/print.h"
#include "examples/by_hand/walk.h"

namespace ditharos::by_hand {
namespace {

constexpr size_t name_width = 9, column_width = 44;

std::string row_text(const Trace& trace, const char* symbol) {
  const Matrix& m = *trace.find(symbol);
  std::string text = "[";
  for (int64_t r = 0; r < m.rows; ++r) {
    text += r > 0 ? ", [" : "[";
    for (int64_t c = 0; c < m.columns; ++c) text += (c > 0 ? ", " : "") + number_text(m.values[m.at(r, c)]);
    text += "]";
  }
  return text + "]";
}

std::string line(const std::string& name, const std::string& left, const std::string& right) {
  return "    " + left_aligned(name, name_width) + " " + left_aligned(left, column_width) + " " + right + "\n";
}

}  // namespace

std::string misprint_comparison(Options options) {
  options.as_printed = false;
  const Result correct = walk(prepare(options));
  options.as_printed = true;
  const Result printed = walk(prepare(options));
  std::string text = "What the misprint changes\n\n" + line("", "shift [1, 5], correct", "shift [-1, 5], as printed");
  for (const char* symbol : {"shift", "C", "A", "P", "G", "D", "V"}) {
    const std::string left = row_text(correct.trace, symbol), right = row_text(printed.trace, symbol);
    const std::string indent(4 + name_width + 1 + column_width + 1, ' ');
    if (left.size() < column_width) text += line(symbol, left, right);
    else text += "    " + left_aligned(symbol, name_width) + " " + left + "\n" + indent + right + "\n";
  }
  text += line("MSE", fixed_text(correct.loss, 5), fixed_text(printed.loss, 5));
  text += line("after SGD", fixed_text(correct.loss_after, 5), fixed_text(printed.loss_after, 5));
  return text +
         "\nElement (2, 2) of G is -1 on the right, as the author's second note says; on the left attention "
         "looks at\nother patches.\n";
}

}  // namespace ditharos::by_hand

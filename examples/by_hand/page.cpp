#include "examples/by_hand/page.h"

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/html_text.h>

namespace ditharos::by_hand {
namespace {

constexpr int64_t most_factors = 60000;

const char* name_of(Place place) {
  return place == Place::weights ? "weights" : place == Place::stream ? "stream" : "side";
}

const char* name_of(Source source) {
  return source == Source::article ? "article" : source == Source::misprint ? "misprint" : "ours";
}

template <class List, class F>
std::string list(const List& items, const F& text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ",") + text(item);
  return "[" + out + "]";
}

std::string cell_text(const Trace& trace, const Cell& cell) {
  const Matrix& m = trace.matrix(cell.matrix);
  std::string from;
  for (const Term& term : trace.origin(cell).terms)
    for (const Cell& factor : term.factors)
      from += (from.empty() ? "[" : ",[") + std::to_string(factor.matrix) + "," + std::to_string(factor.row) + "," +
              std::to_string(factor.column) + "]";
  return "{\"value\":" + script_string(number_text(trace.value(cell))) +
         ",\"sum\":" + script_string(trace.explain(cell)) + ",\"source\":\"" +
         name_of(m.sources[m.at(cell.row, cell.column)]) + "\",\"from\":[" + from + "]}";
}

std::string matrix_text(const Trace& trace, int number) {
  const Matrix& m = trace.matrix(number);
  std::string cells;
  for (int64_t r = 0; r < m.rows; ++r)
    for (int64_t c = 0; c < m.columns; ++c) cells += (cells.empty() ? "" : ",\n") + cell_text(trace, {number, r, c});
  return "{\"symbol\":" + script_string(m.heading.symbol) + ",\"name\":" + script_string(m.heading.name) +
         ",\"formula\":" + script_string(m.heading.formula) + ",\"place\":\"" + name_of(m.heading.place) +
         "\",\"image\":" + (m.heading.symbol.find("frame") != std::string::npos ? "true" : "false") +
         ",\"section\":" + std::to_string(m.section) + ",\"rows\":" + std::to_string(m.rows) +
         ",\"columns\":" + std::to_string(m.columns) + ",\"cells\":[\n" + cells + "]}";
}

/// The number of factors in the sums of all numbers.
int64_t factors_of(const Trace& trace) {
  int64_t factors = 0;
  for (int i = 0; i < int(trace.matrices().size()) && factors <= most_factors; ++i)
    for (int64_t r = 0; r < trace.matrix(i).rows; ++r)
      for (int64_t c = 0; c < trace.matrix(i).columns; ++c)
        for (const Term& term : trace.origin({i, r, c}).terms) factors += int64_t(term.factors.size());
  return factors;
}

}  // namespace

std::string page(const Trace& trace, const std::string& title) {
  check<ConfigError>(factors_of(trace) <= most_factors, "the sums of this run have more than ", most_factors,
                     " factors, and such a page cannot be read: take fewer patches");
  std::string matrices;
  for (size_t i = 0; i < trace.matrices().size(); ++i) matrices += (i > 0 ? ",\n" : "") + matrix_text(trace, int(i));
  const std::string sections = list(trace.sections(), [](const Section& s) {
    return "{\"number\":" + std::to_string(s.number) + ",\"pass\":" + std::to_string(s.pass) +
           ",\"title\":" + script_string(s.title) + ",\"notes\":" + list(s.notes, script_string) +
           ",\"matrices\":" + list(s.matrices, [](int i) { return std::to_string(i); }) + "}";
  });
  return page_head + html_text(title) + page_body + "{\"title\":" + script_string(title) + ",\"sections\":" + sections +
         ",\"matrices\":[" + matrices + "]}" + page_script;
}

void write_page(const std::string& path, const Trace& trace, const std::string& title) {
  const std::string text = page(trace, title);
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace ditharos::by_hand

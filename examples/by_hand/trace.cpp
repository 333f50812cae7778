#include "examples/by_hand/trace.h"

#include <cmath>
#include <cstdio>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/io/number_text.h>

namespace ditharos::by_hand {
namespace {

/// A number as a factor: negative ones are in brackets.
std::string factor_text(double value) {
  const std::string text = number_text(value);
  return text[0] == '-' ? "(" + text + ")" : text;
}

}  // namespace

std::string number_text(double value) {
  std::string text = fixed_text(value, 3);
  if (const size_t point = text.find('.'); point != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

void Trace::begin(int number, int64_t pass, const std::string& title) {
  sections_.push_back({.number = number, .pass = pass, .title = title, .notes = {}, .matrices = {}});
}

void Trace::note(const std::string& text) { sections_.back().notes.push_back(text); }

int Trace::add(const Heading& heading, const Tensor& values, const OriginOf& origin) {
  check<ShapeError>(values.rank() == 2, "[Trace] ", heading.symbol, " must be a matrix, got ", values.shape());
  Matrix m;
  m.heading = heading;
  m.section = int(sections_.size()) - 1;
  m.rows = values.size(0), m.columns = values.size(1);
  m.values = values.detach().to_vector<double>();
  m.sources.assign(m.values.size(), Source::ours);
  m.origin = origin;
  const int number = int(matrices_.size());
  sections_.back().matrices.push_back(number);
  matrices_.push_back(std::move(m));
  return number;
}

void Trace::mark(int matrix, const std::vector<std::vector<double>>& stated) {
  Matrix& m = matrices_[size_t(matrix)];
  if (int64_t(stated.size()) != m.rows || (m.rows > 0 && int64_t(stated[0].size()) != m.columns)) return;
  for (int64_t r = 0; r < m.rows; ++r)
    for (int64_t c = 0; c < m.columns; ++c) {
      const double number = stated[size_t(r)][size_t(c)];
      if (!std::isnan(number) && number != m.values[m.at(r, c)]) return;
    }
  for (int64_t r = 0; r < m.rows; ++r)
    for (int64_t c = 0; c < m.columns; ++c)
      if (!std::isnan(stated[size_t(r)][size_t(c)])) m.sources[m.at(r, c)] = Source::article;
}

void Trace::mark_misprint(const Cell& cell) {
  Matrix& m = matrices_[size_t(cell.matrix)];
  m.sources[m.at(cell.row, cell.column)] = Source::misprint;
}

const Matrix* Trace::find(const std::string& symbol) const {
  for (size_t i = matrices_.size(); i-- > 0;)
    if (matrices_[i].heading.symbol == symbol) return &matrices_[i];
  return nullptr;
}

double Trace::value(const Cell& cell) const {
  const Matrix& m = matrix(cell.matrix);
  return m.values[m.at(cell.row, cell.column)];
}

Origin Trace::origin(const Cell& cell) const {
  const Matrix& m = matrix(cell.matrix);
  return m.origin ? m.origin(cell.row, cell.column) : Origin{};
}

double Trace::term_value(const Term& term) const {
  double product = term.coefficient;
  for (const Cell& factor : term.factors) product *= value(factor);
  return product;
}

double Trace::recompute(const Cell& cell) const {
  const Origin o = origin(cell);
  if (o.terms.empty()) return value(cell);
  std::vector<double> terms;
  double sum = 0, exponentials = 0;
  bool largest = true;
  for (const Term& term : o.terms) {
    terms.push_back(term_value(term));
    sum += terms.back();
    exponentials += std::exp(terms.back());
  }
  switch (o.finish) {
    case Finish::sum: return sum / o.divisor;
    case Finish::relu: return sum > 0 ? sum : 0;
    case Finish::softmax: return std::exp(terms[size_t(o.chosen)]) / exponentials;
    case Finish::largest: break;
  }
  const double mine = terms[size_t(o.chosen)];
  for (size_t i = 0; i < terms.size(); ++i)
    if (int64_t(i) < o.chosen ? terms[i] >= mine : terms[i] > mine) largest = false;
  return largest ? 1 : 0;
}

std::string Trace::sum_text(const Origin& o) const {
  std::string text;
  for (const Term& term : o.terms) {
    // A coefficient of -1 becomes the sign of the term; other factors are written out.
    const bool minus = term.coefficient < 0;
    const double coefficient = std::abs(term.coefficient);
    std::string product = coefficient == 1 ? "" : number_text(coefficient);
    const bool alone = product.empty() && term.factors.size() == 1;
    for (const Cell& factor : term.factors) {
      const double number = value(factor);
      const bool bare = alone && text.empty() && !minus;
      product += (product.empty() ? "" : "*") + (bare ? number_text(number) : factor_text(number));
    }
    text += text.empty() ? (minus ? "-" : "") : (minus ? " - " : " + ");
    text += product;
  }
  return text;
}

std::string Trace::explain(const Cell& cell) const {
  const Origin o = origin(cell);
  const std::string result = number_text(value(cell));
  if (o.terms.empty()) return result;
  if (o.finish == Finish::sum) {
    const std::string sum = sum_text(o);
    if (o.divisor != 1) return "(" + sum + ") / " + number_text(o.divisor) + " = " + result;
    return o.terms.size() == 1 && sum == result ? result : sum + " = " + result;
  }
  if (o.finish == Finish::relu) return "max(0, " + sum_text(o) + ") = " + result;
  const std::string chosen = number_text(term_value(o.terms[size_t(o.chosen)]));
  std::string others;
  for (const Term& term : o.terms) {
    const std::string number = number_text(term_value(term));
    others += (others.empty()                ? ""
               : o.finish == Finish::softmax ? " + "
                                             : ", ") +
              (o.finish == Finish::softmax ? "e^" + factor_text(term_value(term)) : number);
  }
  if (o.finish == Finish::softmax)
    return "e^" + factor_text(term_value(o.terms[size_t(o.chosen)])) + " / (" + others + ") = " + result;
  return chosen + (result == "1" ? " is" : " is not") + " the largest of " + others + ": " + result;
}

OriginOf copy_of(int x) {
  return [=](int64_t r, int64_t c) { return Origin{.terms = {{.factors = {{x, r, c}}}}}; };
}

OriginOf affine(int w, int x, int64_t inner, int b) {
  return [=](int64_t r, int64_t c) {
    Origin origin;
    for (int64_t k = 0; k < inner; ++k) origin.terms.push_back({.factors = {{w, r, k}, {x, k, c}}});
    if (b >= 0) origin.terms.push_back({.factors = {{b, r, 0}}});
    return origin;
  };
}

OriginOf transposed_product(int a, int b, int64_t inner) {
  return [=](int64_t r, int64_t c) {
    Origin origin;
    for (int64_t k = 0; k < inner; ++k) origin.terms.push_back({.factors = {{a, k, r}, {b, k, c}}});
    return origin;
  };
}

OriginOf product_transposed(int a, int b, int64_t inner, double factor) {
  return [=](int64_t r, int64_t c) {
    Origin origin;
    for (int64_t k = 0; k < inner; ++k)
      origin.terms.push_back({.factors = {{a, r, k}, {b, c, k}}, .coefficient = factor});
    return origin;
  };
}

OriginOf plus(int x, int y, double factor) {
  return [=](int64_t r, int64_t c) {
    return Origin{.terms = {{.factors = {{x, r, c}}}, {.factors = {{y, r, c}}, .coefficient = factor}}};
  };
}

}  // namespace ditharos::by_hand

#pragma once
// The results of a run, matrix by matrix, and for every number the sum that it is the result of. Both the printed text
// and the page are written from this.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::by_hand {

/// A position in a trace: one number of one of its matrices.
struct Cell {
  int matrix = 0;
  int64_t row = 0, column = 0;
  friend bool operator==(const Cell&, const Cell&) = default;
};

/// coefficient times the numbers in these cells.
struct Term {
  std::vector<Cell> factors;
  double coefficient = 1;
};

/// The function of the sum of the terms.
enum class Finish {
  sum,      ///< the sum, divided by the divisor
  relu,     ///< max(0, sum)
  largest,  ///< not the sum: 1 when the chosen term is the first of the largest ones, else 0
  softmax   ///< not the sum: e^chosen / (e^first + e^second + ...)
};

/// How a number was computed. Without terms it is an input, a random number, or a result of the backward pass.
struct Origin {
  std::vector<Term> terms;
  Finish finish = Finish::sum;
  int64_t chosen = 0;
  double divisor = 1;
};

/// Where a number comes from.
enum class Source { ours, article, misprint };

/// The column of the page for a matrix: weights to the left of the activations, conditions and gradients to the right.
enum class Place { weights, stream, side };

struct Heading {
  std::string symbol;   ///< "Z"
  std::string name;     ///< "noised latent"
  std::string formula;  ///< "L + N"; "" for inputs
  Place place = Place::stream;
};

/// The origin of the number in a row and column of a matrix.
using OriginOf = std::function<Origin(int64_t row, int64_t column)>;

struct Matrix {
  Heading heading;
  int section = 0;
  int64_t rows = 0, columns = 0;
  std::vector<double> values;   // row by row
  std::vector<Source> sources;  // like values
  OriginOf origin;              // called on demand, since all sums together are large; empty for inputs

  size_t at(int64_t row, int64_t column) const { return size_t(row * columns + column); }
};

/// One of the thirteen steps, of one diffusion step.
struct Section {
  int number = 0;    ///< 0: the inputs
  int64_t pass = 0;  ///< the diffusion step t; 0 for steps that are done once
  std::string title;
  std::vector<std::string> notes;
  std::vector<int> matrices;
};

class Trace {
 public:
  void begin(int number, int64_t pass, const std::string& title);
  /// A sentence about the present section.
  void note(const std::string& text);

  /// Adds a matrix [rows, columns] to the present section and returns its number. `origin` is kept.
  int add(const Heading& heading, const Tensor& values, const OriginOf& origin = {});
  /// Marks the numbers of a matrix that the article states, those of `stated` that are not NaN. When one of them
  /// differs, none is marked.
  void mark(int matrix, const std::vector<std::vector<double>>& stated);
  void mark_misprint(const Cell& cell);

  const std::vector<Section>& sections() const { return sections_; }
  const std::vector<Matrix>& matrices() const { return matrices_; }
  const Matrix& matrix(int i) const { return matrices_[size_t(i)]; }
  /// The last matrix of this symbol, or null.
  const Matrix* find(const std::string& symbol) const;
  double value(const Cell& cell) const;
  Origin origin(const Cell& cell) const;

  /// The number of a cell, recomputed from its origin.
  double recompute(const Cell& cell) const;
  /// "2*1 + (-1)*3 + 1 = 0"; the number alone where there is no sum.
  std::string explain(const Cell& cell) const;

 private:
  double term_value(const Term& term) const;
  std::string sum_text(const Origin& origin) const;

  std::vector<Section> sections_;
  std::vector<Matrix> matrices_;
};

/// A number with at most three decimals: 3, -0.25, 0.333.
std::string number_text(double value);

// The origins of most matrices. Matrices are identified by their numbers in the trace.
OriginOf copy_of(int x);
/// W x + b; `inner` is the number of columns of W; b < 0: none.
OriginOf affine(int w, int x, int64_t inner, int b = -1);
/// a^T b over `inner` rows, and a b^T over `inner` columns.
OriginOf transposed_product(int a, int b, int64_t inner);
OriginOf product_transposed(int a, int b, int64_t inner, double factor = 1);
/// x + factor y, element by element.
OriginOf plus(int x, int y, double factor = 1);

}  // namespace ditharos::by_hand

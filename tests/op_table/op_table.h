#pragma once
// The table of all differentiable operations and public functions of autograd/ops.h. A row says how to call one, what
// it should compute and for which inputs; the checks in op_checks.h do the rest.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/naive.h"

namespace ditharos::tests {

using Tensors = std::vector<Tensor>;

/// How the elements of an input are drawn.
struct Values {
  enum class Kind {
    uniform,  ///< in [low, high)
    apart,    ///< no two equal: spread evenly over [low, high), in random order
    lattice,  ///< multiples of 1/8 plus `offset`: never near a kink at another multiple of the same lattice
    whole,    ///< whole numbers in [low, high), as floating numbers
    index,    ///< whole numbers in [low, high), i64
    flag,     ///< boolean
  };
  Kind kind = Kind::uniform;
  double low = -2, high = 2, offset = 0;

  bool floating() const { return kind != Kind::index && kind != Kind::flag; }
};
inline constexpr double eighth_half = 1.0 / 16;  ///< an offset half-way between the lattice's points
constexpr Values uniform(double low, double high) { return {Values::Kind::uniform, low, high}; }
constexpr Values apart(double low, double high) { return {Values::Kind::apart, low, high}; }
constexpr Values lattice(double low, double high, double offset = eighth_half) {
  return {Values::Kind::lattice, low, high, offset};
}
constexpr Values whole(double low, double high) { return {Values::Kind::whole, low, high}; }
constexpr Values index_below(int64_t n) { return {Values::Kind::index, 0, double(n)}; }
constexpr Values flags() { return {Values::Kind::flag, 0, 2}; }

/// The dtypes that an operation takes in place of floating ones.
enum class Takes {
  floating,  ///< f32 and f64 alone
  products,  ///< bf16 too, with results in f32
  numbers,   ///< integers too
  anything,  ///< booleans too
};

using Case = std::vector<Shape>;  ///< one shape an input

/// What an operation must give for extreme inputs: from mathematics (closed forms in long double), not from the
/// library.
struct Answer {
  Array value;
  Arrays gradients;    ///< of <cotangent, value>, one an input; empty: the result has no gradient
  Arrays second = {};  ///< of the sum of all elements of those gradients, one an input; empty: not checked
};

/// Inputs at the ends of what numbers can hold: infinities, tails, ties, all-masked rows, equal elements, large and
/// tiny scales. Checked in f32 and f64, on every instruction set, by the first-order rules and by those that serve when
/// the gradient is recorded itself. Errors are relative, element by element, down to the smallest normal number.
struct Extreme {
  std::string what;
  Arrays inputs;
  std::function<Answer(const Arrays&)> answer;    ///< from the inputs as the dtype under test holds them
  std::function<Tensor(const Tensors&)> op = {};  ///< the row's own when empty; all inputs are floating
  Array cotangent = {};                           ///< ones when empty
  std::optional<DType> only = {};                 ///< f32 and f64 when empty
  double tolerance = 1e-12, tolerance32 = 1e-5;
  double absolute = 0;  ///< besides, for a 0 that is a difference
};

struct Row {
  std::string name;    ///< the public function, or the internal operation
  std::string record;  ///< the operation that it records and answers for; empty for compositions of others
  std::function<Tensor(const Tensors&)> op;
  std::function<Array(const Arrays&)> reference = {};
  std::vector<Values> inputs = {};
  std::vector<Case> cases = {};  ///< small ones: every check
  std::vector<Case> large = {};  ///< big enough for several threads: forward and thread invariance
  Takes takes = Takes::floating;
  int order = 2;              ///< of the derivatives to check, one more for the first case; 0: none exists
  double tolerance = 1e-12;   ///< relative, of f64 forward
  double tolerance32 = 2e-5;  ///< relative, of f32 forward; gradients get ten times as much
  double step = 1e-3, gradcheck_tolerance = 1e-7;
  double tangent_tolerance = 1e-11;    ///< relative, of forward mode against reverse mode in f64
  std::function<void()> misuse = {};   ///< a wrong call
  std::string message = {};            ///< what it must say, to the letter
  std::vector<Extreme> extremes = {};  ///< stated in op_extremes_*.cpp, on the first row of a name
  std::string no_extremes = {};        ///< why the operation needs none
};
using Rows = std::vector<Row>;

/// All rows, family by family.
const Rows& op_table();
Rows arithmetic_rows();
Rows function_rows();
Rows activation_rows();
Rows logic_rows();
Rows reduction_rows();
Rows statistics_rows();
Rows shape_rows();
Rows rearrange_rows();
Rows index_rows();
Rows product_rows();
Rows einsum_rows();
Rows conv_rows();
Rows image_rows();
Rows loss_rows();
Rows further_loss_rows();
Rows margin_loss_rows();
Rows ctc_loss_rows();
Rows attention_option_rows();
Rows attention_rows();
Rows transformer_rows();
Rows elementwise_rows();
Rows comparison_rows();
Rows layout_rows();
Rows indexing_rows();
Rows sorting_rows();
Rows scan_rows();
Rows composed_rows();
Rows linalg_rows();
Rows pooling_rows();
Rows resizing_rows();

/// A tensor that a row's `op` makes for itself, such as a table of constants: returns it and lets checks that write to
/// operands see it.
Tensor operand(const Tensor& made);
/// While it lives, collects what operand() was called with on this thread.
class MadeOperands {
 public:
  MadeOperands();
  ~MadeOperands();
  Tensors tensors;
};

/// Those of the recorded names that no row stands for.
std::vector<std::string> names_without_row(const std::vector<std::string>& recorded);
/// Tests give operations of their own names that start with "test.": those need no row.
bool belongs_to_a_test(const std::string& name);

/// What an operation on f32 and f64 says to i64.
std::string not_floating(const std::string& op);

}  // namespace ditharos::tests

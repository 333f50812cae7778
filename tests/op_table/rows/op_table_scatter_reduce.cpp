// Rows of the op table: reductions of values that are written by index (autograd/ops/indexing/scatter_reduce.cpp).
#include <algorithm>
#include <cmath>
#include <numeric>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/rows/op_table_special.h"

namespace ditharos::tests {
namespace {

using Line = std::vector<double>;
using Reduce = double (*)(const Line&);

double product_of(const Line& v) {
  double product = 1;
  for (double x : v) product *= x;
  return product;
}
double largest_of(const Line& v) { return *std::max_element(v.begin(), v.end()); }
double smallest_of(const Line& v) { return *std::min_element(v.begin(), v.end()); }

/// What is written along axis 1: from a source of the index's shape or larger, or from slices at indices [K].
std::function<Array(const Arrays&)> reduced(Reduce f, bool include_self, bool slices) {
  return [=](const Arrays& in) {
    Array out = in[0], place(out.shape);
    std::iota(place.values.begin(), place.values.end(), 0);
    std::vector<Line> written(out.values.size());
    each_index(slices ? in[2].shape : in[1].shape, [&](const Index& i) {
      Index to = i;
      to[1] = int64_t(slices ? in[1].at({i[1]}) : in[1].at(i));
      written[size_t(place.at(to))].push_back(in[2].at(i));
    });
    for (size_t at = 0; at < written.size(); ++at) {
      if (written[at].empty()) continue;
      if (include_self) written[at].push_back(out.values[at]);
      out.values[at] = f(written[at]);
    }
    return out;
  };
}

const std::vector<Case> elements = {{{3, 5}, {3, 4}, {3, 4}},
                                    {{3, 6}, {2, 7}, {3, 8}},
                                    {{2, 5}, {2, 0}, {2, 0}},
                                    {{1, 5}, {1, 1}, {1, 1}},
                                    {{0, 5}, {0, 2}, {0, 2}}};
const std::vector<Case> rows_of_source = {
    {{3, 5}, {4}, {3, 4}}, {{2, 6, 3}, {2}, {2, 2, 3}}, {{2, 5}, {0}, {2, 0}}, {{1, 5}, {1}, {1, 1}}};

Row scatter_row(ScatterReduction reduction, Reduce f, bool include_self, Values x, Values source, bool records) {
  Row row;
  row.name = "scatter_reduce";
  row.record = records ? "scatter_reduce" : "";
  row.op = [=](const Tensors& in) { return scatter_reduce(in[0], 1, in[1], in[2], reduction, include_self); };
  row.reference = reduced(f, include_self, false);
  row.inputs = {x, index_below(5), source};
  row.cases = elements;
  row.large = {{{130, 131}, {130, 200}, {130, 200}}};
  row.takes = Takes::numbers;
  row.misuse = [=] { scatter_reduce(zeros({2, 3}), 1, zeros({2, 2}, DType::i64), zeros({2, 1}), reduction); };
  row.message = "[scatter_reduce] source of shape [2, 1] does not cover the index of shape [2, 2]";
  return row;
}

/// With sources that lie at least 2 from 0, so that none is close to an element of x.
Row kept_apart(Row row) {
  row.op = [op = row.op](const Tensors& in) { return op({in[0], in[1], in[2] + sign(in[2]) * 2.0}); };
  row.reference = [f = row.reference](const Arrays& in) {
    return f({in[0], in[1], map(in[2], [](double v) { return v + 2 * double((v > 0) - (v < 0)); })});
  };
  return row;
}

Row index_row(ScatterReduction reduction, Reduce f, bool include_self, Values x, Values source, bool records) {
  Row row = scatter_row(reduction, f, include_self, x, source, records);
  row.name = "index_reduce";
  row.op = [=](const Tensors& in) { return index_reduce(in[0], 1, in[1], in[2], reduction, include_self); };
  row.reference = reduced(f, include_self, true);
  row.cases = rows_of_source;
  row.large = {{{130, 131}, {200}, {130, 200}}};
  row.misuse = [=] { index_reduce(zeros({2, 3}), 1, zeros({2}, DType::i64), zeros({3, 2}), reduction); };
  row.message = "[index_reduce] source of shape [3, 2] does not fit shape [2, 3] along axis 1";
  return row;
}

}  // namespace

Rows scatter_reduce_rows() {
  using R = ScatterReduction;
  const Values any = uniform(-2, 2), away = uniform(.5, 1.5), with_zeros = whole(-1, 2);
  const Values inner = apart(-1, 1), outer = apart(-3.01, 2.99);
  Rows rows;
  for (const bool include_self : {true, false}) {
    rows.push_back(scatter_row(R::sum, sum_of, include_self, any, any, false));
    rows.push_back(scatter_row(R::prod, product_of, include_self, away, away, true));
    rows.back().large = {};  // products of many factors
    rows.push_back(scatter_row(R::prod, product_of, include_self, with_zeros, with_zeros, true));
    rows.push_back(kept_apart(scatter_row(R::amax, largest_of, include_self, inner, outer, true)));
    rows.push_back(kept_apart(scatter_row(R::amin, smallest_of, include_self, inner, outer, true)));
    rows.push_back(index_row(R::prod, product_of, include_self, away, away, true));
    rows.back().large = {};
    rows.push_back(kept_apart(index_row(R::amax, largest_of, include_self, inner, outer, true)));
    // Multiples of 840, which 1, 2, ... 8 divide: means of integers are whole.
    rows.push_back(scatter_row(R::mean, mean_of, include_self, any, any, false));
    rows.push_back(index_row(R::mean, mean_of, include_self, any, any, false));
    for (size_t i = rows.size() - 2; i < rows.size(); ++i) {
      Row& row = rows[i];
      row.op = [op = row.op](const Tensors& in) { return op({in[0] * 840.0, in[1], in[2] * 840.0}); };
      row.reference = [f = row.reference](const Arrays& in) {
        const auto times = [](double v) { return 840 * v; };
        return f({map(in[0], times), in[1], map(in[2], times)});
      };
      row.large = {};
    }
  }
  return rows;
}

}  // namespace ditharos::tests

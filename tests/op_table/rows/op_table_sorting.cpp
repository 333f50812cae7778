// Rows of the op table: sorting, ranks, counting and searching (autograd/ops/sorting/).
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/random.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

using Line = std::vector<double>;
const std::vector<Case> cases = {{{2, 5}}, {{2, 3, 4}}, {{1}}, {{0, 3}}, {{3, 67}}, {{7}}};
const Values distinct = apart(-2, 2), tied = whole(-2, 3);

Line order_of(const Line& v, bool descending) {
  Line order(v.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](double i, double j) {
    return descending ? v[size_t(i)] > v[size_t(j)] : v[size_t(i)] < v[size_t(j)];
  });
  return order;
}
Line sorted(Line v, bool descending) {
  std::sort(v.begin(), v.end());
  if (descending) std::reverse(v.begin(), v.end());
  return v;
}

/// `f` gives the result's line for a line of x along its last axis.
Row along_last(const std::string& name, Tensor (*op)(const Tensor&), std::function<Line(const Line&)> f, bool keeps,
               Values x, std::function<void()> misuse, const std::string& message) {
  Row row;
  row.name = name;
  row.op = [op](const Tensors& in) { return op(in[0]); };
  row.reference = [f, keeps](const Arrays& in) {
    const Array& a = in[0];
    const int64_t n = a.shape.back();
    Array out;
    size_t width = 0;
    for (size_t at = 0; at < a.values.size(); at += size_t(n)) {
      const Line line = f(Line(a.values.begin() + int64_t(at), a.values.begin() + int64_t(at) + n));
      width = line.size();
      out.values.insert(out.values.end(), line.begin(), line.end());
    }
    if (a.values.empty()) width = f(Line(size_t(n))).size();
    out.shape = Shape(a.shape.begin(), a.shape.end() - 1);
    if (keeps) out.shape.push_back(int64_t(width));
    return out;
  };
  row.inputs = {x};
  row.cases = cases;
  row.large = {{{130, 1031}}};
  row.takes = Takes::anything;
  row.order = x.kind == Values::Kind::apart ? 2 : 0;
  row.misuse = std::move(misuse);
  row.message = message;
  return row;
}

void add_orders(Rows& rows) {
  rows.push_back(along_last(
      "sort", [](const Tensor& x) { return sort(x).values; }, [](const Line& v) { return sorted(v, false); }, true,
      distinct, [] { sort(zeros({2, 3}), 2); }, "[sort] axis 2 is out of range for a tensor of rank 2"));
  rows.push_back(along_last(
      "sort", [](const Tensor& x) { return sort(x, -1, true).values; }, [](const Line& v) { return sorted(v, true); },
      true, distinct, [] { sort(zeros({2}, DType::bf16)); },
      "[sort] does not take bf16; convert with to(x, DType::f32)"));
  for (bool descending : {false, true})
    rows.push_back(along_last(
        "argsort",
        descending ? +[](const Tensor& x) { return argsort(x, -1, true); }
                   : +[](const Tensor& x) { return argsort(x); },
        [=](const Line& v) { return order_of(v, descending); }, true, tied, [] { argsort(zeros({2}), 1); },
        "[argsort] axis 1 is out of range for a tensor of rank 1"));
  Row columns = rows[rows.size() - 2];
  columns.op = [](const Tensors& in) { return argsort(in[0], 0); };
  columns.reference = [](const Arrays& in) {
    return map_rows(in[0], 0, [](const Line& v) { return order_of(v, false); });
  };
  rows.push_back(columns);

  const auto first = [](Line v, size_t n) {
    v.resize(n);
    return v;
  };
  const auto misuse = [] { topk(zeros({2, 3}), 4); };
  const std::string message = "[topk] 4 elements do not fit axis 1 of shape [2, 3]";
  rows.push_back(along_last(
      "topk", [](const Tensor& x) { return topk(x, 1).values; },
      [=](const Line& v) { return first(sorted(v, true), 1); }, true, distinct, misuse, message));
  rows.push_back(along_last(
      "topk", [](const Tensor& x) { return topk(x, 3, -1, false).values; },
      [=](const Line& v) { return first(sorted(v, false), 3); }, true, distinct, misuse, message));
  rows.back().cases = {{{2, 5}}, {{2, 3, 4}}, {{0, 3}}, {{3, 67}}};
  rows.push_back(along_last(
      "topk", [](const Tensor& x) { return topk(x, 3).indices; },
      [=](const Line& v) { return first(order_of(v, true), 3); }, true, tied, misuse, message));
  rows.back().cases = {{{2, 5}}, {{2, 3, 4}}, {{0, 3}}, {{3, 67}}};
}

void add_ranks(Rows& rows) {
  rows.push_back(along_last(
      "kthvalue", [](const Tensor& x) { return kthvalue(x, 1).values; },
      [](const Line& v) { return Line{sorted(v, false)[0]}; }, false, distinct, [] { kthvalue(zeros({2, 3}), 4); },
      "[kthvalue] axis 1 of shape [2, 3] has no element of rank 4"));
  rows.push_back(along_last(
      "median", [](const Tensor& x) { return median(x, -1).values; },
      [](const Line& v) { return Line{sorted(v, false)[(v.size() - 1) / 2]}; }, false, distinct,
      [] { median(zeros({2, 0}), 1); }, "[median] axis 1 of shape [2, 0] is empty"));
  Row all = rows.back();
  all.op = [](const Tensors& in) { return median(in[0]); };
  all.reference = [](const Arrays& in) {
    return reduce(in[0], {}, false, [](const Line& v) { return sorted(v, false)[(v.size() - 1) / 2]; });
  };
  all.cases = {{{2, 5}}, {{}}, {{1}}, {{2, 3, 2}}};
  all.misuse = [] { median(zeros({0})); };
  all.message = "[median] shape [0] has no elements";
  rows.push_back(all);
  const auto interpolated = [](const Line& v) {
    const Line s = sorted(v, false);
    const double rank = .3 * double(s.size() - 1), below = std::floor(rank);
    const double low = s[size_t(below)], high = s[size_t(std::ceil(rank))];
    return low + (rank - below) * (high - low);
  };
  rows.push_back(along_last(
      "quantile", [](const Tensor& x) { return quantile(x, .3, -1); },
      [=](const Line& v) { return Line{interpolated(v)}; }, false, distinct, [] { quantile(zeros({2}), 1.5); },
      "[quantile] q must lie in [0, 1], got 1.500000"));
  rows.back().takes = Takes::floating;
  all.name = "quantile";
  all.op = [](const Tensors& in) { return quantile(in[0], .3); };
  all.reference = [=](const Arrays& in) { return reduce(in[0], {}, false, interpolated); };
  all.takes = Takes::floating;
  all.misuse = [] { quantile(zeros({0}), .5); };
  all.message = "[quantile] shape [0] has no elements";
  rows.push_back(all);
}

Row counting(const std::string& name, std::function<Tensor(const Tensors&)> op,
             std::function<Array(const Arrays&)> reference, std::vector<Values> inputs, std::vector<Case> shapes) {
  Row row;
  row.name = name;
  row.op = std::move(op);
  row.reference = std::move(reference);
  row.inputs = std::move(inputs);
  row.cases = std::move(shapes);
  row.takes = Takes::anything;
  row.order = 0;
  return row;
}

void add_counting(Rows& rows) {
  const auto different = [](const Array& x) {
    std::map<double, double> counts;
    for (double v : x.values) ++counts[v];
    return counts;
  };
  const auto as_line = [](const std::vector<double>& values) {
    Array out;
    out.values = values;
    out.shape = {int64_t(values.size())};
    return out;
  };
  Row unique_row = counting(
      "unique", [](const Tensors& in) { return unique(in[0]).values; },
      [=](const Arrays& in) {
        std::vector<double> values;
        for (const auto& [value, count] : different(in[0])) values.push_back(value);
        return as_line(values);
      },
      {tied}, cases);
  unique_row.misuse = [] { unique(zeros({2}, DType::bf16)); };
  unique_row.message = "[unique] does not take bf16; convert with to(x, DType::f32)";
  rows.push_back(unique_row);
  unique_row.op = [](const Tensors& in) { return unique(in[0]).counts; };
  unique_row.reference = [=](const Arrays& in) {
    std::vector<double> counts;
    for (const auto& [value, count] : different(in[0])) counts.push_back(count);
    return as_line(counts);
  };
  rows.push_back(unique_row);
  unique_row.op = [](const Tensors& in) { return unique(in[0]).inverse; };
  unique_row.reference = [=](const Arrays& in) {
    const auto counts = different(in[0]);
    return map(in[0], [&](double v) { return double(std::distance(counts.begin(), counts.find(v))); });
  };
  rows.push_back(unique_row);

  Row bins = counting(
      "bincount", [](const Tensors& in) { return bincount(in[0], {}, 5); },
      [](const Arrays& in) {
        Array out({5});
        for (double v : in[0].values) ++out.values[size_t(v)];
        return out;
      },
      {index_below(5)}, {{{4}}, {{0}}, {{1}}, {{67}}});
  bins.misuse = [] { bincount(from_vector<int64_t>({1, -1})); };
  bins.message = "[bincount] values cannot be negative, got -1";
  rows.push_back(bins);
  bins.op = [](const Tensors& in) { return bincount(in[0], in[1], 5); };
  bins.reference = [](const Arrays& in) {
    Array out({5});
    for (size_t i = 0; i < in[0].values.size(); ++i) out.values[size_t(in[0].values[i])] += in[1].values[i];
    return out;
  };
  bins.inputs = {index_below(5), uniform(-2, 2)};
  bins.cases = {{{4}, {4}}, {{0}, {0}}, {{67}, {67}}};
  bins.takes = Takes::numbers;
  bins.order = 2;
  bins.misuse = [] { bincount(zeros({2}, DType::i64), zeros({3})); };
  bins.message = "[bincount] weights of shape [3] for values of shape [2]";
  rows.push_back(bins);

  Row histogram = counting(
      "histc", [](const Tensors& in) { return histc(in[0], 5, -1, 1.5); },
      [](const Arrays& in) {
        Array out({5});
        for (double v : in[0].values)
          if (v >= -1 && v <= 1.5) ++out.values[std::min<size_t>(4, size_t((v + 1) / 2.5 * 5))];
        return out;
      },
      {lattice(-2, 2)}, cases);
  histogram.takes = Takes::floating;
  histogram.misuse = [] { histc(zeros({2}), 0); };
  histogram.message = "[histc] needs at least one bin, got 0";
  rows.push_back(histogram);

  // Sorted sequences are made from the input itself.
  const auto positions = [](bool right) {
    return [right](const Arrays& in) {
      Line s = in[0].values;
      std::sort(s.begin(), s.end());
      return map(in[1], [&](double v) {
        const auto at = right ? std::upper_bound(s.begin(), s.end(), v) : std::lower_bound(s.begin(), s.end(), v);
        return double(at - s.begin());
      });
    };
  };
  const std::vector<Case> searches = {{{4}, {2, 3}}, {{0}, {3}}, {{1}, {1}}, {{67}, {}}};
  Row search = counting(
      "searchsorted", [](const Tensors& in) { return searchsorted(operand(sort(in[0]).values), in[1]); },
      positions(false), {tied, tied}, searches);
  search.misuse = [] { searchsorted(zeros({2, 3}), zeros({3})); };
  search.message = "[searchsorted] sorted of shape [2, 3] and values of shape [3] differ in more than the last axis";
  rows.push_back(search);
  search.op = [](const Tensors& in) { return searchsorted(operand(sort(in[0]).values), in[1], true); };
  search.reference = positions(true);
  rows.push_back(search);
  search.name = "bucketize";
  search.op = [](const Tensors& in) { return bucketize(in[1], operand(sort(in[0]).values)); };
  search.reference = positions(false);
  search.misuse = [] { bucketize(zeros({3}), zeros({2, 3})); };
  search.message = "[bucketize] the boundaries must have one axis, got shape [2, 3]";
  rows.push_back(search);

  // Of one weight there is one possible draw; test_linalg.cpp counts others.
  Row draws = counting(
      "multinomial",
      [](const Tensors& in) {
        Generator rng(3);
        return multinomial(in[0], 3, true, rng);
      },
      [](const Arrays& in) {
        Shape shape = in[0].shape;
        shape[shape.rank() - 1] = 3;
        return Array(shape, 0);
      },
      {uniform(1, 2)}, {{{4, 1}}, {{1}}, {{0, 1}}});
  draws.takes = Takes::floating;
  draws.misuse = [] {
    Generator rng(3);
    multinomial(from_vector<float>({1, 0}), 2, false, rng);
  };
  draws.message = "[multinomial] 2 draws without replacement need as many weights above 0";
  rows.push_back(draws);
}

}  // namespace

Rows sorting_rows() {
  Rows rows;
  add_orders(rows);
  add_ranks(rows);
  add_counting(rows);
  return rows;
}

}  // namespace ditharos::tests

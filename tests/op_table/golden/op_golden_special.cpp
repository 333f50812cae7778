#include "tests/op_table/golden/op_golden_special.h"

#include <ditharos/autograd/ops.h>
#include "tests/op_table/golden/op_golden_calls.h"

namespace ditharos::tests {
namespace {

GoldenEntries special() {
  const auto derivative = [](int64_t n) { return [n](const Tensors& in) { return polygamma(n, in[0]); }; };
  return {
      {"erfinv", one(erfinv)},
      {"erfinv#tails", one(erfinv)},
      {"lgamma", one(lgamma)},
      {"lgamma#negative", one(lgamma)},
      {"digamma", one(digamma)},
      {"digamma#negative", one(digamma)},
      {"polygamma#0", derivative(0)},
      {"polygamma", derivative(1)},
      {"polygamma#2", derivative(2)},
      {"polygamma#3", derivative(3)},
      {"float_power", [](const Tensors& in) { return float_power(in[0], 2.5); }},
      {"float_power#tensor", two(float_power)},
      {"float_power#whole", [](const Tensors& in) { return float_power(in[0], 2); }},
  };
}

GoldenEntries by_index() {
  using R = ScatterReduction;
  const std::map<std::string, R> reductions = {
      {"sum", R::sum}, {"prod", R::prod}, {"mean", R::mean}, {"amax", R::amax}, {"amin", R::amin}};
  GoldenEntries entries;
  for (const auto& named : reductions)
    for (const bool include_self : {true, false}) {
      const R reduction = named.second;
      const std::string variant = named.first + (include_self ? "" : " without self");
      entries["scatter_reduce#" + variant] = [=](const Tensors& in) {
        return scatter_reduce(in[0], 1, in[1], in[2], reduction, include_self);
      };
      if (reduction == R::sum) continue;
      entries["index_reduce#" + variant] = [=](const Tensors& in) {
        return index_reduce(in[0], 1, in[1], in[2], reduction, include_self);
      };
    }
  const auto flat = [](R reduction) {
    return [=](const Tensors& in) { return scatter_reduce(in[0], 0, in[1], in[2], reduction); };
  };
  entries["scatter_reduce#ties"] = flat(R::amax);
  entries["scatter_reduce#zero"] = flat(R::prod);
  entries["scatter_reduce#whole"] = flat(R::mean);
  return entries;
}

GoldenEntries without_nan() {
  return {
      {"nansum", [](const Tensors& in) { return nansum(in[0], 1); }},
      {"nansum#all", [](const Tensors& in) { return nansum(in[0]); }},
      {"nanmean", [](const Tensors& in) { return nanmean(in[0], 1); }},
      {"nanmean#keepdim", [](const Tensors& in) { return nanmean(in[0], 0, true); }},
      {"nanmedian", [](const Tensors& in) { return nanmedian(in[0], 1).values; }},
      {"nanmedian#indices", [](const Tensors& in) { return nanmedian(in[0], 1).indices; }},
      {"nanmedian#all", [](const Tensors& in) { return nanmedian(in[0]); }},
      {"mode", [](const Tensors& in) { return mode(in[0], 1).values; }},
      {"mode#indices", [](const Tensors& in) { return mode(in[0], 1).indices; }},
      {"mode#keepdim", [](const Tensors& in) { return mode(in[0], 0, true).values; }},
  };
}

GoldenEntries parts() {
  const GoldenOperation second = [](const Tensors& in) { return chunk(in[0], 3, 1)[1]; };
  return {
      {"chunk#7", second},
      {"chunk#4", second},
      {"chunk#2", second},
      {"chunk#last", [](const Tensors& in) { return chunk(in[0], 4, 1).back(); }},
  };
}

GoldenEntries factories() {
  const GoldenOperation close = [](const Tensors& in) { return full({}, allclose(in[0], in[1]), DType::boolean); };
  return {
      {"zeros", [](const Tensors&) { return zeros({2, 3}, DType::f64); }},
      {"ones", [](const Tensors&) { return ones({2, 3}, DType::f64); }},
      {"full", [](const Tensors&) { return full({2, 3}, 1.5, DType::f64); }},
      {"eye", [](const Tensors&) { return eye(3, DType::f64); }},
      {"linspace", [](const Tensors&) { return linspace(-1, 2, 7, DType::f64); }},
      {"arange", [](const Tensors&) { return arange(5, DType::i64); }},
      {"arange#step", [](const Tensors&) { return arange(-1, 2, .75, DType::f64); }},
      {"zeros_like", one(zeros_like)},
      {"ones_like", one(ones_like)},
      {"full_like", [](const Tensors& in) { return full_like(in[0], 1.5); }},
      {"allclose", close},
      {"allclose#not", close},
  };
}

}  // namespace

std::map<std::string, GoldenOperation> golden_special() {
  GoldenEntries all;
  for (const auto& family : {special, by_index, without_nan, parts, factories}) all.merge(family());
  return all;
}

}  // namespace ditharos::tests

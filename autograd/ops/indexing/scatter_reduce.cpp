// Reductions of the values that are written to one element.
#include <limits>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/autograd/ops/indexing/parts.h>
#include <ditharos/tensor/kernels/index/index.h>

namespace ditharos {
namespace {

/// The operands after they were checked: the source has the index's shape.
struct ScatterOperands {
  const char* op;
  int axis;
  Tensor index, source;
  bool include_self;

  Tensor written_to(const Shape& shape) const {
    return greater_equal(kernels::last_writers(op, shape, axis, index), 0);
  }
};

Tensor sum_at(const Tensor& x, const ScatterOperands& o) {
  const Tensor base = o.include_self ? x : where(o.written_to(x.shape()), 0, x);
  return base + scatter_add(o.source, o.axis, o.index, x.shape());
}

Tensor mean_at(const Tensor& x, const ScatterOperands& o) {
  const Tensor written = scatter_add(ones(o.index.shape(), x.dtype()), o.axis, o.index, x.shape());
  const Tensor total = sum_at(x, o), count = o.include_self ? written + 1.0 : clamp_min(written, 1);
  return is_floating(x.dtype()) ? total / count : floor_divide(total, count);
}

/// The product in rounds: in round k each element is multiplied with the k-th value that is written to it.
Tensor product_in_rounds(const Tensor& x, const Tensor& source, int axis, const Tensor& index) {
  const Tensor flat = reshape(source, {source.numel()});
  Tensor out = x;
  for (const Tensor& writer : kernels::writers("scatter_reduce", x.shape(), axis, index))
    out = out * where(greater_equal(writer, 0), index_select(flat, clamp_min(writer, 0)), 1);
  return out;
}

Tensor product_at(const Tensor& x, const ScatterOperands& o) {
  const int axis = o.axis;
  const Tensor base = o.include_self ? x : where(o.written_to(x.shape()), 1, x);
  // dx = g y / x; where a factor or a product is 0, from products that leave out the factor.
  const auto composite =
      derivative_of([axis](const std::vector<Tensor>& in) { return product_in_rounds(in[0], in[1], axis, in[2]); });
  const auto rule = [axis, composite](const Backward& d) -> Grads {
    const Tensor in = d.input(0), from = d.input(1), index = d.input(2), y = d.output();
    const auto has_zeros = [](const Tensor& v) {
      const NoGrad guard;
      return all(logical_and(not_equal(v, 0), isfinite(v))).item() == 0;
    };
    if (has_zeros(y) || has_zeros(in) || has_zeros(from)) return composite(d);
    const Tensor product = d.grad() * y;
    return {d.needs(0) ? product / in : Tensor{}, d.needs(1) ? gather(product, axis, index) / from : Tensor{}};
  };
  return record("scatter_reduce", kernels::scatter_fold(o.op, kernels::Fold::prod, base, axis, o.index, o.source),
                {base, o.source, o.index}, save_inputs | save_output, rule, composite);
}

/// The number that no other one of the dtype exceeds, or for amin falls below.
Tensor limit_of(DType dtype, bool largest) {
  if (is_floating(dtype)) return scalar(largest ? -INFINITY : INFINITY, dtype);
  using Limits = std::numeric_limits<int64_t>;
  return to(from_vector<int64_t>({largest ? Limits::min() : Limits::max()}, {}), dtype);
}

/// The gradient is divided among the values that are the result. NaN counts as one: it differs from itself.
Tensor extremum_at(const Tensor& x, const ScatterOperands& o, bool largest) {
  const int axis = o.axis;
  const Tensor replaced = o.include_self ? Tensor{} : o.written_to(x.shape());
  const Tensor base = o.include_self ? x : where(replaced, limit_of(x.dtype(), largest), x.detach());
  const auto rule = [axis, left_out = Saved(replaced), some = replaced.defined()](const Backward& d) -> Grads {
    const Tensor in = d.input(0), from = d.input(1), index = d.input(2), y = d.output();
    const auto is_result = [](const Tensor& v, const Tensor& result) {
      return logical_or(equal(v, result), not_equal(v, v));
    };
    Tensor own = is_result(in, y);
    if (some) own = logical_and(own, logical_not(d.intermediate(left_out)));
    const Tensor written = is_result(from, gather(y, axis, index));
    const Tensor count = to(own, in.dtype()) + scatter_add(to(written, in.dtype()), axis, index, in.shape());
    const Tensor share = d.grad() / count;
    return {d.needs(0) ? where(own, share, 0) : Tensor{},
            d.needs(1) ? where(written, gather(share, axis, index), 0) : Tensor{}};
  };
  const kernels::Fold fold = largest ? kernels::Fold::amax : kernels::Fold::amin;
  return record("scatter_reduce", kernels::scatter_fold(o.op, fold, base, axis, o.index, o.source),
                {x, o.source, o.index}, save_inputs | save_output, rule, [&](const Tangents& d) {
                  const Tensor unit = ones_like(d.output());
                  Tensor total;
                  d.add(total, 0, [&](const Tensor& t) { return d.gradient(unit, 0) * t; });
                  d.add(total, 1, [&](const Tensor& t) {
                    return scatter_add(d.gradient(unit, 1) * t, axis, o.index, x.shape());
                  });
                  return total;
                });
}

Tensor reduce_at(const Tensor& x, const ScatterOperands& o, ScatterReduction reduction) {
  check<DTypeError>(x.dtype() == DType::f32 || x.dtype() == DType::f64 || x.dtype() == DType::i64, "[", o.op,
                    "] takes f32, f64 and i64, got ", x.dtype(), "; convert with to(x, DType::f32)");
  kernels::check_index(o.op, x.shape(), o.axis, o.index);
  switch (reduction) {
    case ScatterReduction::sum: return sum_at(x, o);
    case ScatterReduction::prod: return product_at(x, o);
    case ScatterReduction::mean: return mean_at(x, o);
    case ScatterReduction::amax: return extremum_at(x, o, true);
    case ScatterReduction::amin: break;
  }
  return extremum_at(x, o, false);
}

}  // namespace

Tensor scatter_reduce(const Tensor& x, int axis, const Tensor& index, const Tensor& source, ScatterReduction reduction,
                      bool include_self) {
  axis = normalize_axis("scatter_reduce", axis, x.rank());
  check_one_dtype("scatter_reduce", "x", x, "the source", source);
  const Tensor part = part_for("scatter_reduce", source, index.shape());
  return reduce_at(x, {"scatter_reduce", axis, index, part, include_self}, reduction);
}

Tensor index_reduce(const Tensor& x, int axis, const Tensor& indices, const Tensor& source, ScatterReduction reduction,
                    bool include_self) {
  axis = normalize_axis("index_reduce", axis, x.rank());
  check_slices("index_reduce", x, axis, source);
  const Tensor index = for_each_slice("index_reduce", indices, source, axis);
  return reduce_at(x, {"index_reduce", axis, index, source, include_self}, reduction);
}

}  // namespace ditharos

#include <ditharos/autograd/ops/indexing/indexing.h>

#include <algorithm>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/indexing/wrapped.h>
#include <ditharos/tensor/kernels/index/positions.h>

namespace ditharos {

Tensor wrapped_indices(const char* op, const Tensor& indices, int64_t size) {
  check<DTypeError>(indices.dtype() == DType::i64, "[", op, "] indices must be i64 or bool, got ", indices.dtype());
  if (indices.numel() == 0) return indices;
  const NoGrad guard;
  const auto low = int64_t(min(indices).item()), high = int64_t(max(indices).item());
  check<ShapeError>(low >= -size && high < size, "[", op, "] index ", low < -size ? low : high, " is not in [", -size,
                    ", ", size, ")");
  return low >= 0 ? indices : where(less(indices, 0), indices + double(size), indices);
}

namespace {

/// Axes that an entry takes from x.
int consumed_axes(const TensorIndex& entry) {
  if (const auto* tensor = std::get_if<Tensor>(&entry.value))
    return tensor->dtype() == DType::boolean ? tensor->rank() : 1;
  return std::holds_alternative<int64_t>(entry.value) || std::holds_alternative<Slice>(entry.value) ? 1 : 0;
}

/// The result of the entries that are no tensors, and the tensors of indices for some of its axes.
struct Indexed {
  Tensor view;
  std::vector<Tensor> tensors;
  Axes axes;  // of the view, one a tensor
};

class Indexing {
 public:
  Indexing(const char* op, const Tensor& x, const std::vector<TensorIndex>& indices) : op_(op), shape_(x.shape()) {
    out_.view = x;
    int taken = 0, ellipses = 0;
    for (const TensorIndex& entry : indices) {
      taken += consumed_axes(entry);
      ellipses += std::holds_alternative<Ellipsis>(entry.value);
    }
    check<ShapeError>(ellipses <= 1, "[", op, "] an index has at most one ellipsis");
    check<ShapeError>(taken <= x.rank(), "[", op, "] ", taken, " indices for a tensor of shape ", x.shape());
    for (const TensorIndex& entry : indices) {
      if (std::holds_alternative<Ellipsis>(entry.value)) axis_ += x.rank() - taken;
      else std::visit([&](const auto& value) { apply(value); }, entry.value);
    }
  }

  Indexed result() const { return out_; }

 private:
  void apply(int64_t number) {
    const int64_t n = out_.view.size(axis_);
    check<ShapeError>(number >= -n && number < n, "[", op_, "] index ", number, " is out of range for an axis of size ",
                      n, " of shape ", shape_);
    out_.view = select(out_.view, axis_, number);
  }

  void apply(const Slice& s) {
    check<ConfigError>(s.step >= 1, "[", op_, "] the step of a slice must be at least 1, got ", s.step,
                       "; flip() reverses an axis");
    const int64_t n = out_.view.size(axis_);
    const auto bound = [n](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + n : at, 0, n); };
    const int64_t begin = bound(s.begin.value_or(0)), end = std::max(begin, bound(s.end.value_or(n)));
    out_.view = slice(out_.view, axis_, begin, end, s.step);
    ++axis_;
  }

  void apply(NewAxis) {
    out_.view = unsqueeze(out_.view, axis_);
    ++axis_;
  }
  void apply(Ellipsis) {}

  void apply(const Tensor& indices) {
    if (indices.dtype() != DType::boolean) return add(indices);
    for (int i = 0; i < indices.rank(); ++i)
      check<ShapeError>(indices.size(i) == out_.view.size(axis_ + i), "[", op_, "] a mask of shape ", indices.shape(),
                        " does not fit shape ", shape_, " from axis ", axis_, " on");
    const Tensor found = kernels::nonzero_indices(indices);  // [K, rank]
    for (int i = 0; i < indices.rank(); ++i) add(select(found, 1, i));
  }

  void add(const Tensor& indices) {
    out_.tensors.push_back(wrapped_indices(op_, indices, out_.view.size(axis_)));
    out_.axes.push_back(axis_++);
  }

  const char* op_;
  Shape shape_;
  Indexed out_;
  int axis_ = 0;
};

/// The elements of the view at the tensors of indices.
Tensor select_elements(const char* op, const Indexed& indexed) {
  const Tensor& x = indexed.view;
  const Axes& axes = indexed.axes;
  Shape common;
  for (const Tensor& t : indexed.tensors) common = broadcast_shapes(op, common, t.shape());
  Axes order = axes;
  Shape rows{1};
  for (int i = 0; i < x.rank(); ++i)
    if (std::count(axes.begin(), axes.end(), i) == 0) {
      order.push_back(i);
      rows.push_back(x.size(i));
    }
  // One index for all of the indexed axes, which become the first.
  Tensor flat = zeros(common, DType::i64);
  for (size_t k = 0; k < indexed.tensors.size(); ++k) {
    const int64_t size = x.size(int(axes[int(k)]));
    flat = flat * double(size) + indexed.tensors[k];
    rows[0] *= size;
  }
  const Tensor found = index_select(reshape(permute(x, order), rows), flat);  // [common..., rest...]
  const bool adjacent = axes.back() - axes[0] + 1 == axes.rank();
  if (!adjacent) return found;
  Axes back;
  const int before = int(axes[0]), width = common.rank();
  for (int i = 0; i < before; ++i) back.push_back(width + i);
  for (int i = 0; i < width; ++i) back.push_back(i);
  for (int i = width + before; i < found.rank(); ++i) back.push_back(i);
  return permute(found, back);
}

Tensor index_of(const char* op, const Tensor& x, const std::vector<TensorIndex>& indices) {
  const Indexed indexed = Indexing(op, x, indices).result();
  return indexed.tensors.empty() ? indexed.view : select_elements(op, indexed);
}

}  // namespace

Tensor index(const Tensor& x, const std::vector<TensorIndex>& indices) { return index_of("index", x, indices); }

Tensor index_put(const Tensor& x, const std::vector<TensorIndex>& indices, const Tensor& values, bool accumulate) {
  check<DTypeError>(values.dtype() == x.dtype(), "[index_put] x is ", x.dtype(), ", the values are ", values.dtype(),
                    "; convert one of them");
  const int64_t n = x.numel();
  const Tensor at = index_of("index_put", reshape(arange(n, DType::i64), x.shape()), indices);
  check<ShapeError>(broadcastable_to(values.shape(), at.shape()), "[index_put] values of shape ", values.shape(),
                    " do not stretch to the shape that is written, ", at.shape());
  const Tensor to = reshape(at, {at.numel()}), from = reshape(expand(values, at.shape()), {at.numel()});
  const Tensor flat = reshape(x, {n});
  return reshape(accumulate ? flat + index_add(from, to, n) : scatter(flat, 0, to, from), x.shape());
}

Tensor index_put(const Tensor& x, const std::vector<TensorIndex>& indices, double value) {
  return index_put(x, indices, scalar(value, x.dtype()));
}

Tensor nonzero(const Tensor& x) { return not_differentiable("nonzero", kernels::nonzero_indices(x.detach()), {x}); }

Tensor take(const Tensor& x, const Tensor& indices) {
  return index_select(reshape(x, {x.numel()}), wrapped_indices("take", indices, x.numel()));
}

Tensor take_along_dim(const Tensor& x, const Tensor& indices, int axis) {
  axis = normalize_axis("take_along_dim", axis, x.rank());
  check<ShapeError>(indices.rank() == x.rank(), "[take_along_dim] x of shape ", x.shape(),
                    " needs indices of the same rank, got shape ", indices.shape());
  const Tensor at = wrapped_indices("take_along_dim", indices, x.size(axis));
  Shape shape = x.shape(), wanted = indices.shape();
  shape[axis] = wanted[axis] = 1;
  shape = wanted = broadcast_shapes("take_along_dim", shape, wanted);
  shape[axis] = x.size(axis), wanted[axis] = indices.size(axis);
  return gather(expand(x, shape), axis, expand(at, wanted));
}

}  // namespace ditharos

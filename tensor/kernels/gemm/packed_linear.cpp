#include <ditharos/tensor/kernels/gemm/packed_linear.h>

#include <algorithm>
#include <cmath>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm/matrix_view.h>
#include <ditharos/tensor/kernels/gemm/packed_product.h>
#include <ditharos/tensor/kernels/gemm/quantize_isa.h>
#include <ditharos/tensor/kernels/pointwise/convert_isa.h>
#include <ditharos/tensor/kernels/pointwise/gelu_isa.h>
#include <ditharos/tensor/kernels/workspace.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

thread_local Workspace rounded_rows, byte_rows, row_codes, hidden_rows, part_rows;

/// Up to this number of rows, reading the weights takes longer than the products.
constexpr int64_t few_rows = 16;

const QuantizeKernels& loops() { return isa_kernels<QuantizeKernels>(); }

/// Largest width of a quantised product: 2^31 / (255 * 127), so that no sum overflows.
constexpr int64_t longest_byte_sum = 66311;

/// Rows of a tile, which depend on the shape alone: enough tiles for eight threads, but enough rows that reading the
/// weights does not dominate, and no more than the cache holds of the widest result.
int64_t rows_of_tile(int64_t rows, int64_t widest) {
  constexpr int64_t most = 64, cached = 128 * 1024;
  const int64_t least = std::min<int64_t>(8, (rows + 1) / 2), fitting = std::max<int64_t>(16, cached / widest / 4 * 4);
  return std::max(least, std::min({(rows + 7) / 8, most, fitting}));
}

/// body(first, count) for the tiles of `rows` rows.
void for_each_tile(int64_t rows, int64_t widest, FunctionRef<void(int64_t first, int64_t count)> body) {
  if (rows == 0) return;
  const int64_t tile = rows_of_tile(rows, widest);
  parallel_tasks((rows + tile - 1) / tile,
                 [&](int64_t task) { body(task * tile, std::min(tile, rows - task * tile)); });
}

void check_input(const char* op, const Tensor& x, int64_t in) {
  check<DTypeError>(x.dtype() == DType::f32 || x.dtype() == DType::bf16, "[", op,
                    "] packed weights take f32 or bf16, x is ", x.dtype(), "; convert it");
  check<ShapeError>(x.rank() >= 1 && x.size(-1) == in, "[", op, "] x ", x.shape(),
                    " does not fit packed weights: its last axis must be ", in);
}

/// n numbers in bf16, in memory of the calling thread that its next call reuses.
const bfloat16* rounded(int64_t n, const float* x) {
  bfloat16* to = rounded_rows.get<bfloat16>(n);
  isa_kernels<ConvertKernels>().to_bf16(n, x, to);
  return to;
}

}  // namespace

struct PackedLinear::Weights {
  std::vector<float> bias;                  // empty: none
  PackedProductPtr<FloatProduct> floats;    // f32
  PackedProductPtr<BfloatProduct> bfloats;  // bf16
  PackedProductPtr<ByteProduct> bytes;      // int8, with the parameters of its dequantisation:
  std::vector<float> scales;                // [out]
  std::vector<int32_t> column_sums;         // [out], over a row of W

  /// Rounds each row of w [out, in] to multiples of its scale.
  void quantize(int64_t out, int64_t in, const float* w) {
    const float limit = static_cast<float>(int8_weight_limit());
    std::vector<int8_t> codes(static_cast<size_t>(out * in));
    scales.resize(static_cast<size_t>(out));
    column_sums.resize(static_cast<size_t>(out));
    for (int64_t j = 0; j < out; ++j, w += in) {
      float largest = 0, poison = 0;  // poison: NaN when a weight is not finite, and so then is the scale
      for (int64_t p = 0; p < in; ++p) {
        largest = std::max(largest, std::abs(w[p]));
        poison += w[p] - w[p];
      }
      const float inverse = largest > 1e-30f && poison == 0 ? limit / largest : 0;
      int32_t sum = 0;
      for (int64_t p = 0; p < in; ++p) {
        const int32_t code = poison == 0 ? static_cast<int32_t>(std::nearbyint(w[p] * inverse)) : 0;
        codes[static_cast<size_t>(j * in + p)] = static_cast<int8_t>(code);
        sum += code;
      }
      scales[static_cast<size_t>(j)] = largest / limit + poison;
      column_sums[static_cast<size_t>(j)] = sum;
    }
    bytes = pack<ByteProduct>(codes.data(), out, in);
  }
};

PackedLinear::Source::Source(const Tensor& x) : defined(x.defined()) {
  if (!defined) return;
  storage = x.storage();
  version = x.version();
  offset = x.offset();
  shape = x.shape();
  strides = x.strides();
}

bool PackedLinear::Source::is(const Tensor& x) const {
  if (!defined || !x.defined()) return defined == x.defined();
  return storage.lock() == x.storage() && version == x.version() && offset == x.offset() && shape == x.shape() &&
         strides == x.strides();
}

bool can_pack(const Tensor& weight, const Tensor& bias, Precision precision) {
  if (!weight.defined() || weight.dtype() != DType::f32 || weight.rank() != 2) return false;
  const int64_t out = weight.size(0), in = weight.size(1);
  if (out < 1 || in < 1 || (precision == Precision::int8 && in > longest_byte_sum)) return false;
  return !bias.defined() || (bias.dtype() == DType::f32 && bias.shape() == Shape{out});
}

PackedLinear::PackedLinear(const Tensor& weight, const Tensor& bias, Precision precision)
    : precision_(precision), in_(0), out_(0), weight_(weight), bias_(bias) {
  check<Error>(can_pack(weight, bias, precision), "[pack] weight must be [out, in] and bias [out], both f32 and not ",
               "empty, and for int8 `in` at most ", longest_byte_sum, "; got ",
               weight.defined() ? to_text(weight.shape()) : "none", " and ",
               bias.defined() ? to_text(bias.shape()) : "none");
  out_ = weight.size(0);
  in_ = weight.size(1);
  auto weights = std::make_unique<Weights>();
  if (bias.defined()) weights->bias = bias.to_vector<float>();
  const Tensor w = contiguous(weight);
  if (precision == Precision::f32) {
    weights->floats = pack<FloatProduct>(w.data<float>(), out_, in_);
  } else if (precision == Precision::bf16) {
    weights->bfloats = pack<BfloatProduct>(to(w, DType::bf16).data<bfloat16>(), out_, in_);
  } else {
    if (!bias.defined()) weights->bias.assign(static_cast<size_t>(out_), 0.f);
    weights->quantize(out_, in_, w.data<float>());
  }
  weights_ = std::move(weights);
}

PackedLinear::~PackedLinear() = default;

bool PackedLinear::is_of(const Tensor& weight, const Tensor& bias) const {
  return weight_.is(weight) && bias_.is(bias);
}

void PackedLinear::run(int64_t rows, const float* x, float* y, bool gelu) const {
  const Weights& w = *weights_;
  if (precision_ != Precision::int8) {
    const float* bias = w.bias.empty() ? nullptr : w.bias.data();
    if (w.floats) w.floats->run(rows, x, y, bias);
    else w.bfloats->run(rows, rounded(rows * in_, x), y, bias);
    if (gelu) isa_kernels<GeluKernels>().f32.forward(1, rows * out_, rows * out_, y, y);
    return;
  }
  uint8_t* q = byte_rows.get<uint8_t>(rows * in_);
  RowCode* codes = row_codes.get<RowCode>(rows);
  loops().quantize(rows, in_, x, q, codes);
  int32_t* sums = reinterpret_cast<int32_t*>(y);  // as wide as floats: no second buffer
  w.bytes->run(rows, q, sums, nullptr);
  loops().dequantize(rows, out_, codes, w.scales.data(), w.column_sums.data(), w.bias.data(), gelu, sums, y);
}

bool PackedLinear::run_in_parts(int64_t rows, const float* x, float* y) const {
  const Weights& w = *weights_;
  const int64_t parts = w.floats ? w.floats->parts() : w.bfloats ? w.bfloats->parts() : 1;
  if (parts == 1) return false;
  const int64_t width = out_ / parts;
  parallel_tasks(parts, [&](int64_t part) {
    float* result = part_rows.get<float>(rows * width);
    const float* bias = w.bias.empty() ? nullptr : w.bias.data();
    if (w.floats) w.floats->run_part(part, rows, x, result, bias);
    else w.bfloats->run_part(part, rows, rounded(rows * in_, x), result, bias);
    for (int64_t i = 0; i < rows; ++i) std::copy_n(result + i * width, width, y + i * out_ + part * width);
  });
  return true;
}

Tensor linear(const Tensor& x, const PackedLinear& layer) {
  check_input("linear", x, layer.in());
  const Tensor in = contiguous(to_dtype(x, DType::f32)), y(with_last(x.shape(), layer.out()), DType::f32);
  const int64_t rows = x.numel() / layer.in();
  count_flops(2.0 * double(rows) * double(layer.in()) * double(layer.out()));
  const float* from = in.data<float>();
  float* to = y.mutable_data<float>();
  if (rows > 0 && rows <= few_rows && layer.run_in_parts(rows, from, to)) return y;
  for_each_tile(rows, layer.out(), [&](int64_t first, int64_t count) {
    layer.run(count, from + first * layer.in(), to + first * layer.out(), false);
  });
  return y;
}

Tensor mlp(const Tensor& x, const PackedLinear& fc1, const PackedLinear& fc2) {
  check_input("mlp", x, fc1.in());
  check<ShapeError>(fc1.out() == fc2.in(), "[mlp] the first layer gives ", fc1.out(), " values, the second takes ",
                    fc2.in());
  const Tensor in = contiguous(to_dtype(x, DType::f32)), y(with_last(x.shape(), fc2.out()), DType::f32);
  count_flops(2.0 * double(x.numel()) * double(fc1.out()) + 2.0 * double(y.numel()) * double(fc2.in()));
  const float* from = in.data<float>();
  float* to = y.mutable_data<float>();
  for_each_tile(x.numel() / fc1.in(), std::max(fc1.out(), fc2.out()), [&](int64_t first, int64_t count) {
    float* hidden = hidden_rows.get<float>(count * fc1.out());
    fc1.run(count, from + first * fc1.in(), hidden, true);
    fc2.run(count, hidden, to + first * fc2.out(), false);
  });
  return y;
}

}  // namespace ditharos::kernels

#include <ditharos/tensor/io/print.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>

#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/view.h>

namespace ditharos {
namespace {

constexpr int64_t summarise_above = 1000, edge = 3;
constexpr size_t line_width = 80;
constexpr int decimals = 4;
const std::string prefix = "tensor(";

/// How all numbers of a tensor are written: alike, and as wide as the widest.
class Format {
 public:
  /// `shown`: the elements that will be printed.
  explicit Format(const Tensor& shown) : dtype_(shown.dtype()) {
    if (is_floating(dtype_)) choose(shown.to_vector<double>());
    else
      for (int64_t v : shown.to_vector<int64_t>()) width_ = std::max(width_, text(v).size());
  }

  size_t width() const { return width_; }
  std::string operator()(const Tensor& scalar) const {
    const std::string t = is_floating(dtype_) ? text(scalar.item()) : text(scalar.to_vector<int64_t>()[0]);
    return t.size() < width_ ? std::string(width_ - t.size(), ' ') + t : t;
  }

 private:
  void choose(const std::vector<double>& values) {
    double smallest = std::numeric_limits<double>::infinity(), largest = 0;
    for (double v : values) {
      if (v == 0 || !std::isfinite(v)) continue;
      whole_ &= v == std::ceil(v);
      smallest = std::min(smallest, std::abs(v)), largest = std::max(largest, std::abs(v));
    }
    if (largest == 0) return;
    scientific_ = largest / smallest > 1000 || largest > 1e8 || (!whole_ && smallest < 1e-4);
    for (double v : values)
      if (v != 0 && std::isfinite(v)) width_ = std::max(width_, text(v).size());
  }
  std::string text(int64_t value) const {
    if (dtype_ == DType::boolean) return value ? "True" : "False";
    return std::to_string(value);
  }
  std::string text(double value) const {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    if (scientific_) return scientific_text(value, decimals);
    if (whole_) return fixed_text(value, 0) + ".";
    return fixed_text(value, decimals);
  }

  DType dtype_;
  bool whole_ = true, scientific_ = false;
  size_t width_ = 1;
};

Tensor element(const Tensor& x, int64_t i) {
  const Tensor one = views::slice(x, 0, i, i + 1, 1);
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.erase(0), strides.erase(0);
  return Tensor(one.storage(), shape, strides, one.offset(), x.dtype());
}

/// x without the elements that a summary leaves out.
Tensor edges_of(Tensor x) {
  for (int axis = 0; axis < x.rank(); ++axis) {
    const int64_t n = x.size(axis);
    if (n > 2 * edge)
      x = kernels::cat({views::slice(x, axis, 0, edge, 1), views::slice(x, axis, n - edge, n, 1)}, axis);
  }
  return x;
}

std::string body(const Tensor& x, const Format& format, size_t indent, bool summarise);

/// The entries along the first axis; `dots` where some are left out.
std::vector<std::string> entries(const Tensor& x, const Format& format, size_t indent, bool summarise,
                                 const char* dots) {
  std::vector<std::string> texts;
  const int64_t n = x.size(0);
  const bool shorten = summarise && n > 2 * edge;
  for (int64_t i = 0; i < n; ++i) {
    if (shorten && i == edge) {
      texts.emplace_back(dots);
      i = n - edge;
    }
    texts.push_back(body(element(x, i), format, indent + 1, summarise));
  }
  return texts;
}

std::string body(const Tensor& x, const Format& format, size_t indent, bool summarise) {
  if (x.rank() == 0) return format(x);
  const std::string new_line = ",\n" + std::string(indent + 1, ' ');
  std::string text = "[";
  if (x.rank() == 1) {
    const size_t a_line = std::max<size_t>(1, (line_width - std::min(indent, line_width)) / (format.width() + 2));
    const std::vector<std::string> numbers = entries(x, format, indent, summarise, " ...");
    for (size_t i = 0; i < numbers.size(); ++i) text += (i == 0 ? "" : i % a_line == 0 ? new_line : ", ") + numbers[i];
  } else {
    const std::string gap = "," + std::string(size_t(x.rank() - 1), '\n') + std::string(indent + 1, ' ');
    const std::vector<std::string> parts = entries(x, format, indent, summarise, "...");
    for (size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : gap) + parts[i];
  }
  return text + "]";
}

}  // namespace

std::string to_text(const Tensor& x) {
  if (!x.defined()) return prefix + "undefined)";
  std::vector<std::string> suffixes;
  std::string text = prefix;
  bool default_dtype = x.dtype() == DType::f32;
  if (x.numel() == 0) {
    text += "[]";
    if (x.rank() != 1) suffixes.push_back("size=" + to_text(x.shape()));
  } else {
    const bool summarise = x.numel() > summarise_above;
    text += body(x, Format(summarise ? edges_of(x) : x), prefix.size(), summarise);
    default_dtype |= x.dtype() == DType::i64 || x.dtype() == DType::boolean;
  }
  if (!default_dtype) suffixes.push_back(std::string("dtype=") + name_of(x.dtype()));

  size_t column = text.size() - (text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
  for (const std::string& suffix : suffixes) {
    const bool wrap = column + suffix.size() + 3 > line_width;  // with ", " before it and ")" behind
    text += wrap ? ",\n" + std::string(prefix.size(), ' ') + suffix : ", " + suffix;
    column = wrap ? prefix.size() + suffix.size() : column + suffix.size() + 2;
  }
  return text + ")";
}

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << to_text(x); }
std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_text(shape); }
std::ostream& operator<<(std::ostream& out, DType dtype) { return out << to_text(dtype); }

}  // namespace ditharos

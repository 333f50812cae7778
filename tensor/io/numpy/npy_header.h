#pragma once
// Internal to tensor/io/.
// The header of an .npy array: a Python dict with the element type, the order of the axes and the shape
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
#include <cstdint>
#include <string>
#include <string_view>

#include <ditharos/tensor/dtype.h>
#include <ditharos/tensor/shape.h>

namespace ditharos {

struct NpyHeader {
  DType dtype = DType::f32;
  bool big_endian = false;
  bool fortran_order = false;  ///< the first axis varies fastest
  Shape shape;
};

/// The bytes in front of the header's text: magic, version and the length of the text.
struct NpyPrefix {
  uint64_t prefix_size = 0;  ///< 10 bytes in version 1, 12 in versions 2 and 3
  uint64_t text_size = 0;
};
inline constexpr uint64_t max_npy_prefix = 12;
/// The longest text of a header that is read. NumPy pads it to less than 200 bytes.
inline constexpr uint64_t max_npy_header = uint64_t{1} << 16;

/// `bytes` are the first max_npy_prefix bytes of the array, or all where there are fewer. IoError, without a path,
/// unless they begin an array of version 1, 2 or 3 whose header has at most max_npy_header bytes.
[[nodiscard]] NpyPrefix parse_npy_prefix(std::string_view bytes);
/// Parses the dict: the keys descr, fortran_order and shape, each once, in any order, and nothing else. IoError,
/// without a path, for another text, an element type that tensors do not have, or more than eight axes.
[[nodiscard]] NpyHeader parse_npy_header(std::string_view text);
/// Prefix and header of version 1 for an array in row-major order, padded to a multiple of 64 bytes as NumPy does.
/// DTypeError for bf16, which NumPy does not have.
[[nodiscard]] std::string npy_header_bytes(DType dtype, const Shape& shape);

}  // namespace ditharos

#pragma once
// Arrays of NumPy: .npy files, and .npz archives of them. No pickle is read.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// The most bytes to which a compressed .npz may decompress. An uncompressed one is limited by its own length.
inline constexpr uint64_t default_max_npz = uint64_t{1} << 30;

/// The array in a .npy file (numpy.save), versions 1 to 3 of the format: contiguous, with the shape that NumPy shows.
/// An array in Fortran order is transposed and a big-endian one converted. Element types f4, f8, f2, i8, i4, u1 and b1
/// become f32, f64, f16, i64, i32, u8 and bool. Nothing in the file is trusted: IoError with the path and the reason
/// for another type, a header that is not exactly NumPy's three keys, or a file that is not exactly as long as its
/// header says; no memory is allocated before that is known.
Tensor load_npy(const std::string& path);
/// Writes the tensor (of any strides) as version 1. The file is complete or unchanged. DTypeError for bf16, which NumPy
/// does not have; IoError when the file cannot be written.
void save_npy(const std::string& path, const Tensor& x);

/// The names of the arrays in an .npz file (numpy.savez, numpy.savez_compressed), sorted, without ".npy".
[[nodiscard]] std::vector<std::string> npz_names(const std::string& path);
/// The arrays of an .npz file by name: those of `names`, or all. IoError as load_npy, with the name of the array, when
/// one of `names` is not there, and when the archive decompresses to more than `max_expanded` bytes.
[[nodiscard]] std::map<std::string, Tensor> load_npz(const std::string& path,
                                                     const std::vector<std::string>& names = {},
                                                     uint64_t max_expanded = default_max_npz);

}  // namespace ditharos

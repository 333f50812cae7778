#pragma once
// Internal to tensor/kernels/.
// The interface to a matrix library for weights that stay the same over many products. They are copied once into the
// layout that its kernel reads fastest.
#include <cstdint>
#include <memory>

#include <ditharos/tensor/bfloat16.h>

namespace ditharos::kernels {

/// The types of a product: floats, bf16 with sums in floats, or unsigned times signed bytes with exact sums in 32-bit
/// integers.
struct FloatProduct {
  using Left = float;
  using Weight = float;
  using Result = float;
};
struct BfloatProduct {
  using Left = bfloat16;
  using Weight = bfloat16;
  using Result = float;
};
struct ByteProduct {
  using Left = uint8_t;
  using Weight = int8_t;
  using Result = int32_t;
};

/// W [n, k], packed. Threads may share it.
template <class Kind>
class PackedProduct {
 public:
  virtual ~PackedProduct() = default;
  /// c [m, n] = a [m, k] W^T (+ bias [n], not for bytes), without gaps between rows, on the calling thread. The bits of
  /// a row depend on nothing but that row.
  virtual void run(int64_t m, const typename Kind::Left* a, typename Kind::Result* c,
                   const typename Kind::Result* bias) const = 0;

  /// The number of parts of equal width in which the columns of the result can be computed; 1: only all at once.
  virtual int64_t parts() const { return 1; }
  /// Part `part` of c alone, [m, n / parts()], with its part of the bias.
  virtual void run_part(int64_t part, int64_t m, const typename Kind::Left* a, typename Kind::Result* c,
                        const typename Kind::Result* bias) const;
};
template <class Kind>
void PackedProduct<Kind>::run_part(int64_t, int64_t m, const typename Kind::Left* a, typename Kind::Result* c,
                                   const typename Kind::Result* bias) const {
  run(m, a, c, bias);
}
template <class Kind>
using PackedProductPtr = std::unique_ptr<const PackedProduct<Kind>>;

/// Packs W [n, k], n and k >= 1, for the library that this build has.
template <class Kind>
PackedProductPtr<Kind> pack(const typename Kind::Weight* weight, int64_t n, int64_t k);

/// Native, in every build: a plain copy.
template <class Kind>
PackedProductPtr<Kind> pack_native(const typename Kind::Weight* weight, int64_t n, int64_t k);

/// Largest size of a quantised weight, 127 or less. CPUs without VNNI add two products of bytes in 16 bits, which
/// overflow beyond 63.
int int8_weight_limit();

}  // namespace ditharos::kernels

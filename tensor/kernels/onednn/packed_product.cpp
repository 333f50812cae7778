// Products with weights in oneDNN's own blocked layouts.
#include <ditharos/tensor/kernels/onednn/packed_product.h>

#include <cstring>

#include <ditharos/tensor/kernels/onednn/matmul.h>
#include <ditharos/tensor/kernels/onednn/primitive_cache.h>
#include <ditharos/tensor/storage.h>

namespace ditharos::kernels::onednn {
namespace {

using dnnl::memory;

/// A matrix without gaps between rows; transposed: between columns.
template <class T>
memory::desc matrix(int64_t rows, int64_t columns, bool transposed = false) {
  return {{rows, columns}, type_of<T>(), transposed ? memory::dims{1, rows} : memory::dims{columns, 1}};
}

template <class Kind>
MatmulLayouts layouts_of(int64_t m, int64_t n, int64_t k, const memory::desc& weight, bool bias) {
  using Result = typename Kind::Result;
  return {matrix<typename Kind::Left>(m, k), weight, bias ? matrix<Result>(1, n) : memory::desc(),
          matrix<Result>(m, n)};
}

/// The key of a primitive. The layout of the weights follows from it, so one primitive serves all weights of the same
/// shape.
struct PackedKey {
  int64_t m, n, k;
  int64_t bias;  // 0 or 1
  friend bool operator==(const PackedKey&, const PackedKey&) = default;
};

template <class Kind>
class BlockedProduct : public PackedProduct<Kind> {
 public:
  BlockedProduct(const typename Kind::Weight* weight, int64_t n, int64_t k) : n_(n), k_(k) {
    const ThreadCount one(1);  // the layout must not depend on the number of threads
    layout_ = best_layout(n);
    packed_ = std::make_unique<Storage>(layout_.get_size());
    copy(weight, n, layout_, packed_->data());
    if (n >= worth_parts) find_parts(weight);
  }

  void run(int64_t m, const typename Kind::Left* a, typename Kind::Result* c,
           const typename Kind::Result* bias) const override {
    multiply(m, n_, layout_, packed_->data(), a, c, bias);
  }

  int64_t parts() const override { return parts_; }
  void run_part(int64_t part, int64_t m, const typename Kind::Left* a, typename Kind::Result* c,
                const typename Kind::Result* bias) const override {
    const int64_t width = n_ / parts_;
    multiply(m, width, part_layout_, part_of_packed(part), a, c, bias ? bias + part * width : nullptr);
  }

 private:
  static constexpr int64_t usual_rows = 64;     // the layout is chosen for this number
  static constexpr int64_t worth_parts = 2048;  // columns

  memory::desc best_layout(int64_t n) const {
    const memory::desc any({k_, n}, type_of<typename Kind::Weight>(), memory::format_tag::any);
    const bool bias = !std::is_same_v<Kind, ByteProduct>;
    return describe_matmul(layouts_of<Kind>(usual_rows, n, k_, any, bias), attributes()).weights_desc();
  }

  /// n rows of W in another layout.
  void copy(const typename Kind::Weight* weight, int64_t n, const memory::desc& layout, void* result) const {
    memory from = memory_at(matrix<typename Kind::Weight>(k_, n, true), weight);
    memory to = memory_at(layout, result);
    dnnl::reorder(from, to).execute(stream(), from, to);
  }

  char* part_of_packed(int64_t part) const {
    return static_cast<char*>(packed_->data()) + part * static_cast<int64_t>(part_layout_.get_size());
  }

  /// A layout that keeps blocks of columns together stores a part of them as that part's own layout does. oneDNN does
  /// not tell whether a layout is of this kind, so the bytes are compared.
  void find_parts(const typename Kind::Weight* weight) {
    constexpr int64_t most = 4, block = 64;
    if (n_ % (most * block) != 0) return;
    const int64_t width = n_ / most;
    part_layout_ = best_layout(width);
    const size_t bytes = part_layout_.get_size();
    if (bytes * most != layout_.get_size()) return;
    const Storage expected(bytes);
    for (int64_t part = 0; part < most; ++part) {
      copy(weight + part * width * k_, width, part_layout_, expected.data());
      if (std::memcmp(expected.data(), part_of_packed(part), bytes) != 0) return;
    }
    parts_ = most;
  }

  void multiply(int64_t m, int64_t n, const memory::desc& layout, const void* weight, const typename Kind::Left* a,
                typename Kind::Result* c, const typename Kind::Result* bias) const {
    static thread_local PrimitiveCache<PackedKey, Matmul> cache(1024);
    const auto create = [&] { return std::make_unique<Matmul>(layouts_of<Kind>(m, n, k_, layout, bias != nullptr)); };
    on_one_thread([&] { cache.find_or_create({m, n, k_, bias != nullptr}, create)->run(a, weight, bias, c); },
                  "[linear] oneDNN failed with packed weights of shape [", n, ", ", k_, "]: ");
  }

  int64_t n_, k_, parts_ = 1;
  memory::desc layout_, part_layout_;
  std::unique_ptr<Storage> packed_;
};

}  // namespace

template <class Kind>
PackedProductPtr<Kind> pack(const typename Kind::Weight* weight, int64_t n, int64_t k) {
  return create_if_supported<BlockedProduct<Kind>>(weight, n, k);
}
template PackedProductPtr<FloatProduct> pack<FloatProduct>(const float* weight, int64_t n, int64_t k);
template PackedProductPtr<BfloatProduct> pack<BfloatProduct>(const bfloat16* weight, int64_t n, int64_t k);
template PackedProductPtr<ByteProduct> pack<ByteProduct>(const int8_t* weight, int64_t n, int64_t k);

int int8_weight_limit() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
    case dnnl::cpu_isa::avx:
    case dnnl::cpu_isa::avx2:
    case dnnl::cpu_isa::avx512_core: return 63;
    default: return 127;
  }
}

}  // namespace ditharos::kernels::onednn

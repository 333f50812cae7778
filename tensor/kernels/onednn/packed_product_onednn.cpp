// Products with weights in oneDNN's own blocked layouts, one primitive a tile on one thread, as in gemm_onednn.cpp.
#include <ditharos/tensor/kernels/gemm/packed_product.h>

#include <cstring>
#include <type_traits>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/kernels/onednn/one_thread.h>
#include <ditharos/tensor/kernels/workspace.h>
#include <ditharos/tensor/storage.h>

namespace ditharos::kernels {
namespace {

using dnnl::memory;

template <class T>
constexpr memory::data_type type_of() {
  if constexpr (std::is_same_v<T, float>) return memory::data_type::f32;
  else if constexpr (std::is_same_v<T, uint8_t>) return memory::data_type::u8;
  else if constexpr (std::is_same_v<T, int8_t>) return memory::data_type::s8;
  else return memory::data_type::s32;
}

/// A matrix without gaps between rows; transposed: between columns.
template <class T>
memory::desc matrix(int64_t rows, int64_t columns, bool transposed = false) {
  return {{rows, columns}, type_of<T>(), transposed ? memory::dims{1, rows} : memory::dims{columns, 1}};
}

dnnl::engine& cpu() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

template <class Kind>
dnnl::matmul::primitive_desc describe(int64_t m, int64_t n, int64_t k, const memory::desc& weight, bool with_bias) {
  const memory::desc a = matrix<typename Kind::Left>(m, k), c = matrix<typename Kind::Result>(m, n);
  const memory::desc bias = with_bias ? matrix<typename Kind::Result>(1, n) : memory::desc();
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  return {cpu(), a, weight, bias, c, attributes};
#else
  return {dnnl::matmul::desc(a, weight, bias, c), attributes, cpu()};
#endif
}

/// A primitive for m rows with the memory objects that it is run on; only their addresses change between runs.
template <class Kind>
class Rows {
 public:
  Rows(int64_t m, int64_t n, int64_t k, const memory::desc& weight, bool with_bias) {
    const auto description = describe<Kind>(m, n, k, weight, with_bias);
    primitive_ = dnnl::matmul(description);
    add(DNNL_ARG_SRC, a_, matrix<typename Kind::Left>(m, k));
    add(DNNL_ARG_WEIGHTS, weight_, weight);
    add(DNNL_ARG_DST, c_, matrix<typename Kind::Result>(m, n));
    if (with_bias) add(DNNL_ARG_BIAS, bias_, matrix<typename Kind::Result>(1, n));
    scratch_bytes_ = static_cast<int64_t>(description.scratchpad_desc().get_size());
    if (scratch_bytes_) add(DNNL_ARG_SCRATCHPAD, scratch_, description.scratchpad_desc());
  }

  void run(const typename Kind::Left* a, void* weight, typename Kind::Result* c, const typename Kind::Result* bias,
           const dnnl::stream& stream, Workspace& scratch) {
    // oneDNN's handles are not const; sources are only read.
    a_.set_data_handle(const_cast<typename Kind::Left*>(a));
    weight_.set_data_handle(weight);
    c_.set_data_handle(c);
    if (bias) bias_.set_data_handle(const_cast<typename Kind::Result*>(bias));
    if (scratch_bytes_) scratch_.set_data_handle(scratch.get<char>(scratch_bytes_));
    primitive_.execute(stream, arguments_);
  }

 private:
  void add(int role, memory& object, const memory::desc& description) {
    object = memory(description, cpu(), DNNL_MEMORY_NONE);
    arguments_.emplace(role, object);  // a shared handle: set_data_handle on the member reaches it
  }

  dnnl::matmul primitive_;
  memory a_, weight_, c_, bias_, scratch_;
  int64_t scratch_bytes_ = 0;
  std::unordered_map<int, memory> arguments_;
};

struct Key {
  int64_t m, n, k;
  bool bias;
  friend bool operator==(const Key&, const Key&) = default;
};
struct KeyHash {
  size_t operator()(const Key& key) const {
    uint64_t h = key.bias ? 1 : 0;
    for (int64_t v : {key.m, key.n, key.k}) h = (h ^ uint64_t(v)) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
    return size_t(h);
  }
};

/// What one thread keeps. A stream and a primitive's arguments must not be used by two threads at once.
template <class Kind>
struct ThreadState {
  dnnl::stream stream{cpu()};
  std::unordered_map<Key, Rows<Kind>, KeyHash> rows;
  Workspace scratch;
};
constexpr size_t most_primitives = 1024;  // of one thread; a program with ever new shapes must not grow without end

template <class Kind>
class OneDnnProduct : public PackedProduct<Kind> {
 public:
  OneDnnProduct(const typename Kind::Weight* weight, int64_t n, int64_t k) : n_(n), k_(k) {
    const OneThread one_thread;  // the layout must not depend on the number of threads
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
  static constexpr int64_t usual_rows = 64;     // what the layout is chosen for
  static constexpr int64_t worth_parts = 2048;  // columns

  memory::desc best_layout(int64_t n) const {
    const memory::desc any({k_, n}, type_of<typename Kind::Weight>(), memory::format_tag::any);
    return describe<Kind>(usual_rows, n, k_, any, std::is_same_v<Kind, FloatProduct>).weights_desc();
  }

  /// n rows of W in another layout.
  void copy(const typename Kind::Weight* weight, int64_t n, const memory::desc& layout, void* result) const {
    memory from(matrix<typename Kind::Weight>(k_, n, true), cpu(), const_cast<typename Kind::Weight*>(weight));
    memory to(layout, cpu(), result);
    dnnl::stream stream(cpu());
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
  }

  char* part_of_packed(int64_t part) const {
    return static_cast<char*>(packed_->data()) + part * static_cast<int64_t>(part_layout_.get_size());
  }

  /// A layout that keeps blocks of columns together holds a part of them as that part's own layout does. That it is of
  /// this kind is not said anywhere, so the bytes are compared.
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

  void multiply(int64_t m, int64_t n, const memory::desc& layout, void* weight, const typename Kind::Left* a,
                typename Kind::Result* c, const typename Kind::Result* bias) const {
    static thread_local ThreadState<Kind> state;
    const OneThread one_thread;
    const Key key{m, n, k_, bias != nullptr};
    try {
      auto found = state.rows.find(key);
      if (found == state.rows.end()) {
        if (state.rows.size() >= most_primitives) state.rows.clear();
        // The layout follows from the key alone, so primitives serve all weights of the same shape.
        found = state.rows.try_emplace(key, m, n, k_, layout, bias != nullptr).first;
      }
      found->second.run(a, weight, c, bias, state.stream, state.scratch);
    } catch (const dnnl::error& e) {
      fail("[linear] oneDNN failed with packed weights of shape [", n, ", ", k_, "]: ", e.what());
    }
  }

  int64_t n_, k_, parts_ = 1;
  memory::desc layout_, part_layout_;
  std::unique_ptr<Storage> packed_;
};

}  // namespace

template <class Kind>
PackedProductPtr<Kind> pack_onednn(const typename Kind::Weight* weight, int64_t n, int64_t k) {
  try {
    return std::make_unique<const OneDnnProduct<Kind>>(weight, n, k);
  } catch (const dnnl::error&) {
    return nullptr;  // no kernel for this CPU: ours serves
  }
}
template PackedProductPtr<FloatProduct> pack_onednn<FloatProduct>(const float* weight, int64_t n, int64_t k);
template PackedProductPtr<ByteProduct> pack_onednn<ByteProduct>(const int8_t* weight, int64_t n, int64_t k);

int int8_weight_limit_onednn() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
    case dnnl::cpu_isa::avx:
    case dnnl::cpu_isa::avx2:
    case dnnl::cpu_isa::avx512_core: return 63;
    default: return 127;
  }
}

}  // namespace ditharos::kernels

// Matrix products by oneDNN. Each tile is a matmul primitive made for and run on one thread: given a team of its
// own, oneDNN splits sums by the number of threads, and the result would depend on it.
#include <ditharos/tensor/kernels/gemm/gemm_tile.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

#include <ditharos/tensor/kernels/onednn/one_thread.h>
#include <ditharos/tensor/kernels/workspace.h>

namespace ditharos::kernels {
namespace {

using dnnl::memory;

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const memory::desc& a, const memory::desc& b,
                                      const memory::desc* bias, const memory::desc& c,
                                      const dnnl::primitive_attr& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  if (bias) return {engine, a, b, *bias, c, attributes};
  return {engine, a, b, c, attributes};
#else
  if (bias) return {dnnl::matmul::desc(a, b, *bias, c), attributes, engine};
  return {dnnl::matmul::desc(a, b, c), attributes, engine};
#endif
}

/// What a primitive is made for; pointers are not part of it.
struct Key {
  int64_t m, n, k, lda, ldb, ldc;
  bool transpose_a, transpose_b, bias, accumulate;
  friend bool operator==(const Key&, const Key&) = default;
};
struct KeyHash {
  size_t operator()(const Key& key) const {
    uint64_t h = (key.transpose_a ? 1 : 0) | (key.transpose_b ? 2 : 0) | (key.bias ? 4 : 0) | (key.accumulate ? 8 : 0);
    for (int64_t v : {key.m, key.n, key.k, key.lda, key.ldb, key.ldc}) {
      h = (h ^ static_cast<uint64_t>(v)) * 0x9e3779b97f4a7c15u;  // Fibonacci hashing, one round a number
      h ^= h >> 29;
    }
    return static_cast<size_t>(h);
  }
};

memory::desc matrix(int64_t rows, int64_t columns, int64_t ld, bool transposed) {
  return {{rows, columns}, memory::data_type::f32, transposed ? memory::dims{1, ld} : memory::dims{ld, 1}};
}

/// A primitive with the memory objects that it is run on; only their addresses change between runs.
class Product {
 public:
  Product(const Key& key, const dnnl::engine& engine) {
    const memory::desc a = matrix(key.m, key.k, key.lda, key.transpose_a);
    const memory::desc b = matrix(key.k, key.n, key.ldb, key.transpose_b);
    const memory::desc c = matrix(key.m, key.n, key.ldc, false);
    const memory::desc bias = matrix(1, key.n, key.n, false);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (key.accumulate) {
      dnnl::post_ops sum;
      sum.append_sum(1.f);
      attributes.set_post_ops(sum);
    }
    const auto description = describe(engine, a, b, key.bias ? &bias : nullptr, c, attributes);
    primitive_ = dnnl::matmul(description);
    add(DNNL_ARG_SRC, a_, a, engine);
    add(DNNL_ARG_WEIGHTS, b_, b, engine);
    add(DNNL_ARG_DST, c_, c, engine);
    if (key.bias) add(DNNL_ARG_BIAS, bias_, bias, engine);
    scratch_bytes_ = static_cast<int64_t>(description.scratchpad_desc().get_size());
    if (scratch_bytes_) add(DNNL_ARG_SCRATCHPAD, scratch_, description.scratchpad_desc(), engine);
  }

  void run(const Gemm<float>& g, const dnnl::stream& stream, Workspace& scratch) {
    // oneDNN's handles are not const; sources are only read.
    a_.set_data_handle(const_cast<float*>(g.a));
    b_.set_data_handle(const_cast<float*>(g.b));
    c_.set_data_handle(g.c);
    if (g.bias) bias_.set_data_handle(const_cast<float*>(g.bias));
    if (scratch_bytes_) scratch_.set_data_handle(scratch.get<char>(scratch_bytes_));
    primitive_.execute(stream, arguments_);
  }

 private:
  void add(int role, memory& object, const memory::desc& description, const dnnl::engine& engine) {
    object = memory(description, engine, DNNL_MEMORY_NONE);
    arguments_.emplace(role, object);  // a shared handle: set_data_handle on the member reaches it
  }

  dnnl::matmul primitive_;
  memory a_, b_, c_, bias_, scratch_;
  int64_t scratch_bytes_ = 0;
  std::unordered_map<int, memory> arguments_;
};

/// What one thread keeps. A stream and a primitive's arguments must not be used by two threads at once.
struct ThreadState {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::unordered_map<Key, std::unique_ptr<Product>, KeyHash> products;  // null: oneDNN has none
  Workspace scratch;
};
constexpr size_t most_products = 4096;  // of one thread; a program with ever new shapes must not grow without end

Product* find_or_create(ThreadState& state, const Key& key) {
  const auto found = state.products.find(key);
  if (found != state.products.end()) return found->second.get();
  if (state.products.size() >= most_products) state.products.clear();
  std::unique_ptr<Product> product;
  try {
    product = std::make_unique<Product>(key, state.engine);
  } catch (const dnnl::error&) {
    // No kernel for this CPU or layout: ours takes over.
  }
  return state.products.emplace(key, std::move(product)).first->second.get();
}

const char* isa_name() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41: return "sse41";
    case dnnl::cpu_isa::avx: return "avx";
    case dnnl::cpu_isa::avx2: return "avx2";
    case dnnl::cpu_isa::avx2_vnni: return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core: return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni: return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16: return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx: return "avx512_core_amx";
    default: return "cpu";
  }
}

/// Runs g as one primitive with `threads` threads; the primitives in `state` are for that number.
bool run_product(ThreadState& state, const Gemm<float>& g, int threads) {
  const LibraryThreads team(threads);
  Product* product = find_or_create(state, {g.m, g.n, g.k, g.lda, g.ldb, g.ldc, g.transpose_a, g.transpose_b,
                                            g.bias != nullptr, g.accumulate});
  if (!product) return false;
  try {
    product->run(g, state.stream, state.scratch);
  } catch (const dnnl::error& e) {
    fail("[matmul] oneDNN failed: ", e.what());
  }
  return true;
}

}  // namespace

bool gemm_tile_onednn(const Gemm<float>& g) {
  static thread_local ThreadState state;
  return run_product(state, g, 1);
}

bool gemm_onednn_threads(const Gemm<float>& g, int threads) {
  static thread_local std::unordered_map<int, ThreadState> states;
  return run_product(states[threads], g, threads);
}

const char* onednn_name() {
  static const std::string name = [] {
    const dnnl::version_t* v = dnnl::version();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch) +
           " (" + isa_name() + ")";
  }();
  return name.c_str();
}

}  // namespace ditharos::kernels

#pragma once
// Internal to tensor/kernels/onednn/.
// A common interface to oneDNN 2 and 3 for the kernels: descriptions of primitives, primitives with their arguments,
// the number of threads, and errors.
//
// Every primitive is created for one thread and runs on one. With several threads of its own, oneDNN splits sums by
// their number, and the bits of a result would depend on it.
#include <cstdint>
#include <memory>
#include <type_traits>
#include <unordered_map>

#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <ditharos/tensor/bfloat16.h>
#include <ditharos/tensor/error.h>

namespace ditharos::kernels::onednn {

/// The CPU; all threads share it.
const dnnl::engine& engine();
/// The calling thread's own: threads must not share a stream.
const dnnl::stream& stream();

/// While it exists, oneDNN uses this many threads in the calling thread. Some of its kernels read the number when they
/// are created and again when they run.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~ThreadCount() { omp_set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

/// Returns body(), in which oneDNN uses `threads` threads. An exception of oneDNN becomes an Error with the text of
/// `context` and its own.
template <class Body, class... Context>
decltype(auto) on_threads(int threads, const Body& body, const Context&... context) {
  const ThreadCount count(threads);
  try {
    return body();
  } catch (const dnnl::error& e) {
    fail(context..., e.what());
  }
}
template <class Body, class... Context>
decltype(auto) on_one_thread(const Body& body, const Context&... context) {
  return on_threads(1, body, context...);
}

/// T(arguments...), or null if oneDNN throws: it has no kernel for this CPU, these sizes or these layouts.
template <class T, class... Arguments>
std::unique_ptr<T> create_if_supported(const Arguments&... arguments) {
  try {
    return std::make_unique<T>(arguments...);
  } catch (const dnnl::error&) {
    return nullptr;
  }
}

/// Attributes of a primitive whose scratch memory comes from the caller.
dnnl::primitive_attr attributes();

/// The description of a primitive such as dnnl::matmul, from the arguments that both versions have in common.
template <class Primitive, class... Arguments>
typename Primitive::primitive_desc describe(const dnnl::primitive_attr& attributes, const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), arguments..., attributes};
#else
  return {typename Primitive::desc(arguments...), attributes, engine()};
#endif
}
/// The same for a backward primitive, which needs the description of its forward primitive.
template <class Primitive, class Forward, class... Arguments>
typename Primitive::primitive_desc describe_backward(const Forward& forward, const dnnl::primitive_attr& attributes,
                                                     const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), arguments..., forward, attributes};
#else
  return {typename Primitive::desc(arguments...), attributes, engine(), forward};
#endif
}

/// oneDNN's name of T.
template <class T>
constexpr dnnl::memory::data_type type_of() {
  using Type = dnnl::memory::data_type;
  if constexpr (std::is_same_v<T, float>) return Type::f32;
  else if constexpr (std::is_same_v<T, bfloat16>) return Type::bf16;
  else if constexpr (std::is_same_v<T, uint8_t>) return Type::u8;
  else if constexpr (std::is_same_v<T, int8_t>) return Type::s8;
  else {
    static_assert(std::is_same_v<T, int32_t>);
    return Type::s32;
  }
}

/// An array at `data`, which may be set later. oneDNN's addresses are not const; it only reads its sources.
dnnl::memory memory_at(const dnnl::memory::desc& layout, const void* data = nullptr);
inline void set_address(const dnnl::memory& memory, const void* data) {
  memory.set_data_handle(const_cast<void*>(data));
}

/// A primitive with its arguments: memory objects, of which a new run needs only the addresses. It belongs to the
/// thread that created it.
class BoundPrimitive {
 public:
  BoundPrimitive() = default;
  /// `scratchpad`: the layout of its scratch memory, which may be empty.
  BoundPrimitive(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad);

  /// Adds an argument (`role` is one of DNNL_ARG_...). The argument is a handle on the same memory object, so
  /// set_address(memory) reaches it.
  void bind(int role, const dnnl::memory& memory);
  /// Adds an argument of this layout and returns its memory object, which has no address yet.
  dnnl::memory bind(int role, const dnnl::memory::desc& layout);

  void run();

 private:
  dnnl::primitive primitive_;
  dnnl::stream stream_;
  dnnl::memory scratchpad_;
  int64_t scratchpad_bytes_ = 0;
  std::unordered_map<int, dnnl::memory> arguments_;
};

}  // namespace ditharos::kernels::onednn

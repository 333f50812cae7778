#include <ditharos/tensor/kernels/onednn/onednn.h>

#include <omp.h>

#include <ditharos/tensor/kernels/workspace.h>

namespace ditharos::kernels::onednn {

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

const dnnl::stream& stream() {
  static thread_local const dnnl::stream own(engine());
  return own;
}

ThreadCount::ThreadCount(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
ThreadCount::~ThreadCount() { omp_set_num_threads(before_); }

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr result;
  result.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return result;
}

dnnl::memory memory_at(const dnnl::memory::desc& layout, const void* data) {
  return {layout, engine(), const_cast<void*>(data)};
}

void set_address(const dnnl::memory& memory, const void* data) { memory.set_data_handle(const_cast<void*>(data)); }

BoundPrimitive::BoundPrimitive(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad)
    : primitive_(primitive), scratchpad_bytes_(static_cast<int64_t>(scratchpad.get_size())) {
  if (scratchpad_bytes_) scratchpad_ = bind(DNNL_ARG_SCRATCHPAD, scratchpad);
}

void BoundPrimitive::bind(int role, const dnnl::memory& memory) { arguments_.emplace(role, memory); }

dnnl::memory BoundPrimitive::bind(int role, const dnnl::memory::desc& layout) {
  const dnnl::memory memory = memory_at(layout);
  bind(role, memory);
  return memory;
}

void BoundPrimitive::run() {
  static thread_local Workspace scratch;
  if (scratchpad_bytes_) set_address(scratchpad_, scratch.get<char>(scratchpad_bytes_));
  primitive_.execute(stream(), arguments_);
}

}  // namespace ditharos::kernels::onednn

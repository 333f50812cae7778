#include <ditharos/tensor/kernels/onednn/onednn.h>

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

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr result;
  result.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return result;
}

dnnl::memory memory_at(const dnnl::memory::desc& layout, const void* data) {
  return {layout, engine(), const_cast<void*>(data)};
}

BoundPrimitive::BoundPrimitive(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad)
    : primitive_(primitive), stream_(stream()), scratchpad_bytes_(static_cast<int64_t>(scratchpad.get_size())) {
  if (scratchpad_bytes_) scratchpad_ = bind(DNNL_ARG_SCRATCHPAD, scratchpad);
}

void BoundPrimitive::bind(int role, const dnnl::memory& memory) { arguments_.emplace(role, memory); }

dnnl::memory BoundPrimitive::bind(int role, const dnnl::memory::desc& layout) {
  const dnnl::memory memory = memory_at(layout);
  bind(role, memory);
  return memory;
}

void BoundPrimitive::run() {
  if (scratchpad_bytes_) {
    static thread_local Workspace scratch;
    set_address(scratchpad_, scratch.get<char>(scratchpad_bytes_));
  }
  primitive_.execute(stream_, arguments_);
}

}  // namespace ditharos::kernels::onednn

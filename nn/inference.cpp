#include <ditharos/nn/inference.h>

#include <array>
#include <functional>
#include <mutex>

#include <ditharos/nn/linear.h>

namespace ditharos::nn {
namespace {

thread_local bool inference = false;

/// Guards a slot. Slots share a few mutexes, so that the header needs no <mutex>, which includes a sixth of what the
/// umbrella header does.
std::mutex& mutex_of(const PackedSlot& slot) {
  static std::array<std::mutex, 64> mutexes;
  return mutexes[std::hash<const PackedSlot*>()(&slot) / alignof(PackedSlot) % mutexes.size()];
}

/// Calls a function with each Linear of a module, the module itself included.
class LinearVisitor : public Visitor {
 public:
  LinearVisitor(ModuleBase& root, void (*visit)(Linear&, int64_t& count)) : visit_(visit) {
    take(root);
    root.visit(*this);
  }
  int64_t count = 0;

 protected:
  void on_parameter(const std::string&, Tensor&) override {}
  void on_module(const std::string&, ModuleBase& module) override { take(module); }

 private:
  void take(ModuleBase& module) {
    if (auto* linear = dynamic_cast<Linear*>(&module)) visit_(*linear, count);
  }
  void (*visit_)(Linear&, int64_t&);
};

}  // namespace

InferenceMode::InferenceMode() : before_(inference) { inference = true; }
InferenceMode::~InferenceMode() { inference = before_; }
bool inference_mode() { return inference; }

int64_t quantize(ModuleBase& module) {
  return LinearVisitor(module, [](Linear& layer, int64_t& count) { count += layer.quantize() ? 1 : 0; }).count;
}

void dequantize(ModuleBase& module) {
  LinearVisitor(module, [](Linear& layer, int64_t&) { layer.dequantize(); });
}

PackedSlot& PackedSlot::operator=(const PackedSlot& other) {
  std::shared_ptr<const kernels::PackedLinear> theirs = other.copied();
  const std::lock_guard lock(mutex_of(*this));
  packed_ = std::move(theirs);
  return *this;
}

std::shared_ptr<const kernels::PackedLinear> PackedSlot::get(const Tensor& weight, const Tensor& bias,
                                                             kernels::Precision precision) const {
  if (!kernels::can_pack(weight, bias, precision)) return nullptr;
  const std::lock_guard lock(mutex_of(*this));
  if (!packed_ || packed_->precision() != precision || !packed_->is_of(weight, bias)) {
    packed_ = nullptr;  // its memory can serve the new one
    packed_ = std::make_shared<const kernels::PackedLinear>(weight, bias, precision);
  }
  return packed_;
}

void PackedSlot::drop() const {
  const std::lock_guard lock(mutex_of(*this));
  packed_ = nullptr;
}

std::shared_ptr<const kernels::PackedLinear> PackedSlot::copied() const {
  if (!sharing()) return nullptr;
  const std::lock_guard lock(mutex_of(*this));
  return packed_;
}

}  // namespace ditharos::nn

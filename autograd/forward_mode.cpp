#include <ditharos/autograd/forward_mode.h>

#include <algorithm>
#include <atomic>

#include <ditharos/autograd/dual.h>
#include <ditharos/autograd/meta.h>
#include <ditharos/autograd/node.h>
#include <ditharos/tensor/view.h>

namespace ditharos {

struct DualLevel::State {
  Level level;
  bool constants_before;
};

DualLevel::DualLevel(const DualOptions& options) {
  check<AutogradError>(!differentiation_mode.level,
                       "[DualLevel] this thread runs a forward-mode computation already, and they do not nest; for "
                       "second derivatives use reverse mode for one of them: jvp or vjp with create_graph = true");
  static std::atomic<uint64_t> next{1};
  state_ = std::make_unique<State>(State{{next++, options}, differentiation_mode.constants});
  differentiation_mode.level = &state_->level;
  differentiation_mode.constants = false;
}

DualLevel::~DualLevel() {
  differentiation_mode.level = nullptr;
  differentiation_mode.constants = state_->constants_before;
  for (const std::weak_ptr<Tangent>& tangent : state_->level.tangents)
    if (const auto live = tangent.lock()) live->value = {};
}

void set_tangent(const Tensor& x, const Tensor& tangent) {
  Level& level = *active_level();
  auto& made = level.tangents;
  if (made.size() >= level.compact_at) {
    std::erase_if(made, [](const std::weak_ptr<Tangent>& t) { return t.expired(); });
    level.compact_at = std::max<size_t>(1024, 2 * made.size());
  }
  auto one = std::make_shared<Tangent>(Tangent{tangent, level.id});
  made.push_back(one);
  meta_of(x).tangent = std::move(one);
}

Tensor tangent_of(const Tensor& x) {
  const Level* level = active_level();
  const Meta* meta = level ? find_meta(x) : nullptr;
  return meta && meta->tangent && meta->tangent->level == level->id ? meta->tangent->value : Tensor{};
}

void copy_tangent(const Tensor& from, const Tensor& to) {
  if (const Tensor tangent = tangent_of(from); tangent.defined()) set_tangent(to, tangent);
}

Tensor without_tangent(const Tensor& x) {
  const Tensor y = views::alias(x);
  if (needs_grad(x)) meta_of(y).grad_fn = node_of(x);
  return y;
}

Tensor make_dual(const Tensor& x, const Tensor& tangent) {
  check<AutogradError>(active_level() != nullptr, "[make_dual] there is no forward-mode computation: open a DualLevel");
  check<AutogradError>(x.defined() && tangent.defined(), "[make_dual] the tensor or its tangent is undefined");
  check<AutogradError>(!tangent_of(x).defined(), "[make_dual] the tensor of shape ", x.shape(),
                       " has a tangent already");
  check<DTypeError>(x.dtype() == DType::f32 || x.dtype() == DType::f64,
                    "[make_dual] only f32 and f64 tensors have tangents, got ", x.dtype());
  check<DTypeError>(tangent.dtype() == x.dtype(), "[make_dual] the tangent is ", tangent.dtype(), ", the tensor ",
                    x.dtype());
  check<ShapeError>(tangent.shape() == x.shape(), "[make_dual] the tangent has shape ", tangent.shape(),
                    ", the tensor ", x.shape());
  const Tensor dual =
      record("identity", views::alias(x), {x}, save_nothing, each([](const Backward& d) { return d.grad(); }));
  set_tangent(dual, tangent);
  return dual;
}

}  // namespace ditharos

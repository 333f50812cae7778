#pragma once
// What the branches of a transformer's blocks computed in earlier calls of the network, for sampling with fewer
// computations (FORA, Selvaraju et al. 2024; TaylorSeer, Liu et al. 2025).
//
//   FeatureCache cache({.method = CacheMethod::fora, .interval = 2});
//   const Network network = [&](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y, &cache); };
#include <cstdint>
#include <functional>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

enum class CacheMethod {
  none,
  fora,       ///< branches are reused as they were (FORA, Selvaraju et al. 2024)
  taylorseer  ///< branches are extrapolated by a Taylor expansion (TaylorSeer, Liu et al. 2025)
};
/// "none", "fora" or "taylorseer".
[[nodiscard]] const char* name_of(CacheMethod method);

struct FeatureCaching {
  CacheMethod method = CacheMethod::none;
  int64_t interval = 3;  ///< one call out of so many is computed in full
  int64_t order = 2;     ///< taylorseer: of the expansion; 0 is fora with its second call in full

  /// ConfigError with one sentence that says what does not fit.
  void validate() const;
  friend bool operator==(const FeatureCaching&, const FeatureCaching&) = default;
};

/// The cache of one trajectory. It takes as much memory as the outputs of all branches, times 1 + order for TaylorSeer.
///
/// A network call either computes the branches (attention, MLP and cross-attention of every block) in full, or takes
/// them from here. The first call is in full (of TaylorSeer the first two), then one call out of `interval`. Calls are
/// counted, so the calls of a sampler with several calls a step count as steps do. A call whose tokens have another
/// shape than those before it, such as the first beyond the interval of guidance, is in full and starts anew.
class FeatureCache {
 public:
  explicit FeatureCache(const FeatureCaching& config);

  /// For the next trajectory: forgets everything.
  void reset();
  /// Begins a network call, whose tokens have this shape. The model calls it. AutogradError when gradients are
  /// recorded.
  void begin_call(const Shape& tokens);
  /// The next branch of the present call: computed, or taken from the cache. Every call asks for the branches in the
  /// same order.
  Tensor branch(const std::function<Tensor()>& compute);
  /// Whether the present call takes the branches from the cache.
  bool reuses() const { return reuses_; }

  int64_t calls() const { return calls_; }            ///< since the beginning or reset()
  int64_t full_calls() const { return full_calls_; }  ///< of them computed in full

 private:
  Tensor extrapolate(const std::vector<Tensor>& derivatives) const;

  FeatureCaching config_;
  Shape tokens_;
  bool reuses_ = false;
  int64_t calls_ = 0, full_calls_ = 0;
  int64_t same_shape_ = 0;  // calls of the present shape
  int64_t since_full_ = 0;  // calls since the last full one
  int64_t distance_ = 0;    // calls between the last two full ones
  size_t next_branch_ = 0;
  /// Of each branch: its output in the last full call, and finite differences of it of order 1, 2, ..., by calls.
  std::vector<std::vector<Tensor>> branches_;
};

/// A branch through a cache, or computed where there is none.
template <class F>
Tensor cached(FeatureCache* cache, const F& compute) {
  return cache == nullptr ? compute() : cache->branch(compute);
}

}  // namespace ditharos::models

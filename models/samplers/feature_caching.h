#pragma once
// The configuration of feature caching: most network calls of a sampler reuse what the blocks computed in earlier ones.
#include <cstdint>

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

}  // namespace ditharos::models

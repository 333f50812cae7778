#include <ditharos/models/samplers/feature_caching.h>

#include <ditharos/tensor/error.h>

namespace ditharos::models {

const char* name_of(CacheMethod method) {
  constexpr const char* names[] = {"none", "fora", "taylorseer"};
  return names[static_cast<int>(method)];
}

void FeatureCaching::validate() const {
  constexpr int64_t greatest_order = 8;
  check<ConfigError>(interval >= 1, "the interval of feature caching must be 1 (every call in full) or more, got ",
                     interval);
  check<ConfigError>(order >= 0 && order <= greatest_order, "the order of TaylorSeer must be 0 to ", greatest_order,
                     ", got ", order);
}

}  // namespace ditharos::models

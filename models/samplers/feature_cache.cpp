#include <ditharos/models/samplers/feature_cache.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>

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

FeatureCache::FeatureCache(const FeatureCaching& config) : config_(config) { config.validate(); }

void FeatureCache::reset() { *this = FeatureCache(config_); }

void FeatureCache::begin_call(const Shape& tokens) {
  check<AutogradError>(!grad_enabled(), "[FeatureCache] a cache serves sampling and keeps no graph: call the model ",
                       "under NoGrad or InferenceMode, or without a cache");
  if (same_shape_ == 0 || tokens != tokens_) {
    tokens_ = tokens;
    same_shape_ = 0;
    branches_.clear();
  }
  const int64_t first_full = config_.method == CacheMethod::taylorseer ? 2 : 1;
  const bool full =
      config_.method == CacheMethod::none || same_shape_ < first_full || since_full_ + 1 >= config_.interval;
  reuses_ = !full;
  distance_ = full ? since_full_ + 1 : distance_;
  since_full_ = full ? 0 : since_full_ + 1;
  ++same_shape_;
  ++calls_;
  full_calls_ += full ? 1 : 0;
  next_branch_ = 0;
}

Tensor FeatureCache::branch(const std::function<Tensor()>& compute) {
  const size_t index = next_branch_++;
  if (reuses_) {
    check<Error>(index < branches_.size(), "[FeatureCache] this call asks for more branches than the ",
                 branches_.size(), " of the last full one: a cache serves one model");
    return extrapolate(branches_[index]);
  }
  Tensor output = compute();
  if (config_.method == CacheMethod::none) return output;
  if (index == branches_.size()) branches_.emplace_back();
  const std::vector<Tensor> before = std::move(branches_[index]);
  std::vector<Tensor> derivatives{output};
  const size_t order = config_.method == CacheMethod::taylorseer ? size_t(config_.order) : 0;
  for (size_t i = 0; i < order && i < before.size(); ++i)
    derivatives.push_back((derivatives[i] - before[i]) * (1 / double(distance_)));
  branches_[index] = std::move(derivatives);
  return output;
}

Tensor FeatureCache::extrapolate(const std::vector<Tensor>& derivatives) const {
  Tensor sum = derivatives[0];
  double factor = 1;  // distance^i / i!
  for (size_t i = 1; i < derivatives.size(); ++i) {
    factor *= double(since_full_) / double(i);
    sum = sum + derivatives[i] * factor;
  }
  return sum;
}

}  // namespace ditharos::models

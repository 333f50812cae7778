#include <ditharos/models/diffusion/guidance.h>

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>

namespace ditharos::models {

void Guidance::validate() const {
  check<ConfigError>(std::isfinite(scale) && scale >= 0, "the guidance scale must be 0 or more, got ", scale);
  check<ConfigError>(channels >= 0, "the number of guided channels must be 0 (all) or more, got ", channels);
  check<ConfigError>(from >= 0 && from < to && to <= 1, "guidance must act on a part of [0, 1], got ", from,
                     " to ", to);
}

Denoiser guided(Network network, const Tensor& labels, int64_t null_label, const Guidance& guidance,
                std::function<double(double)> progress) {
  guidance.validate();
  check<ConfigError>(labels.defined() || guidance.scale == 1, "a network without classes cannot be guided: leave the ",
                     "guidance scale at 1, not ", guidance.scale);
  if (guidance.scale == 1) {
    return [=](const Tensor& x, const Tensor& t) { return network(x, t, labels); };
  }
  const Tensor no_label = full(labels.shape(), double(null_label), DType::i64);
  const Tensor both_labels = cat({labels, no_label}, 0);

  return [=](const Tensor& x, const Tensor& t) {
    std::vector<double> scales;  // one a sample: 1 where guidance does not act
    for (const double time : t.to_vector<double>()) {
      const double way = progress(time);
      scales.push_back(way >= guidance.from && way <= guidance.to ? guidance.scale : 1);
    }
    if (std::all_of(scales.begin(), scales.end(), [](double s) { return s == 1; })) return network(x, t, labels);

    const int64_t batch = x.size(0), data_channels = x.size(1);
    const int64_t channels = guidance.channels == 0 ? data_channels : guidance.channels;
    check<ConfigError>(channels <= data_channels, "guidance cannot act on ", channels, " channels of data that has ",
                       data_channels);
    const Tensor both = network(cat({x, x}, 0), cat({t, t}, 0), both_labels);  // [2 B, ...]
    const Tensor with_label = slice(both, 0, 0, batch), without = slice(both, 0, batch, 2 * batch);
    const Tensor conditional = slice(with_label, 1, 0, channels), unconditional = slice(without, 1, 0, channels);
    const Tensor result = unconditional + per_sample(scales, x) * (conditional - unconditional);
    if (channels == both.size(1)) return result;
    return cat({result, slice(with_label, 1, channels, both.size(1))}, 1);
  };
}

}  // namespace ditharos::models

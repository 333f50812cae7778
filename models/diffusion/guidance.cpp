#include <ditharos/models/diffusion/guidance.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>

namespace ditharos::models {

void Guidance::validate() const {
  check<ConfigError>(std::isfinite(scale) && scale >= 0, "the guidance scale must be 0 or more, got ", scale);
  check<ConfigError>(channels >= 0, "the number of guided channels must be 0 (all) or more, got ", channels);
  check<ConfigError>(from >= 0 && from < to && to <= 1, "guidance must act on a part of [0, 1], got ", from, " to ",
                     to);
  check<ConfigError>(rescale >= 0 && rescale <= 1, "guidance is rescaled by 0 (not) to 1 (fully), got ", rescale);
}

namespace {

/// The progress of each of `batch` samples, that of its earliest frame. t [B] or [B, F].
std::vector<double> progress_of_samples(const Tensor& t, int64_t batch, const std::function<double(double)>& progress) {
  check<ShapeError>((t.rank() == 1 || t.rank() == 2) && t.size(0) == batch && (t.numel() > 0) == (batch > 0),
                    "[guided] the times of ", batch, " samples must have shape [B] or [B, F], got ", t.shape());
  const std::vector<double> times = t.to_vector<double>();
  const size_t frames = times.size() / std::max<size_t>(1, size_t(batch));
  std::vector<double> result;
  for (size_t first = 0; first < times.size(); first += frames) {
    double least = progress(times[first]);
    for (size_t i = 1; i < frames; ++i) least = std::min(least, progress(times[first + i]));
    result.push_back(least);
  }
  return result;
}

/// The standard deviation of each sample.
std::vector<double> deviations(const Tensor& x) {
  const Tensor rows = reshape(x, {x.size(0), -1});
  return sqrt(mean(square(rows - mean(rows, {1}, true)), {1})).to_vector<double>();
}

/// `guided` with each sample's standard deviation moved to that of `conditional` by the share `rescale`.
Tensor rescaled(const Tensor& guided, const Tensor& conditional, double rescale) {
  const std::vector<double> wanted = deviations(conditional), present = deviations(guided);
  std::vector<double> factors;
  for (size_t i = 0; i < wanted.size(); ++i)  // a constant prediction has nothing to rescale
    factors.push_back(present[i] > 0 ? 1 + rescale * (wanted[i] / present[i] - 1) : 1);
  return guided * per_sample(factors, guided);
}

}  // namespace

Denoiser guided(Network network, const Tensor& conditions, const Tensor& null_condition, const Guidance& guidance,
                std::function<double(double)> progress) {
  guidance.validate();
  check<ConfigError>(conditions.defined() || guidance.scale == 1,
                     "a network without conditions cannot be guided: ", "leave the guidance scale at 1, not ",
                     guidance.scale);
  if (guidance.scale == 1) {
    return [=, network = std::move(network)](const Tensor& x, const Tensor& t) { return network(x, t, conditions); };
  }
  const Tensor both_conditions = cat({conditions, no_condition(conditions, null_condition)}, 0);

  return [=, network = std::move(network), progress = std::move(progress)](const Tensor& x, const Tensor& t) {
    const int64_t batch = x.size(0);
    std::vector<double> scales;  // one per sample: 1 where guidance does not act
    for (const double way : progress_of_samples(t, batch, progress))
      scales.push_back(way >= guidance.from && way <= guidance.to ? guidance.scale : 1);
    if (std::all_of(scales.begin(), scales.end(), [](double s) { return s == 1; })) return network(x, t, conditions);

    const int channel_axis = x.rank() == 5 ? 2 : 1;
    const int64_t data_channels = x.size(channel_axis);
    const int64_t channels = guidance.channels == 0 ? data_channels : guidance.channels;
    check<ConfigError>(channels <= data_channels, "guidance cannot act on ", channels, " channels of data that has ",
                       data_channels);
    const Tensor both = network(cat({x, x}, 0), cat({t, t}, 0), both_conditions);  // [2 B, ...]
    const Tensor with_condition = slice(both, 0, 0, batch), without = slice(both, 0, batch, 2 * batch);
    const Tensor conditional = slice(with_condition, channel_axis, 0, channels);
    const Tensor unconditional = slice(without, channel_axis, 0, channels);
    Tensor result = unconditional + per_sample(scales, x) * (conditional - unconditional);
    if (guidance.rescale > 0) result = rescaled(result, conditional, guidance.rescale);
    if (channels == both.size(channel_axis)) return result;
    return cat({result, slice(with_condition, channel_axis, channels, both.size(channel_axis))}, channel_axis);
  };
}

}  // namespace ditharos::models

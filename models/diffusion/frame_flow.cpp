#include <ditharos/models/diffusion/frame_flow.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/draws/batch_rows.h>

namespace ditharos::models {
namespace {

constexpr FrameMask all_masks[frame_masks] = {
    FrameMask::none,          FrameMask::first,        FrameMask::last,  FrameMask::first_and_last,
    FrameMask::first_quarter, FrameMask::last_quarter, FrameMask::random};

}  // namespace

double FrameFlowConfig::probability(FrameMask mask) const {
  switch (mask) {
    case FrameMask::none: return none;
    case FrameMask::first: return first;
    case FrameMask::last: return last;
    case FrameMask::first_and_last: return first_and_last;
    case FrameMask::first_quarter: return first_quarter;
    case FrameMask::last_quarter: return last_quarter;
    case FrameMask::random: break;
  }
  return random;
}

void FrameFlowConfig::validate() const {
  flow.validate();
  check<ConfigError>(
      flow.path == PathKind::linear && flow.prediction == PredictionKind::velocity && flow.shift_base_pixels == 0,
      "clips with conditioning frames need the linear path, a prediction of the velocity and a fixed "
      "time_shift, got the path ",
      name_of(flow.path), ", the prediction ", name_of(flow.prediction),
      " and shift_base_pixels = ", flow.shift_base_pixels);
  double total = 0;
  for (const FrameMask mask : all_masks) {
    check<ConfigError>(probability(mask) >= 0 && probability(mask) <= 1,
                       "a frame mask's probability must be in [0, 1], got ", probability(mask));
    total += probability(mask);
  }
  check<ConfigError>(std::abs(total - 1) < 1e-6, "the frame masks' probabilities must add up to 1, got ", total);
}

FrameFlow::FrameFlow(const FrameFlowConfig& config) : config_(config), flow_(config.flow) { config.validate(); }

std::vector<bool> FrameFlow::conditioning_frames(FrameMask mask, int64_t frames, Generator& rng) {
  check<ShapeError>(frames >= 1, "[FrameFlow] a clip needs at least one frame, got ", frames);
  std::vector<bool> conditioning(static_cast<size_t>(frames), false);
  const auto quarter = std::max<int64_t>(1, frames / 4);
  switch (mask) {
    case FrameMask::none: break;
    case FrameMask::first: conditioning.front() = true; break;
    case FrameMask::last: conditioning.back() = true; break;
    case FrameMask::first_and_last: conditioning.front() = conditioning.back() = true; break;
    case FrameMask::first_quarter: std::fill(conditioning.begin(), conditioning.begin() + quarter, true); break;
    case FrameMask::last_quarter: std::fill(conditioning.end() - quarter, conditioning.end(), true); break;
    case FrameMask::random:
      for (size_t i = 0; i < conditioning.size(); ++i) conditioning[i] = rng.uniform() < .5;
      break;
  }
  if (std::all_of(conditioning.begin(), conditioning.end(), [](bool g) { return g; })) conditioning.back() = false;
  return conditioning;
}

ConditioningMask FrameFlow::sample_masks(int64_t n, int64_t frames, Generator& rng) const {
  // The numbers that a mask takes differ, so those of the batch's other rows are drawn too.
  const RowRange rows = batch_rows(n);
  ConditioningMask masks;
  for (int64_t i = 0; i < rows.total; ++i) {
    double left = rng.uniform();
    FrameMask chosen = FrameMask::none;  // also where rounding leaves a rest
    for (const FrameMask mask : all_masks) {
      const double share = config_.probability(mask);
      if (left < share) {
        chosen = mask;
        break;
      }
      left -= share;
    }
    std::vector<bool> mask = conditioning_frames(chosen, frames, rng);
    if (i >= rows.first && i < rows.first + rows.count) masks.push_back(std::move(mask));
  }
  return masks;
}

Tensor FrameFlow::loss_terms(const Denoiser& model, const Tensor& data, const std::vector<double>& t,
                             const ConditioningMask& masks, const Tensor& noise) const {
  check<ShapeError>(data.rank() == 5 && data.shape() == noise.shape() && int64_t(t.size()) == data.size(0) &&
                        int64_t(masks.size()) == data.size(0),
                    "[FrameFlow] data [B, F, C, H, W] = ", data.shape(), ", noise ", noise.shape(), ", ", t.size(),
                    " times and ", masks.size(), " masks do not make a batch");
  const int64_t batch = data.size(0), frames = data.size(1);
  std::vector<double> times, network_times, is_generated;  // [B, F]
  std::vector<double> generated;                           // frames of each clip, [B]
  for (size_t i = 0; i < masks.size(); ++i) {
    const auto to_generate = std::count(masks[i].begin(), masks[i].end(), false);
    check<ShapeError>(int64_t(masks[i].size()) == frames && to_generate > 0,
                      "[FrameFlow] a mask must have one value for each of ", frames,
                      " frames and leave at least one to generate; got ", masks[i].size(), " values that leave ",
                      to_generate);
    for (const bool is_conditioning : masks[i]) {
      times.push_back(is_conditioning ? 1 : t[i]);
      network_times.push_back(flow_.network_time(times.back()));
      is_generated.push_back(is_conditioning ? 0 : 1);
    }
    generated.push_back(double(to_generate));
  }
  const Tensor time = to(from_vector(times, {batch, frames, 1, 1, 1}), data.dtype());
  const Tensor xt = (1.0 - time) * noise + time * data;
  const Tensor velocity = model(xt, to(from_vector(network_times, {batch, frames}), DType::f32));
  check<ShapeError>(velocity.shape() == xt.shape(), "[FrameFlow] the network must return a velocity of shape ",
                    xt.shape(), ", got ", velocity.shape());
  const Tensor of_frames = mean(square(velocity - (data - noise)), {2, 3, 4});  // [B, F]
  const DType dtype = data.dtype();
  return sum(of_frames * to(from_vector(is_generated, {batch, frames}), dtype), {1}) /
         to(from_vector(generated), dtype);
}

Loss FrameFlow::loss(const Denoiser& model, const Tensor& data, Generator& rng) const {
  check<ShapeError>(data.rank() == 5, "[FrameFlow] clips must have shape [B, F, C, H, W], got ", data.shape());
  return loss_of_times(model, data, flow_.sample_times(data.size(0), rng), rng);
}

Loss FrameFlow::loss_at(const Network& network, const Tensor& conditions, const Tensor&, const Tensor& data,
                        double progress, Generator& rng) const {
  check<ShapeError>(data.rank() == 5, "[FrameFlow] clips must have shape [B, F, C, H, W], got ", data.shape());
  return loss_of_times([&](const Tensor& x, const Tensor& t) { return network(x, t, conditions); }, data,
                       std::vector<double>(size_t(data.size(0)), progress), rng);
}

Loss FrameFlow::loss_of_times(const Denoiser& model, const Tensor& data, const std::vector<double>& t,
                              Generator& rng) const {
  const ConditioningMask masks = sample_masks(data.size(0), data.size(1), rng);
  const Tensor each = loss_terms(model, data, t, masks, rng.normal(data.shape(), data.dtype()));
  return {mean(each), each.detach(), from_vector(t)};
}

}  // namespace ditharos::models

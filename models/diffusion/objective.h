#pragma once
// The interfaces between training, diffusion processes and networks.
#include <functional>

#include <ditharos/tensor/random.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// A network with its condition: (x [B, C, H, W], t [B]) -> [B, C or 2 C, H, W], or, for clips, (x [B, F, C, H, W],
/// t [B] or [B, F]) -> like x.
using Denoiser = std::function<Tensor(const Tensor& x, const Tensor& t)>;
/// A network as a function of x, t and conditions: i64 [B] for labels, [B, L] for prompts of L tokens; undefined for a
/// network without conditions.
using Network = std::function<Tensor(const Tensor& x, const Tensor& t, const Tensor& conditions)>;

/// The loss of a batch. Only `total` carries a graph.
struct Loss {
  Tensor total;       ///< scalar: the mean of per_sample
  Tensor per_sample;  ///< [B]
  Tensor progress;    ///< [B], how far from noise (0) to data (1) each sample was drawn
};

/// A loss that trains a network to turn noise into data.
class Objective {
 public:
  virtual ~Objective() = default;
  /// The loss of a batch of data [B, ...], pixels in [-1, 1] or latents of unit variance. Times and noise are drawn
  /// from `rng` and nowhere else: equal generators give equal losses.
  virtual Loss loss(const Denoiser& model, const Tensor& data, Generator& rng) const = 0;
  /// The same for a network whose conditions the objective may replace, as guidance in training does. Samples whose
  /// condition is `null_condition` have none. By default the loss with `conditions` (undefined: none).
  virtual Loss conditional_loss(const Network& network, const Tensor& conditions, const Tensor& /*null_condition*/,
                                const Tensor& data, Generator& rng) const {
    return loss([&](const Tensor& x, const Tensor& t) { return network(x, t, conditions); }, data, rng);
  }
  /// The loss of a batch whose samples are all at one progress from noise (0) to data (1), or at the nearest that
  /// training draws: a measurement that compares models. By default the loss at times that are drawn from `rng`.
  virtual Loss loss_at(const Network& network, const Tensor& conditions, const Tensor& null_condition,
                       const Tensor& data, double /*progress*/, Generator& rng) const {
    return conditional_loss(network, conditions, null_condition, data, rng);
  }
  /// False for an objective without noisy data, whose samples have no times.
  virtual bool has_times() const { return true; }
  /// The progress from noise (0) to data (1) that corresponds to the network's input t.
  virtual double progress(double t) const = 0;
};

}  // namespace ditharos::models

#pragma once
// UniPC (Zhao et al. 2023, "UniPC: A unified predictor-corrector framework for fast sampling of diffusion models") with
// predictions of the data.
#include <vector>

#include <ditharos/models/samplers/multistep/solver_points.h>

namespace ditharos::models {

/// The function B(h) of the paper, by which the correction is scaled; h is the step in half log-SNR.
enum class UniPcVariant {
  bh1,  ///< h: for unconditional sampling in few steps
  bh2   ///< e^h - 1: for guided sampling
};
/// "bh1" or "bh2".
[[nodiscard]] const char* name_of(UniPcVariant variant);

struct UniPcOptions {
  int64_t order = 2;  ///< of the predictor, 1 to 3; with the corrector, which costs no evaluation, one more
  UniPcVariant variant = UniPcVariant::bh2;
  bool lower_order_final = true;  ///< the last steps have orders falling to 1; the step to sigma 0 always has order 1

  /// ConfigError with one sentence that says what does not fit.
  void validate() const;
};

/// Steps through the points of a path, from noise to data. The half log-SNR lambda = log(alpha / sigma) must rise.
class UniPc {
 public:
  /// ConfigError for fewer than two points, or when they do not lead towards data.
  explicit UniPc(std::vector<PathPoint> points, const UniPcOptions& options = {});

  int64_t steps() const { return int64_t(points_.size()) - 1; }
  /// The step from x at the solver's present point to the next one. `data` is the network's prediction of the data at
  /// x, which also corrects x itself (Zhao et al. 2023, section 3). The second tensor is the corrected x.
  /// Records no graph.
  struct Step {
    Tensor next, corrected;
  };
  Step step(const Tensor& x, const Tensor& data);

 private:
  struct Known {
    double lambda;
    Tensor data;
  };
  /// From x at `from` to `to` with the newest `order` predictions, and, for the corrector, the prediction at `to`.
  Tensor advance(const Tensor& x, const PathPoint& from, const PathPoint& to, int64_t order,
                 const Tensor& at_end) const;
  int64_t next_order() const;

  std::vector<PathPoint> points_;
  UniPcOptions options_;
  size_t index_ = 0;
  std::vector<Known> history_;  // newest first
  Tensor last_x_;               // the corrected x of the previous step
  int64_t last_order_ = 0;      // 0: no step that can be corrected
};

}  // namespace ditharos::models

#pragma once
#include <ditharos/optim/adam.h>

namespace ditharos::optim {

struct MuonOptions {
  double momentum = 0.95;  ///< in [0, 1)
  bool nesterov = true;
  double weight_decay = 0.1;  ///< decoupled, of the matrices
  int64_t ns_steps = 5;       ///< Newton-Schulz iterations, 1 to 99
  double eps = 1e-7;          ///< least norm by which an update is divided before them
};

/// Muon (Jordan et al. 2024) for matrices, AdamW for all other parameters. The update of a matrix is the orthogonal
/// matrix nearest to its momentum, about UV' of the singular value decomposition USV': all singular directions get the
/// same step size:
///   m = momentum m + (1 - momentum) scale * grad;  u = nesterov ? momentum m + (1 - momentum) scale * grad : m;
///   p -= lr * weight_decay * p + lr * 0.2 sqrt(max(rows, columns)) * orthogonalize(u).
/// The factor (Liu et al. 2025, PyTorch's adjust_lr_fn = "match_rms_adamw") gives updates the size of AdamW's, so one
/// learning rate serves both. Embeddings, biases and a network's first and last layer belong to AdamW.
class Muon : public Adam {
 public:
  /// `matrices` have rank 2, [rows, columns]; `others` may be empty. ConfigError for an option out of range, ShapeError
  /// for a matrix of another rank. Among groups(), those of the matrices come first.
  Muon(const ParameterGroups& matrices, const ParameterGroups& others, const MuonOptions& options = {},
       const AdamOptions& adam = {.weight_decay = 1e-2});

 protected:
  /// The directions of all matrices, kept during a step: additional memory of the size of the matrices.
  Tensor prepare(const Update& u) override;
  void update(const Update& u) override;

 private:
  static std::vector<Group> muon_groups(const ParameterGroups& matrices, const ParameterGroups& others,
                                        const MuonOptions& options, const AdamOptions& adam);
  bool is_matrix_group(const Update& u) const { return u.group < matrix_groups_; }

  MuonOptions options_;
  size_t matrix_groups_;  // the first ones
};

/// x [rows, columns] with singular values near 1, between .7 and 1.2, by the quintic Newton-Schulz iteration
/// x <- a x + (b xx' + c (xx')^2) x with a = 3.4445, b = -4.775, c = 2.0315, after a division by the norm. Values that
/// are less than a few thousandths of the norm stay below. Records no graph.
Tensor orthogonalize(const Tensor& x, int64_t steps = 5, double eps = 1e-7);

}  // namespace ditharos::optim

#include <ditharos/optim/muon.h>

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/optimizer/optimizer.h>

namespace ditharos::optim {

Tensor orthogonalize(const Tensor& x, int64_t steps, double eps) {
  check<ShapeError>(x.rank() == 2, "[orthogonalize] takes a matrix, got shape ", x.shape());
  const NoGrad no_grad;
  const Autocast full(DType::f32);
  // Transposed when that makes xx' smaller.
  if (x.size(0) > x.size(1)) return transpose(orthogonalize(transpose(x, 0, 1), steps, eps), 0, 1);
  Tensor y = x / std::max(norm(x).item(), eps);
  for (int64_t i = 0; i < steps; ++i) {
    const Tensor gram = matmul(y, transpose(y, 0, 1));
    y = 3.4445 * y + matmul(-4.775 * gram + 2.0315 * matmul(gram, gram), y);
  }
  return y;
}

std::vector<Optimizer::Group> Muon::muon_groups(const ParameterGroups& matrices, const ParameterGroups& others,
                                                const MuonOptions& options, const AdamOptions& adam) {
  for (const ParameterGroup& group : matrices.list()) {
    for (const nn::NamedTensor& matrix : group.parameters) {
      nn::check_leaf("optimizer", matrix);
      check<ShapeError>(matrix.tensor.rank() == 2, "[muon] parameter \"", matrix.name, "\" of shape ",
                        matrix.tensor.shape(), " is not a matrix");
    }
  }
  check<ConfigError>(options.momentum >= 0 && options.momentum < 1,
                     "[muon] momentum must be at least 0 and below 1, got ", options.momentum);
  check<ConfigError>(std::isfinite(options.weight_decay) && options.weight_decay >= 0,
                     "[muon] weight_decay must be a number >= 0, got ", options.weight_decay);
  check<ConfigError>(options.ns_steps >= 1 && options.ns_steps < 100, "[muon] ns_steps must be between 1 and 99, got ",
                     options.ns_steps);
  check<ConfigError>(std::isfinite(options.eps) && options.eps > 0, "[muon] eps must be a number > 0, got ",
                     options.eps);
  std::vector<Group> groups = with_slots(matrices, {"momentum_buffer"}, {.momentum = true, .momentum_below = 1});
  for (Group& group : adam_groups(others, adam)) groups.push_back(std::move(group));
  return groups;
}

Muon::Muon(const ParameterGroups& matrices, const ParameterGroups& others, const MuonOptions& options,
           const AdamOptions& adam)
    : Adam(muon_groups(matrices, others, options, adam), adam, true), options_(options),
      matrix_groups_(matrices.list().size()) {}

Tensor Muon::prepare(const Update& u) {
  if (!is_matrix_group(u)) return Adam::prepare(u);
  const NoGrad no_grad;
  const double momentum = groups()[u.group].momentum.value_or(options_.momentum);
  const Tensor fresh = u.grad * ((1 - momentum) * u.grad_scale), buffer = momentum * u.slots[0] + fresh;
  return kernels::contiguous(
      orthogonalize(options_.nesterov ? momentum * buffer + fresh : buffer, options_.ns_steps, options_.eps));
}

void Muon::update(const Update& u) {
  if (!is_matrix_group(u)) return Adam::update(u);
  // Both are steps of plain SGD, p -= lr (grad_scale grad + weight_decay p):
  // m += (1 - momentum) (scale grad - m);  p -= lr (0.2 sqrt(max(rows, columns)) direction + weight_decay p).
  kernels::SgdStep average{};
  average.lr = 1 - groups()[u.group].momentum.value_or(options_.momentum);
  average.weight_decay = 1;
  average.grad_scale = -u.grad_scale;
  kernels::sgd(u.slots[0], u.grad, {}, {}, average);
  kernels::SgdStep move{};
  move.lr = u.lr;
  move.weight_decay = groups()[u.group].weight_decay.value_or(options_.weight_decay);
  move.grad_scale = .2 * std::sqrt(double(std::max(u.prepared.size(0), u.prepared.size(1))));
  move.ema_decay = u.ema_decay;
  kernels::sgd(u.parameter, u.prepared, {}, u.average, move);
}

}  // namespace ditharos::optim

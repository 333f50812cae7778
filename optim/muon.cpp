#include <ditharos/optim/muon.h>

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy.h>
#include <ditharos/tensor/kernels/optimizer.h>

namespace ditharos::optim {

Tensor orthogonalize(const Tensor& x, int64_t steps, double eps) {
  check<ShapeError>(x.rank() == 2, "[orthogonalize] takes a matrix, got shape ", x.shape());
  const NoGrad no_grad;
  if (x.size(0) > x.size(1)) return transpose(orthogonalize(transpose(x, 0, 1), steps, eps), 0, 1);  // the smaller xx'
  Tensor y = x / std::max(norm(x).item(), eps);
  for (int64_t i = 0; i < steps; ++i) {
    const Tensor gram = matmul(y, transpose(y, 0, 1));
    y = 3.4445 * y + matmul(-4.775 * gram + 2.0315 * matmul(gram, gram), y);
  }
  return y;
}

Muon::Muon(const nn::NamedTensors& matrices, const nn::NamedTensors& others, const MuonOptions& options,
           const AdamOptions& adam)
    : Adam({{matrices, {"momentum_buffer"}}, {others, adam_slots()}}, adam, true), options_(options) {
  for (const auto& [name, tensor] : matrices) {
    check<ShapeError>(tensor.rank() == 2, "[muon] parameter \"", name, "\" of shape ", tensor.shape(),
                      " is not a matrix");
  }
  check<ConfigError>(options.momentum >= 0 && options.momentum < 1,
                     "[muon] momentum must be at least 0 and below 1, got ", options.momentum);
  check<ConfigError>(std::isfinite(options.weight_decay) && options.weight_decay >= 0,
                     "[muon] weight_decay must be a number >= 0, got ", options.weight_decay);
  check<ConfigError>(options.ns_steps >= 1 && options.ns_steps < 100, "[muon] ns_steps must be between 1 and 99, got ",
                     options.ns_steps);
  check<ConfigError>(std::isfinite(options.eps) && options.eps > 0, "[muon] eps must be a number > 0, got ",
                     options.eps);
}

void Muon::update(const Update& u) {
  if (u.group != 0) return Adam::update(u);
  const NoGrad no_grad;
  const double momentum = options_.momentum;
  const Tensor fresh = u.grad * ((1 - momentum) * u.grad_scale), &buffer = u.slots[0];
  kernels::copy_into(buffer, momentum * buffer + fresh);
  const Tensor direction =
      orthogonalize(options_.nesterov ? momentum * buffer + fresh : buffer, options_.ns_steps, options_.eps);
  const double size = .2 * std::sqrt(double(std::max(direction.size(0), direction.size(1))));
  kernels::copy_into(u.parameter,
                     (1 - u.lr * options_.weight_decay) * u.parameter.detach() - (u.lr * size) * direction);
  if (u.average.defined()) kernels::ema_update(u.average, u.parameter, u.ema_decay);
}

}  // namespace ditharos::optim

#include <ditharos/autograd/ops/normalization/instance_norm.h>

#include <ditharos/autograd/ops.h>

namespace ditharos {
namespace {

/// `batch` copies, one after the other.
Tensor of_samples(const Tensor& v, int64_t batch) { return v.defined() ? repeat(v, {batch}) : Tensor{}; }

}  // namespace

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                     const Tensor& bias, bool use_input_stats, double momentum, double eps) {
  check<ShapeError>(x.rank() >= 3, "[instance_norm] needs x [B, C, ...] with at least one more axis, got ", x.shape());
  check<ShapeError>(running_mean.defined() == running_var.defined() && (use_input_stats || running_mean.defined()),
                    "[instance_norm] needs both running statistics, or with use_input_stats none of them");
  const int64_t batch = x.size(0), channels = x.size(1);
  for (const Tensor& t : {running_mean, running_var, weight, bias})
    check<ShapeError>(!t.defined() || t.shape() == Shape{channels},
                      "[instance_norm] statistics, weight and bias must be ", Shape{channels}, ", got ",
                      t.defined() ? t.shape() : Shape{});
  if (!use_input_stats) return batch_norm(x, running_mean, running_var, weight, bias, false, 0, eps);
  if (!running_mean.defined() || batch == 0) return group_norm(x, channels, weight, bias, eps);
  // Each channel of each sample is a channel of one sample; the running statistics are the means over the samples.
  Shape shape = x.shape();
  shape[0] = 1, shape[1] = batch * channels;
  const Tensor means = of_samples(running_mean.detach(), batch), variances = of_samples(running_var.detach(), batch);
  const Tensor y = batch_norm(reshape(x, shape), means, variances, of_samples(weight, batch), of_samples(bias, batch),
                              true, momentum, eps);
  const auto mean_of_samples = [&](const Tensor& t) { return mean(reshape(t, {batch, channels}), 0); };
  Tensor(running_mean).copy_(mean_of_samples(means));
  Tensor(running_var).copy_(mean_of_samples(variances));
  return reshape(y, x.shape());
}

}  // namespace ditharos

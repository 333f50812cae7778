// Losses, softmax, affine layer norm and the embedding of patches: the first and last operations of the models.
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/embedding/patch_embed.h>
#include <ditharos/tensor/kernels/norm/norm.h>
#include <ditharos/tensor/kernels/reduce/softmax.h>
#include <ditharos/tensor/random.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

/// A differentiable function of one tensor: alone, and with its backward pass.
void add_function(std::vector<Case>& cases, const std::string& name, const Shape& shape,
                  const std::function<Tensor(const Tensor&)>& f, double forward_bytes, double backward_bytes) {
  cases.push_back({name + "/forward", [=] {
                     return Work{.run =
                                     [=, x = random(shape)] {
                                       const NoGrad guard;
                                       f(x);
                                     },
                                 .bytes = forward_bytes};
                   }});
  cases.push_back({name + "/forward_and_backward", [=] {
                     return Work{.run =
                                     [=, x = random(shape).set_requires_grad()] {
                                       x.set_grad({});
                                       f(x).backward();
                                     },
                                 .bytes = forward_bytes + backward_bytes};
                   }});
}

double bytes_of(const Shape& shape) { return double(numel(shape)) * sizeof(float); }

void add_patch_embed(std::vector<Case>& cases, const std::string& name, const Shape& images, int64_t patch,
                     int64_t width) {
  Generator rng(1);
  const models::PatchSize size{1, patch, patch};
  const auto embed =
      std::make_shared<const models::PatchEmbed>(images[1], size, models::PatchOrder::channel_last, width, rng);
  const double flops = 2.0 * double(numel(images)) * double(width);
  cases.push_back({"patch_embed/" + name + "/forward", [=] {
                     return Work{.run =
                                     [=, x = models::as_clips(random(images))] {
                                       const NoGrad guard;
                                       (*embed)(x);
                                     },
                                 .flops = flops};
                   }});
  cases.push_back({"patch_embed/" + name + "/forward_and_backward", [=] {  // of the weights; images want no gradient
                     return Work{.run = [=, x = models::as_clips(random(images))] { sum((*embed)(x)).backward(); },
                                 .flops = 2 * flops};
                   }});
}

}  // namespace

void add_loss_cases(std::vector<Case>& cases) {
  const Shape logits{8192, 1000}, latents{256, 4, 32, 32}, tokens{8, 256, 384};
  const Tensor labels = Generator(2).randint(0, logits[1], {logits[0]});
  add_function(
      cases, "cross_entropy/8192x1000", logits, [labels](const Tensor& x) { return cross_entropy(x, labels); },
      bytes_of(logits), 2 * bytes_of(logits));
  add_function(
      cases, "mse/256x4x32x32", latents,
      [target = random(latents) * .5](const Tensor& x) { return mse_loss(x, target); }, 2 * bytes_of(latents),
      3 * bytes_of(latents));
  cases.push_back({"softmax/8192x1000/forward", [=] {
                     return Work{.run = [x = random(logits)] { kernels::softmax(x); }, .bytes = 2 * bytes_of(logits)};
                   }});
  cases.push_back({"layer_norm/S2_batch8/forward", [=] {
                     return Work{.run = [x = random(tokens),
                                         w = random({tokens[2]})] { kernels::layer_norm(x, w, w, 1e-6, nullptr); },
                                 .bytes = 2 * bytes_of(tokens)};
                   }});
  add_patch_embed(cases, "S2_batch32", {32, 4, 32, 32}, 2, 384);
  add_patch_embed(cases, "S4_28x28_batch64", {64, 1, 28, 28}, 4, 384);
}

}  // namespace ditharos::bench

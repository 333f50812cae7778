// Convolutions at the shapes of a small autoencoder for 32 x 32 images, and its training step.
#include <memory>

#include <ditharos/nn/conv.h>
#include <ditharos/nn/group_norm.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/kernels/conv/conv.h>
#include <ditharos/tensor/kernels/index/interpolation_taps.h>
#include <ditharos/tensor/kernels/index/resample.h>
#include <ditharos/tensor/kernels/norm/group_norm.h>
#include <ditharos/tensor/random.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

constexpr int64_t batch = 32;

struct Layer {
  int64_t in, out, side, stride = 1;  // `side` of the input
  int64_t out_side() const { return side / stride; }
  Shape x() const { return {batch, in, side, side}; }
  Shape weight() const { return {out, in, 3, 3}; }
  Shape y() const { return {batch, out, out_side(), out_side()}; }
  double flops() const { return 2.0 * double(batch * out * out_side() * out_side()) * double(in * 9); }
};

void add_layer(std::vector<Case>& cases, const Layer& l) {
  const kernels::ConvWindow w{{l.stride, l.stride}, {1, 1}, {1, 1}, 1};
  const std::string name = "conv/" + std::to_string(l.in) + "x" + std::to_string(l.out) + "_side" +
                           std::to_string(l.side) + (l.stride == 1 ? "" : "_stride2");
  cases.push_back({name + "/forward", [=] {
                     return Work{[=, x = random(l.x()), weight = random(l.weight()), bias = random({l.out})] {
                                   kernels::conv("conv", x, weight, bias, w);
                                 },
                                 l.flops(), 0};
                   }});
  cases.push_back({name + "/input_gradient", [=] {
                     return Work{[=, dy = random(l.y()), weight = random(l.weight())] {
                                   kernels::conv_input_gradient("conv", dy, weight, l.x(), w);
                                 },
                                 l.flops(), 0};
                   }});
  cases.push_back({name + "/weight_gradient", [=] {
                     return Work{[=, dy = random(l.y()), x = random(l.x())] {
                                   kernels::conv_bias_gradient(dy);
                                   kernels::conv_weight_gradient("conv", dy, x, l.weight(), w);
                                 },
                                 l.flops(), 0};
                   }});
}

void add_norm(std::vector<Case>& cases) {
  const Shape shape{batch, 64, 32, 32}, channels{64};
  const double bytes = double(numel(shape)) * sizeof(float);
  cases.push_back({"group_norm_silu/64_side32/forward", [=] {
                     return Work{[x = random(shape), w = random(channels), b = random(channels)] {
                                   Tensor statistics;
                                   kernels::group_norm(x, 8, w, b, 1e-5, true, &statistics);
                                 },
                                 0, 2 * bytes};
                   }});
  cases.push_back(
      {"group_norm_silu/64_side32/backward", [=] {
         const Tensor x = random(shape), w = random(channels);
         Tensor statistics;
         kernels::group_norm(x, 8, w, w, 1e-5, true, &statistics);
         return Work{[=, grad = random(shape)] { kernels::group_norm_backward(grad, x, 8, w, w, true, statistics); }, 0,
                     3 * bytes};
       }});
}

/// Doubling an image by repeating its pixels, and the way back.
void add_interpolation(std::vector<Case>& cases) {
  const Shape small{batch, 128, 16, 16}, large{batch, 128, 32, 32};
  const double bytes = double(numel(small) + numel(large)) * sizeof(float);
  const auto rows = std::make_shared<const kernels::Taps>(kernels::nearest_taps({16, 32}, false));
  const auto back = std::make_shared<const kernels::Taps>(rows->transposed());
  const std::vector<std::shared_ptr<const kernels::Taps>> forward{rows, rows}, backward{back, back};
  cases.push_back({"interpolate/128_side16/forward", [=] {
                     return Work{[=, x = random(small)] { kernels::resample("interpolate", x, forward); }, 0, bytes};
                   }});
  cases.push_back({"interpolate/128_side16/backward", [=] {
                     return Work{[=, g = random(large)] { kernels::resample("interpolate", g, backward); }, 0, bytes};
                   }});
}

/// A 3 x 3 convolution that adds its arithmetic to a sum.
nn::Conv2d convolution(int64_t in, int64_t out, int64_t side, int64_t stride, double& flops, Generator& rng) {
  flops += Layer{in, out, side, stride}.flops();
  return {in, out, 3, stride, 1, rng};
}

/// x + conv(silu(norm(conv(silu(norm(x)))))).
struct Residual : nn::Module<Residual> {
  Residual(int64_t channels, int64_t side, double& flops, Generator& rng)
      : norm1(8, channels), norm2(8, channels), conv1(convolution(channels, channels, side, 1, flops, rng)),
        conv2(convolution(channels, channels, side, 1, flops, rng)) {}
  Tensor forward(const Tensor& x) const {
    return x + conv2(norm2.with_silu_reduced(conv1(norm1.with_silu_reduced(x))));
  }
  void visit(nn::Visitor& v) override {
    v("norm1", norm1);
    v("norm2", norm2);
    v("conv1", conv1);
    v("conv2", conv2);
  }
  nn::GroupNorm norm1, norm2;
  nn::Conv2d conv1, conv2;
};

/// 3 x 32 x 32 to 4 x 8 x 8 and back, widths 64, 128 and 256: halved by strides, doubled by repeating pixels.
struct ConvAutoencoder : nn::Module<ConvAutoencoder> {
  ConvAutoencoder(double& flops, Generator& rng)
      : stem(convolution(3, 64, 32, 1, flops, rng)), encode1(64, 32, flops, rng),
        down1(convolution(64, 128, 32, 2, flops, rng)), encode2(128, 16, flops, rng),
        down2(convolution(128, 256, 16, 2, flops, rng)), encode3(256, 8, flops, rng),
        to_latent(convolution(256, 4, 8, 1, flops, rng)), from_latent(convolution(4, 256, 8, 1, flops, rng)),
        decode3(256, 8, flops, rng), up2(convolution(256, 128, 16, 1, flops, rng)), decode2(128, 16, flops, rng),
        up1(convolution(128, 64, 32, 1, flops, rng)), decode1(64, 32, flops, rng), norm(8, 64),
        head(convolution(64, 3, 32, 1, flops, rng)) {}
  Tensor forward(const Tensor& x) const {
    const Tensor latent = to_latent(encode3(down2(encode2(down1(encode1(stem(x)))))));  // [B, 4, 8, 8]
    const Tensor half = decode2(up2(interpolate(decode3(from_latent(latent)), 16)));    // [B, 128, 16, 16]
    return head(norm.with_silu_reduced(decode1(up1(interpolate(half, 32)))));
  }
  void visit(nn::Visitor& v) override {
    v("stem", stem);
    v("encode1", encode1);
    v("down1", down1);
    v("encode2", encode2);
    v("down2", down2);
    v("encode3", encode3);
    v("to_latent", to_latent);
    v("from_latent", from_latent);
    v("decode3", decode3);
    v("up2", up2);
    v("decode2", decode2);
    v("up1", up1);
    v("decode1", decode1);
    v("norm", norm);
    v("head", head);
  }
  nn::Conv2d stem;
  Residual encode1;
  nn::Conv2d down1;
  Residual encode2;
  nn::Conv2d down2;
  Residual encode3;
  nn::Conv2d to_latent, from_latent;
  Residual decode3;
  nn::Conv2d up2;
  Residual decode2;
  nn::Conv2d up1;
  Residual decode1;
  nn::GroupNorm norm;
  nn::Conv2d head;
};

struct ConvTraining {
  double forward_flops = 0;
  Generator rng{1};
  ConvAutoencoder model{forward_flops, rng};
  optim::AdamW optimizer{nn::named_parameters(model)};
  Tensor images = rng.normal({batch, 3, 32, 32});

  void step() {
    mse_loss(model(images), images).backward();
    optimizer.step(1e-4);
    nn::zero_grad(model);
  }
};

}  // namespace

void add_conv_cases(std::vector<Case>& cases) {
  for (const Layer& l : {Layer{64, 64, 32}, Layer{128, 128, 16}, Layer{256, 256, 8}, Layer{64, 128, 32, 2},
                         Layer{3, 64, 32}, Layer{64, 3, 32}, Layer{128, 64, 32}})
    add_layer(cases, l);
  add_norm(cases);
  add_interpolation(cases);
  cases.push_back({"step/conv_autoencoder", [] {
                     auto training = std::make_shared<ConvTraining>();
                     // Forward and both gradients of every layer; the first one's input needs none.
                     const double flops = 3 * training->forward_flops - Layer{3, 64, 32}.flops();
                     return Work{[training] { training->step(); }, flops, 0, 0, nn::parameter_count(training->model)};
                   }});
}

}  // namespace ditharos::bench

// The program of docs/extending.md: an operation, a layer, a sampler and a data set of one's own, each with its check.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include <ditharos/ditharos.h>

using namespace ditharos;

namespace {

/// The inverse square root unit (Carlile et al. 2017): x / sqrt(1 + a x^2), of any shape, for a >= 0.
Tensor isru(const Tensor& x, double a) {
  check<ConfigError>(a >= 0, "[isru] a must be 0 or more, got ", a);
  const Tensor value = [&] {
    const NoGrad off;
    return x * rsqrt(square(x) * a + 1.0);
  }();
  return record("isru", value, {x}, save_inputs, each([a](const Backward& d) {
                  const Tensor root = rsqrt(square(d.input(0)) * a + 1.0);
                  return d.grad() * root * root * root;  // d/dx = (1 + a x^2)^(-3/2)
                }),
                elementwise);
}

/// Derivatives of the first and the second order, and forward mode, against differences in f64.
bool op_is_right() {
  Generator rng(/*seed=*/0);
  const auto checked = gradcheck([](const std::vector<Tensor>& in) { return isru(in[0], .5); },
                                 {rng.normal({2, 3}, DType::f64)}, {.order = 2});
  if (!checked.ok) std::printf("%s\n", checked.message.c_str());
  return checked.ok && std::abs(isru(scalar(2), .75).item() - 1) < 1e-6;  // 2 / sqrt(1 + .75 * 4)
}

/// Global response normalization (Woo et al. 2023): x [B, T, D] -> [B, T, D], x + gamma (x g / mean(g)) + beta with the
/// norms g [B, 1, D] over the tokens. The identity at first.
class ResponseNorm : public nn::Module<ResponseNorm> {
 public:
  explicit ResponseNorm(int64_t width, double eps = 1e-6) : gamma(zeros({width})), beta(zeros({width})), eps_(eps) {}

  Tensor forward(const Tensor& x) const {
    check<ShapeError>(x.rank() == 3 && x.size(2) == gamma.size(0), "[response_norm] x must be [B, T, ", gamma.size(0),
                      "], got ", x.shape());
    const Tensor norms = sqrt(sum(square(x), {1}, /*keepdim=*/true) + eps_);
    return x + gamma * (x * (norms / (mean(norms, {2}, true) + eps_))) + beta;
  }
  void visit(nn::Visitor& v) override { v("gamma", gamma), v("beta", beta); }

  nn::Parameter gamma, beta;  // [D]

 private:
  double eps_;
};

/// The names of its parameters, its values at first, its gradients, and its message for a wrong shape.
bool layer_is_right() {
  Generator rng(/*seed=*/1);
  ResponseNorm norm(4);
  const Tensor x = rng.normal({2, 3, 4});
  const nn::NamedTensors parameters = nn::named_parameters(norm);
  if (parameters.size() != 2 || parameters[0].name != "gamma") return false;
  if (norm(x).to_vector<float>() != x.to_vector<float>()) return false;
  const auto audited = nn::audit(sum(square(norm(x))), norm);  // throws where a trained tensor is not listed
  const auto checked = gradcheck(
      [&](const std::vector<Tensor>& in) {
        ResponseNorm copy = nn::clone(norm);
        copy.gamma = in[1], copy.beta = in[2];
        return copy(in[0]);
      },
      {rng.normal({2, 3, 4}, DType::f64), rng.normal({4}, DType::f64), rng.normal({4}, DType::f64)});
  try {
    static_cast<void>(norm(zeros({2, 4})));
    return false;
  } catch (const ShapeError& error) {
    return audited.empty() && checked.ok && std::string(error.what()).find("[2, 4]") != std::string::npos;
  }
}

/// Ralston's method of order 3 (Ralston 1962) for a flow, three network calls a step, from `noise` [B, ...] to data.
/// Records no graph. ConfigError for fewer than one step.
Tensor sample_ralston(const models::Flow& flow, const models::Denoiser& model, const Tensor& noise, int64_t steps) {
  check<ConfigError>(steps >= 1, "[sample_ralston] needs at least one step, got ", steps);
  const nn::InferenceMode inference;
  const std::vector<double> times = flow.sampling_times(steps);  // of the flow: with its shift, away from its ends
  Tensor x = noise;
  for (size_t i = 0; i + 1 < times.size(); ++i) {
    const double t = times[i], h = times[i + 1] - t;
    const Tensor k1 = flow.velocity(model, x, t);
    const Tensor k2 = flow.velocity(model, x + k1 * (h / 2), t + h / 2);
    const Tensor k3 = flow.velocity(model, x + k2 * (h * 3 / 4), t + h * 3 / 4);
    x = x + (k1 * 2.0 + k2 * 3.0 + k3 * 4.0) * (h / 9);
  }
  return x;
}

/// For data N(m, s^2) the velocity is known, and the flow takes noise z to m + s z. The error falls to about an eighth
/// where the steps are half as long.
bool sampler_is_right() {
  constexpr double m = 1.5, s = .4;
  const models::Flow flow;
  const models::Denoiser velocity = [&](const Tensor& x, const Tensor& times) {
    const double t = select(times, 0, 0).item(), variance = (1 - t) * (1 - t) + t * t * s * s;
    return (x - t * m) * ((t * s * s - (1 - t)) / variance) + m;
  };
  Generator rng(/*seed=*/2);
  const Tensor noise = rng.normal({64, 1}, DType::f64);
  const auto error = [&](int64_t steps) {
    return amax(abs(sample_ralston(flow, velocity, noise, steps) - (noise * s + m)), {0, 1}).item();
  };
  const double coarse = error(20), fine = error(40);
  std::printf("error %.1e with 20 steps, %.1e with 40\n", coarse, fine);
  return coarse < 1e-3 && coarse / fine > 6 && coarse / fine < 10;
}

/// Stripes of 32 directions, each with a caption, rendered in any shape. Clips move by a pixel a frame.
class Stripes : public data::DataSource {
 public:
  int64_t size() const override { return 32; }
  int64_t channels() const override { return 1; }
  std::string caption(int64_t i) const override { return i < 16 ? "steep stripes" : "flat stripes"; }
  uint32_t checksum() const override { return 1; }  // another number when an image or a caption changes
  Tensor sample(int64_t i, const data::SampleShape& shape) const override {
    check(i >= 0 && i < size(), "[Stripes] sample ", i, " of ", size());
    check<ShapeError>(shape.has_pixels(), "[Stripes] every size must be at least 1, got ", data::to_text(shape));
    Tensor clip({shape.frames, 1, shape.height, shape.width}, DType::u8);
    uint8_t* pixel = clip.mutable_data<uint8_t>();
    const double angle = std::numbers::pi * (static_cast<double>(i) / 32 - .25);
    for (int64_t frame = 0; frame < shape.frames; ++frame)
      for (int64_t y = 0; y < shape.height; ++y)
        for (int64_t x = 0; x < shape.width; ++x) {
          const double across = static_cast<double>(x + frame), down = static_cast<double>(y);
          const double phase = std::cos(angle) * across + std::sin(angle) * down;
          *pixel++ = static_cast<uint8_t>(127.5 + 127.5 * std::sin(phase));
        }
    return clip;
  }
};

/// The loader checks shapes and types; equal samples at each reading, and a batch of images and one of clips.
bool data_set_is_right() {
  const auto source = std::make_shared<Stripes>();
  const data::SampleShape image = {1, 16, 16}, clip = {4, 16, 24};
  if (source->sample(3, image).to_vector<int64_t>() != source->sample(3, image).to_vector<int64_t>()) return false;
  data::Loader loader(source, {.buckets = {{.shape = image, .batch_size = 8}, {.shape = clip, .batch_size = 2}}});
  bool images = false, clips = false;
  for (int i = 0; i < 20; ++i) {
    const data::Batch batch = loader.next();  // f32 [B, F, C, H, W] in [-1, 1]
    images |= batch.shape == image && batch.samples.shape() == Shape{8, 1, 1, 16, 16};
    clips |= batch.shape == clip && batch.samples.shape() == Shape{2, 4, 1, 16, 24};
    const auto named = [](const std::string& caption) { return caption.find("stripes") != std::string::npos; };
    if (!std::all_of(batch.captions.begin(), batch.captions.end(), named)) return false;
  }
  return images && clips;
}

}  // namespace

int main() {
  const bool right[] = {op_is_right(), layer_is_right(), sampler_is_right(), data_set_is_right()};
  for (const bool one : right) std::printf("%s\n", one ? "right" : "wrong");
  return std::all_of(std::begin(right), std::end(right), [](bool one) { return one; }) ? 0 : 1;
}

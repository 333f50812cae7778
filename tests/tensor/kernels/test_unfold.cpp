// Sliding windows and their adjoint against loops over every window.
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/index/unfold.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

/// A square window, the same along both axes.
struct Square {
  int64_t kernel, stride, padding;
  int64_t out(int64_t size) const { return (size + 2 * padding - kernel) / stride + 1; }
  operator kernels::Window() const { return {{kernel, kernel}, {stride, stride}, {padding, padding}}; }
};

/// Calls body(column element, pixel) for each pair that belongs together; pixel is -1 in the padding.
template <class Body>
void each_pair(const Shape& image, const Square& w, const Body& body) {
  const int64_t height = image[2], width = image[3], out_h = w.out(height), out_w = w.out(width), k = w.kernel;
  int64_t at = 0;
  for (int64_t b = 0; b < image[0]; ++b)
    for (int64_t oy = 0; oy < out_h; ++oy)
      for (int64_t ox = 0; ox < out_w; ++ox)
        for (int64_t c = 0; c < image[1]; ++c)
          for (int64_t ky = 0; ky < k; ++ky)
            for (int64_t kx = 0; kx < k; ++kx, ++at) {
              const int64_t y = oy * w.stride + ky - w.padding, x = ox * w.stride + kx - w.padding;
              const bool inside = y >= 0 && y < height && x >= 0 && x < width;
              body(size_t(at), inside ? ((b * image[1] + c) * height + y) * width + x : -1);
            }
}

TEST_CASE("unfold and fold: any window, layout and type") {
  Choices choices(1);
  for (int round = 0; round < 200; ++round) {
    const Shape shape = {choose(choices, 1, 3), choose(choices, 1, 3), choose(choices, 1, 9), choose(choices, 1, 9)};
    const Square w = {choose(choices, 1, 5), choose(choices, 1, 3), choose(choices, 0, 3)};
    if (w.out(shape[2]) < 1 || w.out(shape[3]) < 1 || shape[2] + 2 * w.padding < w.kernel ||
        shape[3] + 2 * w.padding < w.kernel)
      continue;
    const DType dtype = round % 2 ? DType::f32 : DType::f64;
    const Tensor x = random_layout(choices, shape, dtype);
    const Tensor columns = kernels::unfold(x, w);
    REQUIRE(columns.shape() == Shape{shape[0], w.out(shape[2]) * w.out(shape[3]), shape[1] * w.kernel * w.kernel});
    const std::vector<double> pixels = x.to_vector<double>(), got = columns.to_vector<double>();
    each_pair(shape, w, [&](size_t at, int64_t pixel) { REQUIRE(got[at] == (pixel < 0 ? 0 : pixels[size_t(pixel)])); });

    const Tensor values = random_layout(choices, columns.shape(), dtype);
    const Tensor image = kernels::fold(values, shape[1], shape[2], shape[3], w);
    REQUIRE(image.shape() == shape);
    std::vector<double> expected(pixels.size());
    const std::vector<double> v = values.to_vector<double>(), sums = image.to_vector<double>();
    each_pair(shape, w, [&](size_t at, int64_t pixel) {
      if (pixel >= 0) expected[size_t(pixel)] += v[at];
    });
    for (size_t i = 0; i < sums.size(); ++i)
      REQUIRE(std::abs(sums[i] - expected[i]) < (dtype == DType::f32 ? 1e-5 : 1e-13));
  }
}

TEST_CASE("unfold: windows side by side are the patches of an image, and fold puts them back") {
  const Tensor x = Generator(1).normal({2, 3, 8, 12});
  CHECK(same_bits(kernels::fold(kernels::unfold(x, Square{4, 4, 0}), 3, 8, 12, Square{4, 4, 0}), x));
}

TEST_CASE("unfold and fold: every thread count gives the same bits") {
  const Tensor x = Generator(2).normal({4, 8, 30, 30});
  const Square w = {3, 1, 1};
  const Tensor columns = kernels::unfold(x, w), image = kernels::fold(columns, 8, 30, 30, w);
  for_each_thread_count([&] {
    CHECK(same_bits(kernels::unfold(x, w), columns));
    CHECK(same_bits(kernels::fold(columns, 8, 30, 30, w), image));
  });
}

TEST_CASE("unfold and fold: errors") {
  CHECK(message_of<ShapeError>([] { kernels::unfold(zeros({3, 4, 4}), Square{2, 2, 0}); }) ==
        "[unfold] needs images [B, C, H, W], got [3, 4, 4]");
  CHECK(message_of<ShapeError>([] { kernels::unfold(zeros({1, 1, 4, 2}), Square{3, 1, 0}); }) ==
        "[unfold] a window of [3, 3] does not fit an image of 4 x 2 with padding [0, 0] and dilation [1, 1]");
  CHECK(message_of<ShapeError>([] { kernels::unfold(zeros({1, 1, 4, 4}), Square{2, 0, 0}); }) ==
        "[unfold] needs kernel, stride and dilation >= 1 and padding >= 0, got [2, 2], [0, 0], [1, 1] and [0, 0]");
  CHECK(message_of<ShapeError>([] { kernels::fold(zeros({1, 4, 5}), 1, 4, 4, Square{2, 2, 0}); }) ==
        "[fold] needs columns [B, 4, 4], got [1, 4, 5]");
  CHECK(message_of<DTypeError>([] { kernels::unfold(zeros({1, 1, 4, 4}, DType::u8), Square{2, 2, 0}); }) ==
        "[unfold] computes in f32 or f64, got u8; convert with to(x, DType::f32)");
  CHECK(kernels::unfold(zeros({0, 1, 4, 4}), Square{2, 2, 0}).shape() == Shape{0, 4, 4});
}

}  // namespace
}  // namespace ditharos::tests

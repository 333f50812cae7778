#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <set>

#include <ditharos/data/synthetic/distance.h>
#include <ditharos/data/synthetic/shapes.h>
#include <ditharos/tensor/parallel.h>

using namespace ditharos;
using data::Split;

namespace {

std::string image_bytes(const data::Dataset& set, int64_t i) {
  return {reinterpret_cast<const char*>(set.image(i)), static_cast<size_t>(set.image_size())};
}
std::string all_bytes(const data::Dataset& set) {
  return {reinterpret_cast<const char*>(set.images().data<uint8_t>()), static_cast<size_t>(set.images().numel())};
}
/// Sum of the image's bytes over its brightest one: the area of the figure in pixels.
double area(const data::Dataset& set, int64_t i) {
  const uint8_t* p = set.image(i);
  double sum = 0;
  for (int64_t k = 0; k < set.image_size(); ++k) sum += p[k];
  return sum / *std::max_element(p, p + set.image_size());
}

}  // namespace

TEST_CASE("shapes: ten classes in turn, in any size and number of channels") {
  CHECK(data::shape_class_names().size() == 10);
  for (const int64_t channels : {1, 3}) {
    for (const int64_t size : {8, 28, 33}) {
      const auto set = data::make_shapes(Split::train, {.count = 25, .size = size, .channels = channels});
      CHECK(set.images().shape() == Shape{25, channels, size, size});
      CHECK(set.num_classes() == 10);
      for (int64_t i = 0; i < set.size(); ++i) CHECK(set.label(i) == i % 10);
    }
  }
  CHECK(data::make_shapes(Split::test, {.size = 8}).size() == 2000);
}

TEST_CASE("shapes: image i depends on the seed, the split and i alone") {
  const auto small = data::make_shapes(Split::train, {.count = 30}),
             large = data::make_shapes(Split::train, {.count = 300});
  for (int64_t i = 0; i < small.size(); ++i) CHECK(image_bytes(small, i) == image_bytes(large, i));
  std::string one(28 * 28, '\0');
  data::draw_shape(reinterpret_cast<uint8_t*>(one.data()), 123, Split::train, {});
  CHECK(one == image_bytes(large, 123));
  CHECK(all_bytes(large) != all_bytes(data::make_shapes(Split::train, {.count = 300, .seed = 1})));

  const int threads = num_threads();
  for (const int n : {1, 2, 4}) {
    set_num_threads(n);
    CHECK(all_bytes(data::make_shapes(Split::train, {.count = 300})) == all_bytes(large));
  }
  set_num_threads(threads);
}

TEST_CASE("shapes: no image of the test split is a training image, and none comes twice") {
  std::set<std::string> seen;
  const auto train = data::make_shapes(Split::train, {.count = 3000}),
             test = data::make_shapes(Split::test, {.count = 1000});
  for (const auto* set : {&train, &test}) {
    for (int64_t i = 0; i < set->size(); ++i) CHECK(seen.insert(image_bytes(*set, i)).second);
  }
}

TEST_CASE("shapes: every shape lies inside of the image, anti-aliased, in the expected proportion to its outline") {
  const auto set = data::make_shapes(Split::train, {.count = 500, .size = 64});
  for (int64_t i = 0; i < set.size(); ++i) {
    const uint8_t* p = set.image(i);
    for (int64_t k = 0; k < 64; ++k) {
      CHECK((p[k] == 0 && p[63 * 64 + k] == 0 && p[k * 64] == 0 && p[k * 64 + 63] == 0));
    }
    const uint8_t brightest = *std::max_element(p, p + 64 * 64);
    CHECK(brightest >= 140);
    CHECK(std::any_of(p, p + 64 * 64, [&](uint8_t v) { return v > 0 && v < brightest; }));
    // The radius is 0.22 to 0.36 of the side; a disc has radius 0.95 of that, a square half a side of 0.8.
    const double least = 64 * 0.22, most = 64 * 0.36;
    if (set.label(i) == 0) {
      CHECK(area(set, i) > 3.1416 * 0.9025 * least * least * 0.97);
      CHECK(area(set, i) < 3.1416 * 0.9025 * most * most * 1.03);
    }
    if (set.label(i) == 2) {
      CHECK(area(set, i) > 2.56 * least * least * 0.97);
      CHECK(area(set, i) < 2.56 * most * most * 1.03);
    }
  }
}

TEST_CASE("shapes: impossible options are refused") {
  CHECK_THROWS_AS(data::make_shapes(Split::train, {.size = 7}), ConfigError);
  CHECK_THROWS_AS(data::make_shapes(Split::train, {.size = 1025}), ConfigError);
  CHECK_THROWS_AS(data::make_shapes(Split::train, {.channels = 2}), ConfigError);
  CHECK_THROWS_AS(data::make_shapes(Split::train, {.count = -1}), ConfigError);
  uint8_t none = 0;
  CHECK_THROWS_AS(data::draw_shape(&none, -1, Split::train, {}), ConfigError);
}

TEST_CASE("distance: known distances of the shapes") {
  using namespace data;
  CHECK(distance_to_disc({3, 4}, 2) == doctest::Approx(3));
  CHECK(distance_to_box({4, 5}, 1, 1) == doctest::Approx(5));
  CHECK(distance_to_box({0.5, 0}, 1, 2) == doctest::Approx(-0.5));
  const std::vector<Point> square = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
  for (double x = -2.05; x < 2.1; x += 0.13) {
    for (double y = -2.05; y < 2.1; y += 0.17) {
      CHECK(distance_to_polygon({x, y}, square) == doctest::Approx(distance_to_box({x, y}, 1, 1)));
    }
  }
  CHECK(distance_to_bars(0.25, 1) == doctest::Approx(-0.25));
  CHECK(distance_to_bars(1.5, 1) == doctest::Approx(0.5));
  CHECK(distance_to_bars(-0.25, 1) == doctest::Approx(0.25));
  CHECK(distance_to_either(-1, 2) < 0);
  CHECK(distance_to_either(-1, -2) > 0);
  CHECK(distance_to_either(1, 2) > 0);
}

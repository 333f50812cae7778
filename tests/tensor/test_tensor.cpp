// Shapes, views and the tensor handle itself.
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

/// The index of row-major position n, and back.
Shape index_of(int64_t n, const Shape& shape) {
  Shape index = Shape::filled(shape.rank(), 0);
  for (int i = shape.rank() - 1; i >= 0; --i) index[i] = n % shape[i], n /= shape[i];
  return index;
}
int64_t offset_of(const Shape& index, const Strides& strides) {
  int64_t at = 0;
  for (int i = 0; i < index.rank(); ++i) at += index[i] * strides[i];
  return at;
}

/// What a tensor should hold: a shape and row-major values. The views below are carried out on it by copying.
struct Model {
  Shape shape;
  std::vector<float> values;

  float at(const Shape& index) const { return values[size_t(offset_of(index, contiguous_strides(shape)))]; }
  template <class F>
  Model pick(const Shape& to, const F& source) const {
    Model out{to, {}};
    for (int64_t n = 0; n < numel(to); ++n) out.values.push_back(at(source(index_of(n, to))));
    return out;
  }
};

bool agree(const Tensor& x, const Model& model) {
  if (x.shape() != model.shape) return false;
  for (int64_t n = 0; n < x.numel(); ++n)
    if (x.data<float>()[offset_of(index_of(n, x.shape()), x.strides())] != model.values[size_t(n)]) return false;
  return true;
}

/// Does a view of x with this shape exist? Tried by brute force: strides follow from the unit steps, and must fit
/// everywhere.
bool viewable(const Tensor& x, const Shape& shape) {
  const auto offset = [&](int64_t n) { return offset_of(index_of(n, x.shape()), x.strides()); };
  Strides strides = Shape::filled(shape.rank(), 0);
  const Strides steps = contiguous_strides(shape);
  for (int i = 0; i < shape.rank(); ++i)
    if (shape[i] > 1) strides[i] = offset(steps[i]);
  for (int64_t n = 0; n < x.numel(); ++n)
    if (offset_of(index_of(n, shape), strides) != offset(n)) return false;
  return true;
}

/// A random shape of n elements.
Shape factorized(Choices& choices, int64_t n) {
  Shape shape;
  while (n > 1 && shape.rank() < 5) {
    int64_t factor = choose(choices, 1, n);
    while (n % factor) --factor;
    shape.push_back(factor);
    n /= factor;
  }
  if (n > 1) shape.push_back(n);
  if (choose(choices, 0, 3) == 0) shape.insert(int(choose(choices, 0, shape.rank())), 1);
  return shape;
}

TEST_CASE("views: chains of permute, slice, expand and reshape agree with copies") {
  Choices choices(1);
  for (int round = 0; round < 400; ++round) {
    Tensor x = arange(choose(choices, 1, 4) * 24);
    Model model{x.shape(), x.to_vector<float>()};
    for (int step = 0; step < 6; ++step) {
      const int rank = x.rank(), what = int(choose(choices, 0, 3));
      if (what == 0) {
        Axes order;
        for (int i = 0; i < rank; ++i) order.insert(int(choose(choices, 0, i)), i);
        Shape shape;
        for (int64_t axis : order) shape.push_back(x.shape()[int(axis)]);
        model = model.pick(shape, [&](const Shape& to) {
          Shape from = to;
          for (int i = 0; i < rank; ++i) from[int(order[i])] = to[i];
          return from;
        });
        if (round % 2)
          for (int64_t& axis : order) axis -= rank;  // negative axes count from the end
        x = views::permute(x, order);
      } else if (what == 1 && rank > 0) {
        const int axis = int(choose(choices, 0, rank - 1));
        const int64_t n = x.size(axis), begin = choose(choices, 0, n - 1), end = choose(choices, begin + 1, n);
        const int64_t stride = choose(choices, 1, 3);
        Shape shape = x.shape();
        shape[axis] = (end - begin + stride - 1) / stride;
        model = model.pick(shape, [&](Shape index) { return index[axis] = begin + index[axis] * stride, index; });
        x = round % 2 ? views::slice(x, axis - rank, begin - n, end, stride)
                      : views::slice(x, axis, begin, end, stride);
      } else if (what == 2 && x.numel() < 500 && rank < 6) {
        Shape shape = x.shape();
        for (int i = 0; i < rank; ++i)
          if (shape[i] == 1 && choose(choices, 0, 1)) shape[i] = choose(choices, 1, 3);
        if (choose(choices, 0, 2) == 0) shape.insert(0, 2);
        const int lead = shape.rank() - rank;
        model = model.pick(shape, [&](const Shape& to) {
          Shape from;
          for (int i = 0; i < rank; ++i) from.push_back(x.shape()[i] == 1 ? 0 : to[lead + i]);
          return from;
        });
        x = views::expand(x, shape);
      } else if (what == 3) {
        const Shape shape = factorized(choices, x.numel());
        CAPTURE(to_text(x.shape()));
        CAPTURE(to_text(x.strides()));
        CAPTURE(to_text(shape));
        const bool possible = viewable(x, shape);
        REQUIRE(views::can_reshape(x, shape) == possible);
        if (possible) x = views::reshape(x, shape), model.shape = shape;
        else REQUIRE_THROWS_AS(views::reshape(x, shape), ShapeError);
      }
      REQUIRE(agree(x, model));
    }
  }
}

TEST_CASE("views: share storage and version; copies do not") {
  const Tensor x = zeros({2, 3}), row = views::slice(x, 0, 1, 2, 1), same = views::alias(x);
  const uint64_t before = x.version();
  row.mutable_data<float>()[0] = 5;
  CHECK(x.version() == before + 1);
  CHECK(same.version() == before + 1);
  CHECK(x.to_vector<float>()[3] == 5);
  CHECK(same.impl() != x.impl());
  const Tensor copy = kernels::to(x, DType::f32);
  kernels::fill(copy, 1);
  CHECK(x.version() == before + 1);
  (void)x.data<float>();  // reading is no mutation
  CHECK(x.version() == before + 1);
}

TEST_CASE("tensor: is_unique") {
  Tensor x = zeros({3});
  CHECK(x.is_unique());
  {
    const Tensor handle = x;  // NOLINT(performance-unnecessary-copy-initialization): the copy is what is tested
    CHECK_FALSE(x.is_unique());
  }
  CHECK(x.is_unique());
  {
    const Tensor view = views::alias(x);
    CHECK_FALSE(x.is_unique());
  }
  CHECK(x.is_unique());
}

TEST_CASE("tensor: contiguity") {
  const Tensor x = zeros({2, 3, 4});
  CHECK(x.is_contiguous());
  CHECK_FALSE(views::permute(x, {0, 2, 1}).is_contiguous());
  CHECK(views::slice(x, 0, 1, 2, 1).is_contiguous());
  CHECK_FALSE(views::slice(x, 1, 0, 2, 1).is_contiguous());
  CHECK(
      views::slice(views::slice(x, 1, 0, 2, 1), 0, 0, 1, 1).is_contiguous());  // the stride of a size of 1 says nothing
  CHECK_FALSE(views::expand(zeros({1, 2}), {3, 2}).is_contiguous());
  CHECK(zeros({0, 3}).is_contiguous());
  CHECK(zeros({}).is_contiguous());
}

TEST_CASE("tensor: item, data and their errors") {
  CHECK(full({1, 1}, 2.5).item() == 2.5);
  CHECK(full({}, 3, DType::u8).item() == 3);
  CHECK(full({1}, 1, DType::boolean).item() == 1);
  CHECK(message_of<ShapeError>([] { zeros({2}).item(); }) == "[item] needs a tensor of one element, got shape [2]");
  CHECK(message_of<ShapeError>([] { zeros({0}).item(); }) == "[item] needs a tensor of one element, got shape [0]");
  CHECK(message_of<DTypeError>([] { zeros({2}).data<double>(); }) == "[data] the tensor holds f32, not f64");
  CHECK(zeros({2, 3}).size(-1) == 3);
  CHECK(message_of<ShapeError>([] { zeros({2, 3}).size(2); }) ==
        "[size] axis 2 is out of range for a tensor of rank 2");
}

TEST_CASE("shape: sizes, strides, broadcasting") {
  CHECK(numel({}) == 1);
  CHECK(numel({2, 0, int64_t{1} << 61}) == 0);
  CHECK(contiguous_strides({2, 3, 4}) == Strides{12, 4, 1});
  CHECK(broadcast_shapes("add", {2, 1, 4}, {3, 1}) == Shape{2, 3, 4});
  CHECK(broadcast_shapes("add", {}, {3, 1}) == Shape{3, 1});
  CHECK(broadcast_shapes("add", {0}, {1}) == Shape{0});
  CHECK(broadcastable_to({3, 1}, {2, 3, 4}));
  CHECK_FALSE(broadcastable_to({2, 3, 4}, {3, 4}));
  CHECK_FALSE(broadcastable_to({3}, {1}));
  CHECK(normalize_axis("x", -2, 2) == 0);
  Shape s = {1, 2, 3};
  s.insert(1, 9);
  CHECK(s == Shape{1, 9, 2, 3});
  s.erase(0);
  CHECK(s == Shape{9, 2, 3});
  s.insert(3, 7);
  CHECK(s == Shape{9, 2, 3, 7});
  CHECK(to_text(s) == "[9, 2, 3, 7]");
}

TEST_CASE("shape: errors") {
  CHECK(message_of<ShapeError>([] { broadcast_shapes("add", {2, 3}, {2}); }) ==
        "[add] cannot broadcast shapes [2, 3] and [2]");
  CHECK(message_of<ShapeError>([] { numel({1 << 30, 1 << 30, 8}); }) ==
        "shape [1073741824, 1073741824, 8] has more elements than memory can hold");
  CHECK(message_of<ShapeError>([] { static_cast<void>(Tensor(Shape{int64_t{1} << 61})); }) ==
        "shape [2305843009213693952] has more elements than memory can hold");
  CHECK(message_of<ShapeError>([] { Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}; }) == "a tensor has at most 8 dimensions");
  CHECK(message_of<ShapeError>([] { normalize_axis("sum", -3, 2); }) ==
        "[sum] axis -3 is out of range for a tensor of rank 2");
  CHECK(message_of<Error>([] {
          static_cast<void>(Tensor(Shape{int64_t{1} << 50}));
        }).find("out of memory: cannot allocate") == 0);
}

TEST_CASE("views: errors") {
  const Tensor x = zeros({2, 3});
  CHECK(message_of<ShapeError>([&] { views::permute(x, {0}); }) ==
        "[permute] order [0] does not list every axis of shape [2, 3]");
  CHECK(message_of<ShapeError>([&] { views::permute(x, {1, -1}); }) == "[permute] order [1, -1] lists an axis twice");
  CHECK(message_of<ShapeError>([&] { views::permute(x, {0, 2}); }) ==
        "[permute] axis 2 is out of range for a tensor of rank 2");
  CHECK(message_of<ShapeError>([&] { views::slice(x, 1, 2, 4, 1); }) ==
        "[slice] range 2:4 does not fit axis 1 of shape [2, 3]");
  CHECK(message_of<ShapeError>([&] { views::slice(x, 1, 2, 1, 1); }) ==
        "[slice] range 2:1 does not fit axis 1 of shape [2, 3]");
  CHECK(message_of<ShapeError>([&] { views::slice(x, 1, 0, 1, 0); }) == "[slice] the step must be at least 1, got 0");
  CHECK(message_of<ShapeError>([&] { views::expand(x, {2, 2, 4}); }) ==
        "[expand] shape [2, 3] does not stretch to [2, 2, 4]");
  CHECK(message_of<ShapeError>([&] { views::reshape(x, {5}); }) ==
        "[reshape] shape [2, 3] with strides [3, 1] cannot be viewed as [5]");
}

TEST_CASE("bfloat16: every value survives the way through float") {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    bfloat16 b;
    b.bits = uint16_t(bits);
    const float f = b;
    if (std::isnan(f)) REQUIRE(std::isnan(float(bfloat16(f))));
    else REQUIRE(bfloat16(f).bits == b.bits);
  }
}

TEST_CASE("float16: every value survives the way through float") {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    float16 h;
    h.bits = uint16_t(bits);
    const float f = h;
    if (std::isnan(f)) REQUIRE(std::isnan(float(float16(f))));
    else REQUIRE(float16(f).bits == h.bits);
    // What lies between two neighbours goes to the nearer one, from the middle to the even one.
    const uint32_t size = bits & 0x7fff;
    if (size >= 0x7bff) continue;
    float16 above;
    above.bits = uint16_t(bits + 1);
    const float middle = float((double(f) + double(float(above))) / 2);  // exact
    REQUIRE(float16(middle).bits == (bits % 2 == 0 ? bits : bits + 1));
    REQUIRE(float16(std::nextafterf(middle, f)).bits == bits);
    REQUIRE(float16(std::nextafterf(middle, above)).bits == bits + 1);
  }
}

TEST_CASE("float16: the values at the ends of its range") {
  const auto bits = [](float x) { return float16(x).bits; };
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(bits(0) == 0);
  CHECK(bits(-0.f) == 0x8000);
  CHECK(bits(1) == 0x3c00);
  CHECK(bits(-2) == 0xc000);
  CHECK(bits(65504) == 0x7bff);
  CHECK(bits(std::nextafterf(65520, 0)) == 0x7bff);
  CHECK(bits(65520) == 0x7c00);
  CHECK(bits(-1e30f) == 0xfc00);
  CHECK(bits(infinity) == 0x7c00);
  CHECK(bits(-infinity) == 0xfc00);
  CHECK(bits(0x1p-24f) == 1);
  CHECK(bits(0x1p-25f) == 0);  // half-way to the even zero
  CHECK(bits(std::nextafterf(0x1p-25f, 1)) == 1);
  CHECK(bits(-0x1p-24f) == 0x8001);
  CHECK(bits(0x1p-14f) == 0x400);
  CHECK(bits(std::nextafterf(0x1p-14f, 0)) == 0x400);  // rounds up into the normal numbers
  CHECK(bits(1e-40f) == 0);                            // a subnormal float
  CHECK((bits(std::nanf("")) & 0x7fff) > 0x7c00);
  CHECK(bits(-std::nanf("")) >= 0xfe00);
}

TEST_CASE("regression 29: to_vector and from_vector take every element type, and say so at compile time") {
  const Tensor x = from_vector<double>({-1.5, 0, 2, 300});
  CHECK(x.to_vector<int>() == std::vector<int>{-1, 0, 2, 300});
  CHECK(x.to_vector<bool>() == std::vector<bool>{true, false, true, true});
  CHECK(x.slice(0, 1, 3).to_vector<uint8_t>() == std::vector<uint8_t>{0, 2});
  CHECK(float(x.to_vector<bfloat16>()[3]) == 300);
  CHECK(x.slice(0, 0, 0).to_vector<int>().empty());
  const Tensor flags = from_vector(std::vector<bool>{true, false, true}, {3, 1});
  CHECK(flags.dtype() == DType::boolean);
  CHECK(flags.shape() == Shape{3, 1});
  CHECK(flags.to_vector<bool>() == std::vector<bool>{true, false, true});
  CHECK(from_vector(std::vector<int>{1, 2}).dtype() == DType::i32);
  CHECK(from_vector(x.to_vector<bfloat16>()).dtype() == DType::bf16);
  CHECK(from_vector(std::vector<bool>{}).numel() == 0);
  CHECK(float(x.to_vector<float16>()[3]) == 300);
  CHECK(from_vector(x.to_vector<float16>()).dtype() == DType::f16);
  static_assert(Element<int> && Element<bool> && Element<bfloat16> && Element<float16>);
  static_assert(!Element<short> && !Element<unsigned> && !Element<char> && !Element<std::string>);
}

}  // namespace
}  // namespace ditharos::tests

// Windows, padding and sizes that convolutions and poolings refuse.
#include <doctest/doctest.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/conv.h>
#include "tests/support/message_of.h"

using namespace ditharos;
using tests::message_of;

namespace {

constexpr int64_t huge = int64_t{1} << 61;

}  // namespace

TEST_CASE("window arguments: padding that no size can be is refused, whatever it consists of") {
  for (const PadMode mode : {PadMode::zeros, PadMode::reflect, PadMode::replicate, PadMode::circular}) {
    CAPTURE(int(mode));
    const Tensor x = zeros({1, 1, 4});
    const nn::Conv1d spread(1, 1, 5, {.padding = "same", .dilation = huge, .padding_mode = mode});
    CHECK(message_of<ShapeError>([&] { static_cast<void>(spread(x)); }) ==
          "[conv1d] 2305843009213693952 * 4 is more than a size can be (4611686018427387904)");
    const nn::Conv1d wide(1, 1, 5, {.padding = 4 * (huge / 2 + 1), .padding_mode = mode});
    CHECK_THROWS_AS(static_cast<void>(wide(x)), ShapeError);
  }
  CHECK_THROWS_AS(static_cast<void>(conv2d(zeros({1, 1, 4, 4}), zeros({1, 1, 3, 3}), {}, 1, "same", {1, huge})),
                  ShapeError);
  CHECK_THROWS_AS(static_cast<void>(conv3d(zeros({1, 1, 4, 4, 4}), zeros({1, 1, 1, 1, 3}), {}, 1, {0, 0, huge})),
                  ShapeError);
}

TEST_CASE("window arguments: padding \"same\" needs a stride of 1, of every kind of padding") {
  for (const PadMode mode : {PadMode::zeros, PadMode::circular}) {
    const nn::ConvOptions options{.stride = 2, .padding = "same", .padding_mode = mode};
    CHECK(message_of<ShapeError>([&] { nn::Conv1d(1, 1, 3, options); }) ==
          "[Conv1d] padding \"same\" needs a stride of 1, got [2]");
    CHECK(message_of<ShapeError>([&] { nn::Conv2d(1, 1, 3, options); }) ==
          "[Conv2d] padding \"same\" needs a stride of 1, got [2, 2]");
    CHECK_THROWS_AS(nn::Conv3d(1, 1, 3, options), ShapeError);
  }
  CHECK_NOTHROW(nn::Conv2d(1, 1, 3, {.stride = {1, 1}, .padding = "same"}));
}

TEST_CASE("window arguments: the output padding of transposed convolutions") {
  const Tensor x = zeros({1, 1, 4}), w = zeros({1, 1, 3});
  CHECK(conv_transpose1d(x, w, {}, 2, 0, 1).shape() == Shape{1, 1, 10});
  CHECK(conv_transpose1d(x, w, {}, 2, 0, 2, 1, 3).shape() == Shape{1, 1, 15});
  CHECK(conv_transpose1d(x, w, {}, 1, 3, 2, 1, 3).shape() == Shape{1, 1, 6});
  CHECK(message_of<ShapeError>([&] { static_cast<void>(conv_transpose1d(x, w, {}, 2, 0, 3, 1, 3)); }) ==
        "[conv_transpose1d] needs 0 <= output_padding < stride or dilation, got [3], [2] and [3]");
  CHECK_THROWS_AS(static_cast<void>(conv_transpose1d(x, w, {}, 2, 0, -1)), ShapeError);
}

TEST_CASE("window arguments: max_unpool takes sizes that its pooling takes to that of x") {
  const Tensor x = zeros({1, 1, 3, 3}), index = zeros({1, 1, 3, 3}, DType::i64);
  for (const int64_t side : {5, 6, 7}) CHECK(max_unpool2d(x, index, 2, {}, 0, PerAxis({6, side})).size(3) == side);
  for (const int64_t side : {int64_t{4}, int64_t{8}, int64_t{-1}, huge})
    CHECK_THROWS_AS(static_cast<void>(max_unpool2d(x, index, 2, {}, 0, PerAxis({6, side}))), ShapeError);
  CHECK(message_of<ShapeError>([&] { static_cast<void>(max_unpool2d(x, index, 2, {}, 0, PerAxis({4, 6}))); }) ==
        "[max_unpool2d] output_size must differ from [6, 6] by less than the stride [2, 2], got [4, 6]");
  const Tensor line = zeros({1, 3}), places = zeros({1, 3}, DType::i64);
  CHECK(max_unpool1d(line, places, 3, 1, 0, 5).shape() == Shape{1, 5});
  CHECK_THROWS_AS(static_cast<void>(max_unpool1d(line, places, 3, 1, 0, 6)), ShapeError);
}

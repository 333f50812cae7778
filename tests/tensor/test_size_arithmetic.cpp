// Sizes at the ends of their range: every product and sum of them is exact or refused in the name of the operation.
#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/image/resize.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/models/dit/cost.h>
#include <ditharos/models/dit/embedding/coordinates.h>
#include <ditharos/models/dit/embedding/position_table.h>
#include <ditharos/models/dit/patch.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/models/dit/rotary.h>
#include <ditharos/pipelines/image_sampling.h>
#include <ditharos/tensor/checked.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using ditharos::tests::message_of;

namespace {

constexpr int64_t most = std::numeric_limits<int64_t>::max();

struct Call {
  const char* op;
  std::function<Tensor()> run;
};

}  // namespace

TEST_CASE("regression 12: a size at the end of its range is refused in the name of the operation") {
  const Tensor x = zeros({2, 2, 8, 8}), row = zeros({2, 2, 8}), cube = zeros({2, 2, 4, 4, 4});
  const Tensor w = zeros({2, 2, 3, 3}), w1 = zeros({2, 2, 3}), w3 = zeros({2, 2, 3, 3, 3});
  std::vector<Call> calls;
  for (const int64_t n : {most, most - 1, most / 2 + 1, int64_t{1} << 62}) {
    calls.push_back({"pad", [=] { return pad(x, {n, n}); }});
    calls.push_back({"pad", [=] { return pad(x, {0, n}, PadMode::replicate); }});
    calls.push_back({"pad", [=] { return pad(x, {n, 0}, PadMode::reflect); }});
    calls.push_back({"repeat", [=] { return repeat(x, {1, 1, n, 2}); }});
    calls.push_back({"narrow", [=] { return narrow(x, 3, 1, n); }});
    calls.push_back({"narrow", [=] { return narrow(x, 3, n, 1); }});
    calls.push_back({"narrow", [=] { return narrow(x, 3, n, n); }});
    calls.push_back({"split_with_sizes", [=] { return split_with_sizes(x, {4, n}, 3)[0]; }});
    calls.push_back({"conv2d", [=] { return conv2d(x, w, {}, 1, n); }});
    calls.push_back({"conv2d", [=] { return conv2d(x, w, {}, 1, 0, n); }});
    calls.push_back({"conv2d", [=] { return conv2d(x, w, {}, 1, 0, 1, n); }});
    calls.push_back({"conv1d", [=] { return conv1d(row, w1, {}, 1, n); }});
    calls.push_back({"conv3d", [=] { return conv3d(cube, w3, {}, 1, 0, n); }});
    calls.push_back({"conv_transpose2d", [=] { return conv_transpose2d(x, w, {}, n); }});
    calls.push_back({"conv_transpose2d", [=] { return conv_transpose2d(x, w, {}, 1, n); }});
    calls.push_back({"conv_transpose2d", [=] { return conv_transpose2d(x, w, {}, 1, 0, 0, 1, n); }});
    calls.push_back({"unfold", [=] { return unfold(x, 3, 1, n); }});
    calls.push_back({"unfold", [=] { return unfold(x, n, 1, 0); }});
    calls.push_back({"fold", [=] { return fold(zeros({2, 9, 18}), 2, n, 5, 3, 1, 0); }});
    calls.push_back({"fold", [=] { return fold(zeros({2, 9, 18}), n, 5, 5, 3, 1, 0); }});
    calls.push_back({"max_pool2d", [=] { return max_pool2d(x, n, 1, n / 2); }});
    calls.push_back({"avg_pool2d", [=] { return avg_pool2d(x, 2, 1, n); }});
  }
  for (const Call& call : calls) {
    const std::string message = message_of<ShapeError>(call.run);
    CAPTURE(call.op);
    CHECK_MESSAGE(message.starts_with("[" + std::string(call.op) + "]"), message);
  }
}

TEST_CASE("regression 12: sizes that no memory holds are refused before a table of them is made") {
  const Tensor x = zeros({1, 1, 8, 8});
  for (const int64_t n : {most, most / 8, int64_t{1} << 61}) {
    CHECK(message_of<ShapeError>([&] { adaptive_avg_pool2d(x, n); }) != "");
    CHECK(message_of<ShapeError>([&] { interpolate(x, n); }) != "");
    CHECK(message_of<ShapeError>([&] { pad(x, {n, 0}, PadMode::replicate); }) != "");
    CHECK(message_of<ShapeError>([&] { zeros({0, n, n}); }) != "");
    CHECK(message_of<ShapeError>([&] { zeros({n, 0, n}); }) != "");
    CHECK(message_of<ShapeError>([&] { models::position_table(n, n, 8); }) != "");
    CHECK(message_of<ShapeError>([&] { models::unpatchify(zeros({1, 4, 4}), {1, n, n}, {1, 2, 2}); }) != "");
    CHECK(message_of<ShapeError>([&] { models::unpatchify(zeros({1, 4, 4}), {1, 2, 2}, {1, n, n}); }) != "");
    CHECK(message_of<ShapeError>([&] { models::patch_grid({1, 2, 3, 4, 4}, {n, n, n}); }) != "");
    CHECK(message_of<ShapeError>([&] { models::unpatchify(zeros({1, 4, 4}), {n, n, n}, {1, 1, 1}); }) != "");
    CHECK(message_of<ShapeError>([&] { models::rotary_table({n, n, n}, 6, 100); }) != "");
    CHECK(message_of<ShapeError>([&] { models::coordinate_features({n, n, n}, 1, DType::f32); }) != "");
    CHECK(message_of<ShapeError>([&] { data::center_crop_resize(to(zeros({3, 4, 4}), DType::u8), n, n); }) != "");
  }
}

TEST_CASE("regression 12: large steps and parts that fit are taken exactly") {
  const Tensor x = arange(5);
  CHECK(slice(x, 0, 1, 5, most).to_vector<float>() == std::vector<float>{1});
  CHECK(slice(x, 0, 1, 5, most - 1).to_vector<float>() == std::vector<float>{1});
  CHECK(slice(x, 0, 5, 5, most).numel() == 0);
  CHECK(split(x, most, 0).size() == 1);
  CHECK(split(x, most, 0)[0].numel() == 5);
  CHECK(roll(x, most, 0).to_vector<float>() == roll(x, most % 5, 0).to_vector<float>());
  CHECK(roll(x, -most, 0).to_vector<float>() == roll(x, -(most % 5), 0).to_vector<float>());
  const Tensor square = ones({3, 3});
  CHECK(sum(tril(square, most)).item() == 9);
  CHECK(sum(triu(square, most)).item() == 0);
  CHECK(sum(tril(square, std::numeric_limits<int64_t>::min())).item() == 0);
  CHECK(sum(triu(square, std::numeric_limits<int64_t>::min())).item() == 9);
  CHECK(conv2d(zeros({1, 1, 8, 8}), zeros({1, 1, 3, 3}), {}, most).shape() == Shape{1, 1, 1, 1});
  CHECK(unfold(zeros({1, 1, 8, 8}), 3, most, 0).shape() == Shape{1, 1, 9});
}

TEST_CASE("regression 12: checked products and sums are exact up to 2^62") {
  CHECK(checked_product("op", {int64_t{1} << 31, int64_t{1} << 31}) == int64_t{1} << 62);
  CHECK(checked_product("op", {-(int64_t{1} << 31), int64_t{1} << 31}) == -(int64_t{1} << 62));
  CHECK(checked_product("op", {}) == 1);
  CHECK(checked_sum("op", {most / 2, 1}) == int64_t{1} << 62);
  CHECK(message_of<ShapeError>([] { checked_product("op", {most, 2}); }) ==
        "[op] 9223372036854775807 * 2 is more than a size can be (4611686018427387904)");
  CHECK(message_of<ShapeError>([] { checked_sum("op", {most, 1, -1}); }) ==
        "[op] 9223372036854775807 + 1 + -1 is more than a size can be (4611686018427387904)");
}

TEST_CASE("regression 12: parameters are counted without overflow") {
  models::DiTConfig image;
  image.height = image.width = image.channels = image.hidden = image.depth = 65536;
  image.patch = {1, 65536, 65536};
  image.heads = 1;
  image.mlp_ratio = 1024;
  CHECK(message_of<ConfigError>([&] { count_parameters(image); }).find("more than a size can be") != std::string::npos);
  models::DiTConfig video = models::video_dit_preset();
  video.channels = video.hidden = video.depth = 65536;
  video.heads = 1;
  video.patch = {65536, 65536, 65536};
  CHECK(message_of<ConfigError>([&] { count_parameters(video); }).find("more than a size can be") != std::string::npos);
}

TEST_CASE("regression 12: more samples than can be counted are refused") {
  const models::DiTConfig model{.height = 28, .width = 28, .channels = 1, .patch = {1, 4, 4}, .classes = 10};
  CHECK(message_of<Error>([&] { static_cast<void>(pipelines::request_labels(model, {.per_class = most})); }) ==
        "[request_labels] 10 * 9223372036854775807 is more than a size can be (4611686018427387904)");
  CHECK(message_of<Error>([&] { static_cast<void>(pipelines::request_labels(model, {.per_class = most / 20})); }) ==
        "shape [4611686018427387900, 1, 28, 28] has more elements than memory can hold");
}

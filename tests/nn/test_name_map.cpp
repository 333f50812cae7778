// Name maps: published state dicts to a module's own tensors, and back.
#include <doctest/doctest.h>

#include <ditharos/nn/name_map.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_name_map {

using ditharos::tests::message_of;
using ditharos::tests::same_bits;
using nn::NamedTensors;
using nn::NameMap;
using Published = std::map<std::string, Tensor>;

namespace {

/// Numbers from `first` on.
Tensor numbers(const Shape& shape, int64_t first = 0) {
  std::vector<float> values(static_cast<size_t>(numel(shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = float(first + int64_t(i));
  return from_vector(values, shape);
}

std::vector<std::string> names_of(const NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

const Tensor& at(const NamedTensors& tensors, const std::string& name) {
  for (const auto& one : tensors)
    if (one.name == name) return one.tensor;
  FAIL("no tensor \"" << name << "\"");
  return tensors.front().tensor;
}

bool same_tensors(const Published& a, const Published& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && same_bits(kernels::contiguous(x.second), kernels::contiguous(y.second));
  });
}

/// A transformer with every kind of rule: two blocks of width 2.
NameMap transformer_names() {
  NameMap names{
      {.own = "blocks.{i}.attn.qkv.{*}",
       .published = {"layers.{i}.to_q.{*}", "layers.{i}.to_k.{*}", "layers.{i}.to_v.{*}"}},
      {.own = "blocks.{i}.experts.{j}.weight", .published = {"layers.{i}.mlp.{j}.w"}},
      {.own = "blocks.{i}.kv.weight", .published = {"layers.{i}.k.weight", "layers.{i}.v.weight"}, .sizes = {1, 3}},
      {.own = "patch.weight", .published = {"conv.weight"}, .published_shape = Shape{-1, 1, 2, 2}},
      {.own = "modulation.{*}", .published = {"norm_out.linear.{*}"}, .swap_halves = true},
      {.own = "positions", .published = {"pos_embed.pe"}, .published_shape = Shape{1, -1, 2}}};
  names.ignore("layers.{i}.position_ids");
  return names;
}

Published transformer_tensors() {
  Published tensors{{"conv.weight", numbers({2, 1, 2, 2})},
                    {"norm_out.linear.weight", numbers({4, 2}, 100)},
                    {"norm_out.linear.bias", numbers({4}, 110)},
                    {"pos_embed.pe", numbers({1, 3, 2}, 200)},
                    {"scale", numbers({1}, 300)}};
  for (const int64_t i : {0, 1}) {
    const std::string layer = "layers." + std::to_string(i) + ".";
    int64_t first = 1000 * (i + 1);
    for (const char* name : {"to_q", "to_k", "to_v"}) {
      tensors[layer + name + ".weight"] = numbers({2, 2}, first += 10);
      tensors[layer + name + ".bias"] = numbers({2}, first += 10);
    }
    for (const char* name : {"mlp.0.w", "mlp.1.w"}) tensors[layer + name] = numbers({2}, first += 10);
    tensors[layer + "k.weight"] = numbers({1, 2}, first += 10);
    tensors[layer + "v.weight"] = numbers({3, 2}, first += 10);
  }
  return tensors;
}

NamedTensors transformer_module() {
  NamedTensors own;
  for (const char* i : {"0", "1"}) {
    const std::string block = "blocks." + std::string(i) + ".";
    own.push_back({block + "attn.qkv.weight", zeros({6, 2})});
    own.push_back({block + "attn.qkv.bias", zeros({6})});
    own.push_back({block + "experts.0.weight", zeros({2})});
    own.push_back({block + "experts.1.weight", zeros({2})});
    own.push_back({block + "kv.weight", zeros({4, 2})});
  }
  own.push_back({"patch.weight", zeros({2, 4})});
  own.push_back({"modulation.weight", zeros({4, 2})});
  own.push_back({"modulation.bias", zeros({4})});
  own.push_back({"positions", zeros({3, 2})});
  own.push_back({"scale", zeros({1})});
  return own;
}

}  // namespace

TEST_CASE("name map: every kind of rule, there and back") {
  const NameMap names = transformer_names();
  Published published = transformer_tensors();
  const NamedTensors expected = transformer_module();
  published["layers.1.position_ids"] = arange(3, DType::i64);  // ignored
  const NamedTensors own = names.to_own(published, expected);
  published.erase("layers.1.position_ids");

  CHECK(names_of(own) == names_of(expected));
  for (size_t i = 0; i < own.size(); ++i) CHECK(own[i].tensor.shape() == expected[i].tensor.shape());
  const Tensor qkv = at(own, "blocks.1.attn.qkv.weight");
  const char* parts[] = {"layers.1.to_q.weight", "layers.1.to_k.weight", "layers.1.to_v.weight"};
  for (int i = 0; i < 3; ++i)
    CHECK(same_bits(kernels::contiguous(qkv.slice(0, 2 * i, 2 * i + 2)), published.at(parts[i])));
  CHECK(at(own, "blocks.0.attn.qkv.bias").to_vector<int>() == std::vector<int>{1020, 1021, 1040, 1041, 1060, 1061});
  CHECK(same_bits(at(own, "blocks.1.experts.0.weight"), published.at("layers.1.mlp.0.w")));
  CHECK(at(own, "blocks.0.kv.weight").to_vector<int>() ==
        std::vector<int>{1090, 1091, 1100, 1101, 1102, 1103, 1104, 1105});
  CHECK(same_bits(at(own, "patch.weight"), numbers({2, 4})));
  CHECK(at(own, "modulation.weight").to_vector<int>() == std::vector<int>{104, 105, 106, 107, 100, 101, 102, 103});
  CHECK(at(own, "modulation.bias").to_vector<int>() == std::vector<int>{112, 113, 110, 111});
  CHECK(same_bits(at(own, "positions"), numbers({3, 2}, 200)));
  CHECK(at(own, "scale").storage() == published.at("scale").storage());
  CHECK(at(own, "patch.weight").storage() == published.at("conv.weight").storage());

  CHECK(same_tensors(names.to_published(own), published));
  CHECK(names.fit(published, expected).complete());
  CHECK(names.published_names("blocks.7.attn.qkv.bias") ==
        std::vector<std::string>{"layers.7.to_q.bias", "layers.7.to_k.bias", "layers.7.to_v.bias"});
  CHECK(names.published_names("head.weight") == std::vector<std::string>{"head.weight"});
}

TEST_CASE("name map: gradients by own name become gradients by published name, and parameters keep no graph") {
  const NameMap names = transformer_names();
  NamedTensors gradients = transformer_module();
  int64_t first = 0;
  for (auto& [name, tensor] : gradients) tensor = numbers(tensor.shape(), first += 100).set_requires_grad();
  const Published published = names.to_published(gradients);
  CHECK(published.at("layers.0.to_k.weight").to_vector<int>() == std::vector<int>{104, 105, 106, 107});
  CHECK(published.at("layers.0.to_v.bias").to_vector<int>() == std::vector<int>{204, 205});
  CHECK(published.at("norm_out.linear.bias").to_vector<int>() == std::vector<int>{1302, 1303, 1300, 1301});
  CHECK(published.at("conv.weight").shape() == Shape{2, 1, 2, 2});
  for (const auto& [name, tensor] : published) CHECK_FALSE(tensor.requires_grad());
}

TEST_CASE("name map: names that fit nothing are reported under the names of the file") {
  const NameMap names = transformer_names();
  Published published = transformer_tensors();
  const NamedTensors expected = transformer_module();
  published["layers.2.to_q.weight"] = numbers({2, 2});  // the module has two blocks
  published["epoch"] = numbers({1});
  published["layers.01.mlp.0.w"] = numbers({2});  // no index is written so
  published["layers.x.mlp.0.w"] = numbers({2});
  published["norm_out.linear."] = numbers({2});  // {*} is at least one character
  for (const char* part : {"to_q", "to_k", "to_v"}) published.erase(std::string("layers.0.") + part + ".bias");
  published.erase("layers.1.v.weight");
  published.erase("scale");
  const NameMap::Fit fit = names.fit(published, expected);
  CHECK(fit.missing == std::vector<std::string>{"layers.0.to_q.bias", "layers.0.to_k.bias", "layers.0.to_v.bias",
                                                "layers.1.v.weight", "scale"});
  CHECK(fit.unexpected == std::vector<std::string>{"epoch", "layers.01.mlp.0.w", "layers.2.to_q.weight",
                                                   "layers.x.mlp.0.w", "norm_out.linear."});
  published.erase("layers.1.k.weight");
  const NamedTensors own = names.to_own(published, expected);
  CHECK(own.size() == expected.size() - 3 + 5);
  CHECK(own.back().name == "norm_out.linear.");
  // A file in the module's own names passes as it is.
  Published same;
  for (const auto& [name, tensor] : expected) same[name] = tensor;
  CHECK(names.fit(same, expected).complete());
  CHECK(names.to_own(same, expected).size() == expected.size());
}

TEST_CASE("name map: tensors that do not fit each other are refused by name") {
  const NameMap names = transformer_names();
  const Published good = transformer_tensors();
  const NamedTensors expected = transformer_module();
  const auto refused = [&]<class E>(E*, const auto& change) {
    Published published = good;
    change(published);
    return message_of<E>([&] { (void)names.to_own(published, expected); });
  };
  constexpr ConfigError* config = nullptr;
  constexpr ShapeError* shape = nullptr;
  constexpr DTypeError* dtype = nullptr;
  CHECK(refused(config, [](Published& p) { p.erase("layers.1.to_k.weight"); }) ==
        "\"blocks.1.attn.qkv.weight\" consists of layers.1.to_q.weight, layers.1.to_k.weight, layers.1.to_v.weight, "
        "but only layers.1.to_q.weight, layers.1.to_v.weight can be found; missing: layers.1.to_k.weight");
  CHECK(refused(config, [](Published& p) { p["blocks.0.kv.weight"] = numbers({4, 2}); }) ==
        "both \"blocks.0.kv.weight\" itself and another published tensor become \"blocks.0.kv.weight\"");
  CHECK(refused(shape, [](Published& p) { p["layers.1.to_k.weight"] = numbers({3, 2}); }) ==
        "\"layers.1.to_k.weight\" of shape [3, 2] and \"layers.1.to_q.weight\" of shape [2, 2] are not equally wide "
        "parts of \"blocks.1.attn.qkv.weight\"");
  CHECK(refused(shape, [](Published& p) { p["layers.0.to_v.bias"] = scalar(1); }) ==
        "\"layers.0.to_v.bias\" is a scalar and cannot be a part of \"blocks.0.attn.qkv.bias\"");
  CHECK(refused(shape, [](Published& p) { p["layers.0.k.weight"] = numbers({2, 2}); }) ==
        "\"layers.0.k.weight\" of shape [2, 2] should have 1 rows as a part of \"blocks.0.kv.weight\"");
  CHECK(refused(shape, [](Published& p) { p["conv.weight"] = numbers({4, 2}); }) ==
        "\"conv.weight\" of shape [4, 2] cannot be laid out as [2, 4] for \"patch.weight\"");
  CHECK(refused(shape, [](Published& p) { p["conv.weight"] = numbers({3, 1, 2, 2}); }) ==
        "\"conv.weight\" of shape [3, 1, 2, 2] cannot be laid out as [2, 4] for \"patch.weight\"");
  CHECK(refused(shape, [](Published& p) { p["norm_out.linear.bias"] = numbers({3}); }) ==
        "\"norm_out.linear.bias\" has no two halves along axis 0: its shape is [3]");
  CHECK(refused(dtype, [](Published& p) { p["layers.1.to_v.bias"] = zeros({2}, DType::bf16); }) ==
        "\"layers.1.to_v.bias\" is of dtype bf16, but \"layers.1.to_q.bias\" of dtype f32; both become "
        "\"blocks.1.attn.qkv.bias\"");

  const auto not_published = [&](const std::string& name, const Tensor& tensor) {
    return message_of<ShapeError>([&] { (void)names.to_published({{name, tensor}}); });
  };
  CHECK(not_published("blocks.0.attn.qkv.bias", zeros({7})) ==
        "\"blocks.0.attn.qkv.bias\" of shape [7] does not consist of 3 equal parts along axis 0");
  CHECK(not_published("blocks.0.attn.qkv.bias", scalar(0)) ==
        "\"blocks.0.attn.qkv.bias\" is a scalar and cannot consist of 3 tensors");
  CHECK(not_published("blocks.0.kv.weight", zeros({5, 2})) ==
        "\"blocks.0.kv.weight\" of shape [5, 2] has 5 rows, but the parts of which it is published have 4");
  CHECK(not_published("patch.weight", zeros({2, 3})) ==
        "\"patch.weight\" has 6 elements, which do not fit the shape [-1, 1, 2, 2] of the published tensor");
  CHECK(not_published("patch.weight", zeros({3, 8})) ==
        "\"patch.weight\" of shape [3, 8] cannot be laid out as [6, 1, 2, 2] for \"conv.weight\"");
  CHECK(message_of<ConfigError>([&] {
          (void)names.to_published({{"patch.weight", zeros({2, 4})}, {"conv.weight", zeros({2})}});
        }) == "\"conv.weight\" becomes \"conv.weight\", and so does another tensor");
}

TEST_CASE("name map: parts with a layout of their own are laid out before they are joined") {
  // Attention whose projections were 1x1 convolutions, in halves that are swapped.
  const NameMap names{{.own = "qkv", .published = {"q", "kv"}, .sizes = {2, 4}, .published_shape = Shape{-1, 3, 1, 1}},
                      {.own = "ab", .published = {"a", "b"}, .swap_halves = true}};
  const Published published{{"q", numbers({2, 3, 1, 1})},
                            {"kv", numbers({4, 3, 1, 1}, 6)},
                            {"a", from_vector<float>({0, 1})},
                            {"b", from_vector<float>({2, 3})}};
  const NamedTensors expected{{"qkv", zeros({6, 3})}, {"ab", zeros({4})}};
  const NamedTensors own = names.to_own(published, expected);
  CHECK(same_bits(at(own, "qkv"), numbers({6, 3})));
  CHECK(at(own, "ab").to_vector<int>() == std::vector<int>{1, 0, 3, 2});
  CHECK(same_tensors(names.to_published(own), published));
}

TEST_CASE("name map: copies are one tensor here") {
  const NameMap names{{.own = "embedder.{*}", .published = {"layers.0.emb.{*}", "layers.1.emb.{*}"}, .copies = true}};
  Published published{{"layers.0.emb.weight", numbers({2})}, {"layers.1.emb.weight", numbers({2})}};
  const NamedTensors expected{{"embedder.weight", zeros({2})}};
  const NamedTensors own = names.to_own(published, expected);
  CHECK(same_bits(at(own, "embedder.weight"), numbers({2})));
  CHECK(same_tensors(names.to_published(own), published));
  published["layers.1.emb.weight"] = numbers({2}, 1);
  CHECK(message_of<ConfigError>([&] { (void)names.to_own(published, expected); }) ==
        "\"layers.0.emb.weight\" and \"layers.1.emb.weight\" have different values or shapes, but are one tensor here, "
        "\"embedder.weight\"");
  published.erase("layers.1.emb.weight");
  CHECK(message_of<ConfigError>([&] { (void)names.to_own(published, expected); }).find("missing: layers.1") !=
        std::string::npos);
}

TEST_CASE("name map: several spellings, the first rule that matches, and prefixes") {
  const NamedTensors expected{{"norm.weight", zeros({2})}, {"proj.weight", zeros({2, 2})}};
  const NameMap current{{.own = "proj.{*}", .published = {"to_out.0.{*}"}}};
  const NameMap older{{.own = "proj.{*}", .published = {"proj_attn.{*}"}}};
  const Published published{{"norm.weight", zeros({2})}, {"proj_attn.weight", zeros({2, 2})}};
  CHECK(nn::best_fit({current, older}, published, expected).published_names("proj.weight") ==
        std::vector<std::string>{"proj_attn.weight"});
  CHECK(nn::best_fit({current, older}, {{"other", zeros({1})}}, expected).published_names("proj.weight") ==
        std::vector<std::string>{"to_out.0.weight"});
  CHECK_THROWS_AS((void)nn::best_fit({}, published, expected), ConfigError);

  NameMap both;
  both.add(current, "", "");
  both.add(older, "", "");
  CHECK(both.fit(published, expected).complete());
  CHECK(both.to_own(published, expected).size() == 2);
  CHECK(both.to_published(expected).contains("to_out.0.weight"));
  Published twice = published;
  twice["to_out.0.weight"] = zeros({2, 2});
  CHECK(message_of<ConfigError>([&] { (void)both.to_own(twice, expected); }) ==
        "both \"to_out.0.weight\" and \"proj_attn.weight\" become \"proj.weight\"; one of the two does not belong "
        "here");

  NameMap inner;
  inner.add(current, "dit.", "model.");
  inner.ignore("step");
  NameMap outer;
  outer.add(inner, "a.", "b.");
  CHECK(outer.published_names("a.dit.proj.bias") == std::vector<std::string>{"b.model.to_out.0.bias"});
  CHECK(outer.to_own({{"b.step", zeros({1})}, {"step", zeros({1})}}, expected).size() == 1);
}

TEST_CASE("name map: malformed rules are refused") {
  const auto refused = [](const nn::NameRule& rule) { return message_of<ConfigError>([&] { (void)NameMap{rule}; }); };
  CHECK(refused({.own = "a", .published = {}}) == "[NameMap] \"a\" has no published name");
  CHECK(refused({.own = "a.{i}", .published = {"b"}}) == "[NameMap] \"a.{i}\" and \"b\" have different placeholders");
  CHECK(refused({.own = "a.{i}", .published = {"b.{j}"}}).ends_with("have different placeholders"));
  CHECK(refused({.own = "{*}.a", .published = {"b"}}) == "[NameMap] \"{*}.a\": {*} stands at the end of a name");
  CHECK(refused({.own = "a.{i", .published = {"b"}}).ends_with("a placeholder is written {i} or {*}"));
  CHECK(refused({.own = "a.{}", .published = {"b"}}).ends_with("a placeholder is written {i} or {*}"));
  CHECK(refused({.own = "a.{i}{j}", .published = {"b"}}).ends_with("so that its end is unclear"));
  CHECK(refused({.own = "a.{i}0", .published = {"b"}}).ends_with("so that its end is unclear"));
  CHECK(refused({.own = "a.{i}.{i}", .published = {"b"}}).ends_with("a placeholder stands twice in a name"));
  CHECK(refused({.own = "", .published = {"b"}}).ends_with("a name is empty"));
  CHECK(refused({.own = "a", .published = {"b", "c"}, .sizes = {1}}) == "[NameMap] \"a\": 1 sizes for 2 parts");
  CHECK(refused({.own = "a", .published = {"b", "c"}, .sizes = {1, 0}}) == "[NameMap] \"a\": a part has 0 rows");
  CHECK(refused({.own = "a", .published = {"b"}, .published_shape = Shape{-1, -1}}) ==
        "[NameMap] \"a\": more than one size of [-1, -1] is open");
}

}  // namespace ditharos::test_name_map

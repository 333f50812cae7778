// The program zoo, as a user calls it: all golden models through `zoo run`, conversions, and what does not fit.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/tensor/io/weights_file.h>
#include "tests/examples/zoo_golden.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::tests {
namespace {

using TensorsByName = std::map<std::string, Tensor>;

Outcome run_model(const std::string& weights, const std::string& inputs, const std::string& out,
                  const Arguments& others) {
  Arguments arguments{"run", "--weights", weights, "--inputs", inputs, "--out", out};
  arguments.insert(arguments.end(), others.begin(), others.end());
  return run_program("zoo", arguments);
}

/// The differences of a model's outputs and gradients from the reference, or what the program printed if it failed.
std::string compare(const ZooGolden& golden, const std::string& weights, const std::string& out) {
  const Outcome outcome = run_model(weights, golden.inputs, out, {"--config", golden.config});
  if (outcome.status != 0) return outcome.output;
  return differences(safetensors::load(out).tensors, safetensors::load(golden.inputs).tensors);
}

bool same_bits(const TensorsByName& a, const TensorsByName& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, tensor] : a) {
    const auto other = b.find(name);
    if (other == b.end() || other->second.dtype() != tensor.dtype()) return false;
    if (share_of_largest(other->second, tensor) != 0) return false;
  }
  return true;
}

/// Status 2, one line, and `text` in it.
void check_refused(const Outcome& outcome, const std::string& text) {
  INFO(outcome.output);
  CHECK(outcome.status == 2);
  CHECK(outcome.output.find(text) != std::string::npos);
  CHECK(outcome.output.find('\n') == outcome.output.size() - 1);
}

std::string write_text(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  return path;
}

}  // namespace

TEST_CASE("zoo run gives the outputs and gradients of every reference") {
  const TemporaryFolder folder;
  const std::vector<ZooGolden> goldens = zoo_goldens();
  CHECK(goldens.size() >= 23);
  for (const ZooGolden& golden : goldens) {
    INFO(golden.name);
    const std::string found = compare(golden, golden.weights, folder / "out.safetensors");
    CHECK(found == "");
  }
}

TEST_CASE("zoo run: a .pt file gives the bits of the safetensors file") {
  const TemporaryFolder folder;
  const ZooGolden golden = zoo_golden("dit");
  const std::string torch = golden.weights.substr(0, golden.weights.rfind('/')) + "/weights.pt";
  const std::string a = folder / "a.safetensors", b = folder / "b.safetensors";
  CHECK(compare(golden, golden.weights, a) == "");
  CHECK(compare(golden, torch, b) == "");
  CHECK(same_bits(safetensors::load(a).tensors, safetensors::load(b).tensors));
}

TEST_CASE("zoo convert: there and back gives the same tensors, and each layout the same outputs") {
  const TemporaryFolder folder;
  const std::string there = folder / "there.safetensors", back = folder / "back.safetensors";
  struct Case {
    const char *golden, *from, *to;
  };
  for (const Case& c : {Case{"dit", "official", "diffusers"}, Case{"diffusers_dit", "diffusers", "ditharos"},
                        Case{"latte_class", "official", "ditharos"}, Case{"autoencoder_kl", "diffusers", "official"}}) {
    CAPTURE(c.golden);
    const ZooGolden golden = zoo_golden(c.golden);
    if (std::string(c.golden) == "diffusers_dit") {  // its blocks have different embedders
      check_refused(
          run_program("zoo", {"convert", golden.weights, there, "--to", "official", "--config", golden.config}),
          "transformer_blocks");
      continue;
    }
    const Outcome out = run_program("zoo", {"convert", golden.weights, there, "--to", c.to, "--config", golden.config});
    CHECK_MESSAGE(out.status == 0, out.output);
    // The configuration of the other layout has other keys: only the heads and groups are needed.
    const std::string hints =
        write_text(folder / "hints.json", R"({"num_heads": 2, "norm_num_groups": 2, "sample_size": 8})");
    const Outcome in = run_program("zoo", {"convert", there, back, "--to", c.from, "--config", hints});
    CHECK_MESSAGE(in.status == 0, in.output);
    CHECK(same_bits(load_weights(back).tensors, load_weights(golden.weights).tensors));
  }
}

TEST_CASE("zoo convert: dtypes without a layout") {
  const TemporaryFolder folder;
  const ZooGolden golden = zoo_golden("dit");
  const std::string half = folder / "half.safetensors", single = folder / "single.safetensors";
  CHECK(run_program("zoo", {"convert", golden.weights, half, "--dtype", "f16"}).status == 0);
  CHECK(run_program("zoo", {"convert", half, single, "--dtype", "f32"}).status == 0);
  for (const auto& [name, tensor] : load_weights(half).tensors) CHECK(tensor.dtype() == DType::f16);
  const TensorsByName rounded = load_weights(single).tensors, exact = load_weights(golden.weights).tensors;
  for (const auto& [name, tensor] : rounded) CHECK(share_of_largest(tensor, exact.at(name)) < 5e-4);
}

TEST_CASE("zoo list, inspect and help") {
  const Outcome list = run_program("zoo", {"list"}), help = run_program("zoo", {"--help"});
  CHECK(list.status == 0);
  CHECK(list.output.find("DiT-XL/2 ") != std::string::npos);
  CHECK(list.output.find("674,834,720") != std::string::npos);
  CHECK(help.status == 0);
  CHECK(help.output.find("zoo convert IN OUT") != std::string::npos);
  const ZooGolden golden = zoo_golden("sd35");
  const Outcome inspected = run_program("zoo", {"inspect", golden.weights, "--config", golden.config});
  CHECK(inspected.status == 0);
  CHECK(inspected.output.find("SD3 of a size that is not published, diffusers names") != std::string::npos);
  CHECK(inspected.output.find("all tensors fit") != std::string::npos);
}

TEST_CASE("zoo run: dtypes that users choose for inputs, and inputs that are not read") {
  const TemporaryFolder folder;
  const std::string changed = folder / "io.safetensors", out = folder / "out.safetensors";
  const ZooGolden pixart = zoo_golden("pixart"), dit = zoo_golden("dit");
  const auto run_with = [&](const ZooGolden& golden, const std::function<void(TensorsByName&)>& change) {
    TensorsByName inputs = safetensors::load(golden.inputs).tensors;
    const TensorsByName wanted = inputs;
    change(inputs);
    safetensors::save(changed, inputs);
    const Outcome outcome = run_model(golden.weights, changed, out, {"--config", golden.config});
    CHECK_MESSAGE(outcome.status == 0, outcome.output);
    CHECK(differences(safetensors::load(out).tensors, wanted) == "");
    return outcome.output;
  };
  for (const DType dtype : {DType::boolean, DType::f32, DType::i32, DType::i64})
    (void)run_with(pixart, [&](TensorsByName& inputs) { inputs["mask"] = to(inputs.at("mask"), dtype); });
  for (const DType dtype : {DType::f32, DType::i32, DType::i64})
    (void)run_with(dit, [&](TensorsByName& inputs) { inputs["t"] = to(inputs.at("t"), dtype); });
  for (const DType dtype : {DType::u8, DType::i32, DType::i64})
    CHECK(run_with(dit, [&](TensorsByName& inputs) { inputs["y"] = to(inputs.at("y"), dtype); }).find("no input") ==
          std::string::npos);
  CHECK(run_with(dit, [](TensorsByName& inputs) {
          inputs["masks"] = zeros({3});
        }).find("no input masks, which was not used") != std::string::npos);
}

TEST_CASE("zoo: what does not fit ends with status 2 and one sentence") {
  const TemporaryFolder folder;
  const ZooGolden dit = zoo_golden("dit"), sit = zoo_golden("sit");
  const std::string out = folder / "out.safetensors", changed = folder / "changed.safetensors";
  const auto with_config = [&](const std::string& text) {
    return run_model(dit.weights, dit.inputs, out, {"--config", write_text(folder / "c.json", text)});
  };
  const auto run_changed = [&](const std::function<void(TensorsByName&)>& change) {
    TensorsByName tensors = load_weights(dit.weights).tensors;
    change(tensors);
    safetensors::save(changed, tensors);
    return run_model(changed, dit.inputs, out, {"--config", dit.config});
  };
  check_refused(run_program("zoo", {"sing"}), "there is no command sing");
  check_refused(run_program("zoo", {"run", "--weights", dit.weights}), "needs --weights, --inputs and --out");
  check_refused(run_model(dit.weights, dit.inputs, out, {}), "num_heads");
  check_refused(run_model(dit.weights, dit.inputs, out, {"--model", "UNet"}), "families");
  check_refused(run_model(dit.weights, dit.inputs, out, {"--model", "Latte", "--config", dit.config}), "Latte");
  check_refused(run_model(dit.weights, dit.inputs, out, {"--model", "DiT-XL/2", "--config", dit.config}), "DiT-XL/2");
  check_refused(with_config(R"({"num_heads": 3})"), "num_heads = 3");
  check_refused(with_config(R"({"num_heads": 2, "depth": 28})"), "depth = 28");
  check_refused(with_config(R"({"num_heads": 2, "input_size": 16})"), "input_size");
  check_refused(with_config(R"({"num_heads": 2, "mlp_ratio": 3})"), "mlp_ratio = 3");
  check_refused(with_config(R"({"num_heads": 2, "conditioning": "in-context"})"), "with adaLN-Zero");
  check_refused(with_config(R"({"num_heads": 2, "_class_name": "PixArtTransformer2DModel"})"), "of a PixArtTransf");
  check_refused(with_config("{\"num_heads\": "), "not a JSON object");
  check_refused(with_config(R"({"num_heads": "two"})"), "not an integer");
  check_refused(run_changed([](auto& t) { t.erase("blocks.1.mlp.fc2.bias"); }), "blocks.1.mlp.fc2.bias");
  check_refused(run_changed([](auto& t) { t["blocks.1.mlp.fc9.bias"] = zeros({3}); }), "blocks.1.mlp.fc9.bias");
  check_refused(run_changed([](auto& t) { t["blocks.1.mlp.fc2.bias"] = zeros({3}); }), "[3] instead of [16]");
  check_refused(run_changed([](auto& t) { t["blocks.30.mlp.fc2.bias"] = zeros({16}); }), "depth = 2");
  const std::string heads = write_text(folder / "heads.json", R"({"num_heads": 2})");
  check_refused(run_model(changed, dit.inputs, out, {"--config", heads}), "elements");
  check_refused(run_changed([](auto& t) { t.clear(), t["weight"] = zeros({3}); }), "no model of the zoo");
  check_refused(run_model(write_text(folder / "no.pt", "no weights"), dit.inputs, out, {}), "no.pt");
  check_refused(run_model(folder / "missing.pt", dit.inputs, out, {}), "missing.pt");
  check_refused(run_model(dit.weights, sit.weights, out, {"--config", dit.config}), "weights.pt");
  TensorsByName inputs = safetensors::load(dit.inputs).tensors;
  inputs.erase("y");
  safetensors::save(changed, inputs);
  check_refused(run_model(dit.weights, changed, out, {"--config", dit.config}), "no tensor y");
  CHECK_FALSE(std::filesystem::exists(out));
}

}  // namespace ditharos::tests

// Files of torch.save: those that PyTorch wrote, and everything that a state dict does not need.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/tensor/io/torch_file.h>
#include "tests/support/paths.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"
#include "tests/tensor/torch_archives.h"

namespace ditharos::tests::test_torch_file {
namespace {

using Tensors = std::map<std::string, Tensor>;

std::string golden(const std::string& name) { return golden_folder() + "/torch/" + name; }

bool same_tensors(const Tensors& a, const Tensors& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first && same_bits(x.second, y.second); });
}

/// The message with which loading fails, without the part that every message has; "" when it succeeds.
std::string refusal(const std::string& path, const torch_file::Options& options = {}) {
  const std::string start = "cannot read " + path + ": ";
  const std::string message = message_of<IoError>([&] { (void)torch_file::load(path, options); });
  if (message.empty()) return "";
  REQUIRE(message.starts_with(start));
  return message.substr(start.size());
}

std::string refusal_of(const std::string& bytes) {
  const TemporaryFolder folder;
  std::ofstream(folder / "x.pt", std::ios::binary) << bytes;
  return refusal(folder / "x.pt");
}

const std::string six_floats(24, '\0');

/// A state dict {"a": tensor} with one storage of 24 bytes.
std::string refusal_of(const pk::TensorText& tensor) {
  return refusal_of(torch_archive(pk::pickle(pk::dict({pk::text("a"), tensor.made()})), {{"0", six_floats}}));
}
/// A state dict of a sound tensor and, under "b", the value that these operations make.
std::string refusal_with(const std::string& operations) {
  return refusal_of(torch_archive(pk::pickle(pk::dict({pk::text("a"), pk::tensor(), pk::text("b"), operations})),
                                  {{"0", six_floats}}));
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("torch file: state dicts of every pickle protocol, bit by bit") {
  const Tensors expected = safetensors::load(golden("protocol2.safetensors")).tensors;
  CHECK(expected.size() == 8);
  for (const char* name : {"protocol2.pt", "protocol3.pt", "protocol4.pt", "protocol5.pt"}) {
    CAPTURE(name);
    for (const LoadMode mode : {LoadMode::map, LoadMode::copy}) {
      const torch_file::Contents contents = torch_file::load(golden(name), {.mode = mode});
      CHECK(same_tensors(contents.tensors, expected));
      CHECK(contents.state_dict.empty());
      CHECK(contents.others.empty());
      CHECK(contents.skipped.empty());
    }
  }
}

TEST_CASE("torch file: a mapped tensor may be written to, which leaves the file as it was") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.pt";
  std::filesystem::copy_file(golden("protocol2.pt"), path);
  const std::string before = read_file(path, 1 << 20);
  Tensors tensors = torch_file::load(path).tensors;
  for (auto& [name, tensor] : tensors)
    if (tensor.dtype() == DType::f32 && tensor.numel() > 0) *tensor.mutable_data<float>() = -77;
  CHECK(read_file(path, 1 << 20) == before);
  const Tensors expected = safetensors::load(golden("protocol2.safetensors")).tensors;
  CHECK(!same_tensors(tensors, expected));
  CHECK(same_tensors(torch_file::load(path).tensors, expected));
  // The records of this archive follow their names without padding, so that an f32 may stand at any byte.
  std::string elements;
  for (const float x : {1.f, -2.f, 3.f, 4.f, 5.f, 6.f}) elements.append(reinterpret_cast<const char*>(&x), sizeof x);
  for (const char* key : {"0", "01", "012", "0123"}) {
    const pk::TensorText a{.key = key};
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        << torch_archive(pk::pickle(pk::dict({pk::text("a"), a.made()})), {{key, elements}});
    CHECK(torch_file::load(path).tensors.at("a").to_vector<float>()[1] == -2.f);
  }
}

TEST_CASE("torch file: every dtype, views of all kinds") {
  for (const char* name : {"dtypes", "views"}) {
    CAPTURE(name);
    CHECK(same_tensors(torch_file::load(golden(std::string(name) + ".pt")).tensors,
                       safetensors::load(golden(std::string(name) + ".safetensors")).tensors));
  }
  const Tensors views = torch_file::load(golden("views.pt")).tensors;
  const Tensor& whole = views.at("whole");
  for (const char* name : {"transposed", "row", "steps", "stretched", "scalar", "diagonal"})
    CHECK(views.at(name).storage() == whole.storage());
  CHECK(views.at("transposed").strides() == Strides{1, 6});
  CHECK(views.at("parameter").storage() != whole.storage());
  CHECK(views.at("scalar").rank() == 0);
  CHECK(views.at("empty").shape() == Shape{0, 3});
}

TEST_CASE("torch file: a checkpoint's averaged weights, or the entry that is asked for") {
  for (const char* name : {"checkpoint.pt", "checkpoint4.pt"}) {
    CAPTURE(name);
    const torch_file::Contents ema = torch_file::load(golden(name));
    CHECK(ema.state_dict == "ema");
    CHECK(ema.others == std::vector<std::string>{"model"});
    CHECK(same_tensors(ema.tensors, safetensors::load(golden("checkpoint.safetensors")).tensors));
    const torch_file::Contents model = torch_file::load(golden(name), {.state_dict = "model"});
    CHECK(model.state_dict == "model");
    CHECK(model.others == std::vector<std::string>{"ema"});
    CHECK(model.tensors.at("proj.weight").to_vector<float>()[0] ==
          doctest::Approx(2 * ema.tensors.at("proj.weight").to_vector<float>()[0]));
    CHECK(refusal(golden(name), {.state_dict = "args"}) ==
          "it has no state dict \"args\"; its entries are \"model\", \"ema\", \"opt\", \"args\", \"epoch\", \"best\", "
          "\"counts\", \"shape\" and 1 more");
    CHECK(has(refusal(golden(name), {.state_dict = "opt"}), "its entry \"opt\" holds no tensors; its entries are"));
    CHECK(has(refusal(golden(name), {.state_dict = "model/"}), "it has no state dict \"model/\""));
  }
  const torch_file::Contents nested = torch_file::load(golden("nested.pt"));
  CHECK(nested.state_dict == "state_dict/ema");
  CHECK(nested.tensors.size() == 1);
  CHECK(nested.skipped == std::vector<std::string>{"b", "step"});
  CHECK(torch_file::load(golden("nested.pt"), {.state_dict = "state_dict/ema"}).tensors.size() == 1);
}

TEST_CASE("torch file: what cannot be read is refused with what to do") {
  CHECK(refusal(golden("legacy.pt")) ==
        "it was written by torch.save in the format before PyTorch 1.6, which is no zip archive; convert it in Python, "
        "and only if you trust it, with torch.save(torch.load(OLD, weights_only=True), NEW)");
  CHECK(refusal(golden("float8.pt")) ==
        "tensor \"a\": its dtype torch.float8_e4m3fn, an 8-bit float, cannot be read; convert the file to "
        "torch.bfloat16 or torch.float32");
  CHECK(refusal(golden("int16.pt")) ==
        "tensor \"a\": its dtype, torch.ShortStorage, cannot be read; f32, f64, bf16, f16, i64, i32, u8 and bool can");
  CHECK(refusal(golden("list.pt")) == "it holds no dict, but a list; a state dict is a dict of tensors by name");
  CHECK(refusal(golden("no_tensors.pt")) ==
        "it holds no state dict under one of the usual names; its entries are \"epoch\", \"name\"");
  CHECK(refusal(golden("script.pt")) ==
        "it is a TorchScript archive; save the state_dict() of the model with torch.save");
  for (const char* name : {"command.pt", "command4.pt"})
    CHECK(has(refusal(golden(name)),
              "of its pickle: it asks for the global \"posix.system\", which is none of those "
              "that a state dict needs; nothing was executed"));
  CHECK(has(refusal_of("\x80\x02}."), "it is a pickle, but not a zip archive of torch.save; convert it"));
  CHECK(has(refusal_of(std::string(257, 'x') + "ustar"), "before PyTorch 0.1.10, a tar archive; convert it"));
  CHECK(refusal_of("") == "it is empty");
  CHECK(has(refusal_of("PK"), "it is no intact zip archive"));
  CHECK(has(refusal_of(zip_of({{.name = "a.txt", .data = "x"}})), "a zip archive, but not one of torch.save"));
  CHECK_THROWS_AS((void)torch_file::load("/no/such/file.pt"), IoError);
  const std::string record = torch_archive(pk::pickle(pk::dict({pk::text("a"), pk::tensor()})), {{"0", six_floats}});
  CHECK(refusal_of(record) == "");
  CHECK(refusal_of(zip_of({{"x/data.pkl", pk::pickle(pk::dict({pk::text("a"), pk::tensor()}))},
                           {"x/data/0", six_floats},
                           {"x/byteorder", "big"}})) ==
        "its bytes are in the order \"big\"; only little-endian files can be read: load and save it with PyTorch on "
        "this machine");
}

TEST_CASE("torch file: tensors must lie in their storages") {
  CHECK(refusal_of(pk::TensorText{}) == "");
  CHECK(refusal_of(pk::TensorText{.offset = 3, .shape = {3}, .strides = {1}}) == "");
  CHECK(refusal_of(pk::TensorText{.shape = {}, .strides = {}}) == "");
  CHECK(refusal_of(pk::TensorText{.shape = {1 << 20, 0}, .strides = {1, 1}}) == "");
  const auto outside = [](const pk::TensorText& tensor) {
    return has(refusal_of(tensor), "does not lie in its storage of 6 elements");
  };
  const int64_t huge = int64_t{1} << 62;
  CHECK(outside({.offset = 1}));
  CHECK(outside({.offset = 6, .shape = {}, .strides = {}}));
  CHECK(outside({.strides = {4, 1}}));
  CHECK(outside({.shape = {7}, .strides = {0}}));
  CHECK(outside({.shape = {huge}, .strides = {0}}));
  CHECK(outside({.offset = huge, .shape = {1}, .strides = {0}}));
  CHECK(refusal_of(pk::TensorText{.shape = {1, 2}, .strides = {0, huge}}).starts_with("tensor \"a\": "));
  CHECK(refusal_of(pk::TensorText{.offset = huge, .shape = {2, 2}, .strides = {huge, huge}}).find("size can be") !=
        std::string::npos);
  CHECK(refusal_of(pk::TensorText{.shape = {huge, huge}, .strides = {1, 1}}).starts_with("tensor \"a\": "));
  CHECK(has(refusal_of(pk::TensorText{.offset = -1}), "its offset is no whole number from 0"));
  CHECK(has(refusal_of(pk::TensorText{.shape = {-2, -3}}), "a size is no whole number from 0"));
  CHECK(has(refusal_of(pk::TensorText{.strides = {-3, 1}}), "a stride is no whole number from 0"));
  CHECK(has(refusal_of(pk::TensorText{.strides = {1}}), "2 dimensions and 1 strides"));
  const std::vector<int64_t> nine(9, 1);
  CHECK(has(refusal_of(pk::TensorText{.shape = nine, .strides = nine}), "it has 9 dimensions"));
  CHECK(has(refusal_of(pk::TensorText{.elements = 7}), "of 7 elements of f32 is a record of 24 bytes"));
  CHECK(has(refusal_of(pk::TensorText{.elements = 5, .shape = {5}, .strides = {1}}), "is a record of 24 bytes"));
  CHECK(has(refusal_of(pk::TensorText{.elements = huge}), "is a record of 24 bytes"));
  CHECK(has(refusal_of(pk::TensorText{.elements = -1}), "the size of its storage is no whole number"));
  CHECK(has(refusal_of(pk::TensorText{.type = "DoubleStorage"}), "of 6 elements of f64 is a record of 24 bytes"));
  CHECK(has(refusal_of(pk::TensorText{.key = "1"}), "there is no record \"archive/data/1\" of its storage"));
  CHECK(has(refusal_of(pk::TensorText{.key = "../../etc/passwd"}), "there is no record \"archive/data/../../etc"));
  const std::string two = pk::dict({pk::text("a"), pk::tensor(), pk::text("b"), pk::tensor({.type = "IntStorage"})});
  CHECK(refusal_of(torch_archive(pk::pickle(two), {{"0", six_floats}})) ==
        "tensor \"b\": its storage \"0\" is also used with another dtype or size");
  const pk::TensorText flags{.elements = 3, .shape = {2}, .strides = {1}, .type = "BoolStorage"};
  const std::string of_flags = pk::pickle(pk::dict({pk::text("a"), flags.made()}));
  CHECK(refusal_of(torch_archive(of_flags, {{"0", std::string("\0\1\1", 3)}})) == "");
  CHECK(has(refusal_of(torch_archive(of_flags, {{"0", std::string("\0\1\2", 3)}})), "its storage holds the byte 2"));
  const std::string twice = pk::dict({pk::text("a"), pk::tensor(), pk::text("a"), pk::tensor()});
  CHECK(refusal_of(torch_archive(pk::pickle(twice), {{"0", six_floats}})) == "the state dict names \"a\" twice");
}

TEST_CASE("torch file: globals that a state dict does not need are refused by name, before anything is done") {
  for (const auto& [module, name] :
       std::vector<std::pair<std::string, std::string>>{{"os", "system"},
                                                        {"posix", "system"},
                                                        {"nt", "system"},
                                                        {"subprocess", "Popen"},
                                                        {"builtins", "eval"},
                                                        {"__builtin__", "exec"},
                                                        {"builtins", "getattr"},
                                                        {"torch", "load"},
                                                        {"torch", "Storage"},
                                                        {"torch", "FloatStorageX"},
                                                        {"torch._utils", "_rebuild_qtensor"},
                                                        {"torch.hub", "load"},
                                                        {"numpy", "load"},
                                                        {"argparse", "ArgumentParser"},
                                                        {"collections", "OrderedDict.__reduce__"},
                                                        {"", ""}}) {
    const std::string quoted = "it asks for the global \"" + module + "." + name + "\"";
    CHECK(has(refusal_with(pk::call(pk::global(module, name), pk::tuple({pk::text("echo")}))), quoted));
    CHECK(has(refusal_with(pk::text(module) + pk::text(name) + "\x93"), quoted));
  }
  CHECK(refusal_with(pk::global("argparse", "Namespace") + ")\x81" + pk::dict({pk::text("x"), pk::number(1)}) + "b") ==
        "");
  // None of the known ones is called with arguments that it does not take.
  CHECK(has(refusal_with(pk::call(pk::global("torch", "FloatStorage"), ")")), "it calls \"torch.FloatStorage\""));
  CHECK(has(refusal_with(pk::call(pk::text("os.system"), ")")), "it calls a value that is no global"));
  CHECK(has(refusal_with(pk::call(pk::global("torch._utils", "_rebuild_parameter"), pk::tuple({pk::number(1)}))),
            "a parameter is made of a value that is no tensor"));
  CHECK(has(refusal_with(pk::call(pk::global("torch", "Size"), pk::tuple({pk::number(1)}))), "no tuple"));
  CHECK(has(refusal_with(pk::call(pk::global("collections", "OrderedDict"), pk::numbers({1}))), "no list"));
  CHECK(has(refusal_with(pk::call(pk::global("torch._utils", "_rebuild_tensor_v2"), ")")), "described by 0 values"));
  CHECK(has(refusal_with(pk::call(pk::global("torch._utils", "_rebuild_tensor_v2"), pk::numbers({0, 0, 0, 0}))),
            "tensor \"b\": it has no storage"));
}

}  // namespace
}  // namespace ditharos::tests::test_torch_file

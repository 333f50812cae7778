// Mapped safetensors files, models that are divided among several files, and the one function that opens any format.
#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/safetensors_index.h>
#include <ditharos/tensor/io/weights_file.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/support/bounded_memory.h"
#include "tests/support/data_files.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"
#include "tests/tensor/safetensors_bytes.h"

namespace ditharos::tests::test_weights_file {
namespace {

template <class T>
bool is_aligned(const Tensor& x) {
  return reinterpret_cast<uintptr_t>(x.data<T>()) % sizeof(T) == 0;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("mapped safetensors: tensors are views of the file, and writing to them does not change it") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  safetensors::save(path, {{"a", arange(6)}, {"b", full({2}, 7, DType::f16)}, {"flags", ones({3}, DType::boolean)}});
  const std::string before = read_file(path, 1 << 16);
  safetensors::Contents contents = safetensors::load(path);
  const Tensor a = contents.tensors.at("a"), b = contents.tensors.at("b"), other = safetensors::load(path).tensors["a"];
  CHECK(a.storage() != b.storage());
  const char* const file_start = reinterpret_cast<const char*>(a.data<float>());
  CHECK(reinterpret_cast<const char*>(b.data<float16>()) == file_start + 24);  // as in the file
  contents = {};
  std::filesystem::remove(path);

  const uint64_t version = a.version();
  a.mutable_data<float>()[1] = 100;
  CHECK(a.version() > version);
  CHECK(a.to_vector<int>() == std::vector<int>{0, 100, 2, 3, 4, 5});
  CHECK(b.to_vector<int>() == std::vector<int>{7, 7});
  CHECK(other.to_vector<int>() == std::vector<int>{0, 1, 2, 3, 4, 5});

  // Of a file that still exists, and is written while it is mapped.
  write_bytes(path, before);
  const Tensor mapped = safetensors::load(path).tensors.at("a");
  kernels::fill(mapped, 5);
  CHECK(read_file(path, 1 << 16) == before);
  safetensors::save(path, {{"a", mapped}, {"c", safetensors::load(path).tensors.at("a")}});
  CHECK(mapped.to_vector<int>() == std::vector<int>(6, 5));
  CHECK(safetensors::load(path).tensors.at("c").to_vector<int>() == std::vector<int>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("mapped safetensors: misaligned tensors and booleans are copied, and so is all in the mode copy") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  const float values[] = {1, 2};
  std::string data(reinterpret_cast<const char*>(values), sizeof values);
  for (int shift = 0; shift < 8; ++shift) {
    const std::string header =
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[1],"data_offsets":[8,9]},)"
        R"("c":{"dtype":"BF16","shape":[1],"data_offsets":[9,11]},)"
        R"("d":{"dtype":"BOOL","shape":[2],"data_offsets":[11,13]}})";
    write_bytes(path, file_of(header + std::string(size_t(shift), ' '), data + std::string("\x05\x80\x3f\1\0", 5)));
    const auto tensors = safetensors::load(path).tensors;
    CHECK(is_aligned<float>(tensors.at("a")));
    CHECK(is_aligned<bfloat16>(tensors.at("c")));
    CHECK(tensors.at("a").to_vector<int>() == std::vector<int>{1, 2});
    CHECK(tensors.at("b").to_vector<int>() == std::vector<int>{5});
    CHECK(tensors.at("c").to_vector<int>() == std::vector<int>{1});
    CHECK(tensors.at("d").to_vector<bool>() == std::vector<bool>{true, false});
  }
  safetensors::save(path, {{"a", arange(6)}});
  const Tensor copied = safetensors::load(path, LoadMode::copy).tensors.at("a");
  write_bytes(path, "");  // in place
  CHECK(copied.to_vector<int>() == std::vector<int>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("mapped safetensors: a file takes its size of address space, and once more when it is copied") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  safetensors::save(path, {{"a", zeros({int64_t(8 * MiB)})}, {"b", zeros({int64_t(4 * MiB)}, DType::f16)}});
  release_cached();
  const uint64_t size = std::filesystem::file_size(path);
  for (const LoadMode mode : {LoadMode::map, LoadMode::copy})
    CHECK(with_memory(size + 12 * MiB, [&] {
            const auto contents = safetensors::load(path, mode);
            return to_text(contents.tensors.at("a").shape());
          }) == "[8388608]");
}

TEST_CASE("safetensors: 8-bit floats are refused with what to do") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  for (const std::string dtype : {"F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E8M0"}) {
    write_bytes(path, file_of(R"({"w":{"dtype":")" + dtype + R"(","shape":[4],"data_offsets":[0,4]}})", "1234"));
    CHECK(message_of<IoError>([&] { (void)safetensors::load(path); }) ==
          "cannot read " + path + ": tensor \"w\" is of dtype " + dtype +
              ", an 8-bit float, which cannot be read; convert the file to BF16 or F32");
  }
}

TEST_CASE("safetensors index: a model in several files") {
  const TemporaryFolder folder;
  const std::string index = folder / "model.safetensors.index.json";
  safetensors::save(folder / "model-1.safetensors", {{"a", arange(3)}, {"b", ones({2})}}, {{"format", "pt"}});
  safetensors::save(folder / "model-2.safetensors", {{"c", zeros({2, 2})}}, {{"format", "pt"}});
  const auto write = [&](const std::string& json) { write_bytes(index, json); };
  const auto refusal = [&](const std::string& json) {
    write(json);
    return message_of<IoError>([&] { (void)safetensors::load_index(index); });
  };
  const std::string map = R"({"a":"model-1.safetensors","b":"model-1.safetensors","c":"model-2.safetensors"})";
  write(R"({"metadata":{"total_size":36,"note":"x","list":[1,{"a":[]}]},"weight_map":)" + map +
        R"(,"more":[{"weight_map":1}]})");
  const safetensors::Contents contents = safetensors::load_index(index);
  CHECK(contents.tensors.size() == 3);
  CHECK(contents.tensors.at("a").to_vector<int>() == std::vector<int>{0, 1, 2});
  CHECK(contents.metadata == std::map<std::string, std::string>{{"format", "pt"}, {"note", "x"}, {"total_size", "36"}});
  CHECK(safetensors::load_index(index, LoadMode::copy).tensors.size() == 3);
  CHECK(refusal(R"({"weight_map":{}})") == "");

  const std::string invalid = index + " is no valid index of safetensors files: ";
  CHECK(refusal("{}") == invalid + "it has no \"weight_map\"");
  CHECK(refusal("[]") == invalid + "it begins with an array");
  CHECK(refusal("3") == invalid + "it is not a JSON object");
  CHECK(refusal("\"x\"") == invalid + "it is not a JSON object");
  CHECK(refusal("").starts_with(invalid + "byte 1 of the index"));
  CHECK(refusal(R"({"weight_map":{"a":"x")").starts_with(invalid));
  CHECK(refusal(R"({"weight_map":[]})") == invalid + "it has no \"weight_map\"");
  CHECK(refusal(R"({"weight_map":{"a":1}})") == invalid + "the shard of tensor \"a\" is a number");
  CHECK(refusal(R"({"weight_map":{"a":null}})") == invalid + "the shard of tensor \"a\" is null");
  CHECK(refusal(R"({"weight_map":{"a":{}}})") == invalid + "the shard of tensor \"a\" is an object");
  CHECK(refusal(R"({"weight_map":{"a":["x"]}})") == invalid + "the shard of tensor \"a\" is an array");
  CHECK(refusal(R"({"weight_map":{},"weight_map":{}})") == invalid + "the key \"weight_map\" comes twice");
  CHECK(refusal(R"({"weight_map":{"a":"x","a":"y"}})") == invalid + "the weight map names a tensor twice: \"a\"");
  for (const std::string name :
       {"", ".", "..", "/etc/passwd", "../model-1.safetensors", "sub/x", "..\\\\x", "x\\u0000"})
    CHECK(has(refusal(R"({"weight_map":{"a":")" + name + R"("}})"),
              "is not the name of a file in the index's own folder"));

  const std::string first = folder / "model-1.safetensors";
  CHECK(refusal(R"({"weight_map":{"a":"model-1.safetensors","c":"model-2.safetensors"}})") ==
        first + " holds \"b\", which the index " + index + " does not say is there");
  CHECK(refusal(R"({"weight_map":{"a":"model-1.safetensors","b":"model-1.safetensors","z":"model-1.safetensors"}})") ==
        first + " does not hold \"z\", which the index " + index + " says is there");
  CHECK(has(refusal(R"({"weight_map":{"a":"missing"}})"), "cannot open " + (folder / "missing")));
  write_bytes(folder / "broken", "x");
  CHECK(has(refusal(R"({"weight_map":{"a":"broken"}})"), (folder / "broken") + " is no valid safetensors file"));
}

TEST_CASE("weights: a safetensors file is one also if the length of its header looks like another format") {
  const TemporaryFolder folder;
  const auto with_header = [&](size_t length) {
    std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    REQUIRE(header.size() <= length);
    header.resize(length, ' ');  // the format allows spaces at the end
    write_bytes(folder / "x", file_of(header, std::string(4, '\0')));
    return folder / "x";
  };
  constexpr size_t pickle = 0x80, zip = 'P' + 256 * 'K', brace = '{', space_and_brace = ' ' + 256 * '{';
  for (const size_t length : {pickle, pickle + 256 * 2, zip, brace, space_and_brace}) {
    CAPTURE(length);
    CHECK(weights_format(with_header(length)) == WeightsFormat::safetensors);
    CHECK(load_weights(folder / "x").tensors.at("a").numel() == 1);
  }
}

TEST_CASE("weights: the format is seen from the contents") {
  const TemporaryFolder folder;
  const std::string pt = golden_folder() + "/torch/checkpoint.pt";
  const auto of = [&](const std::string& bytes) {
    write_bytes(folder / "x", bytes);
    return weights_format(folder / "x");
  };
  std::filesystem::copy_file(pt, folder / "renamed.safetensors");
  const Weights torch = load_weights(folder / "renamed.safetensors");
  CHECK(torch.format == WeightsFormat::torch);
  CHECK(torch.state_dict == "ema");
  CHECK(torch.other_state_dicts == std::vector<std::string>{"model"});
  CHECK(load_weights(pt, {.state_dict = "model"}).state_dict == "model");

  safetensors::save(folder / "a.bin", {{"a", arange(3)}}, {{"k", "v"}});
  const Weights plain = load_weights(folder / "a.bin");
  CHECK(plain.format == WeightsFormat::safetensors);
  CHECK(plain.metadata.at("k") == "v");
  write_bytes(folder / "index", R"( {"weight_map": {"a": "a.bin"}})");
  const Weights index = load_weights(folder / "index", {.mode = LoadMode::copy});
  CHECK(index.format == WeightsFormat::safetensors_index);
  CHECK(index.tensors.at("a").numel() == 3);
  CHECK(message_of<ConfigError>([&] { (void)load_weights(folder / "a.bin", {.state_dict = "ema"}); }) ==
        "[load_weights] " + (folder / "a.bin") +
            " is a safetensors file, which holds one state dict; \"ema\" cannot be chosen");

  CHECK(of(R"({"aaaa":{"weight_map":{}}})") == WeightsFormat::safetensors_index);            // the 9th byte is a brace
  CHECK(of(read_file(folder / "a.bin", 1000).substr(0, 60)) == WeightsFormat::safetensors);  // cut off
  CHECK(of("PK\x05\x06") == WeightsFormat::torch);
  CHECK(of("\x80\x02}.") == WeightsFormat::torch);
  for (const std::string bytes : {"", "x", "GIF89a", "0123456789abcdef"})
    CHECK(message_of<IoError>([&] { (void)of(bytes); }) ==
          "cannot read " + (folder / "x") +
              ": it is no safetensors file, no index of such files and no file of "
              "torch.save");
  CHECK_THROWS_AS((void)load_weights(folder / "missing"), IoError);
  CHECK_THROWS_AS((void)load_weights(folder.path()), IoError);
}

}  // namespace ditharos::tests::test_weights_file

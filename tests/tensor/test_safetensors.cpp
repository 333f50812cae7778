// Named tensors in safetensors files: saving and loading, and files that are damaged or malicious.
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/tensor/io/safetensors_header.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"
#include "tests/tensor/safetensors_bytes.h"

namespace ditharos::tests {
namespace {

using Tensors = std::map<std::string, Tensor>;
using Metadata = std::map<std::string, std::string>;

/// The message with which loading `bytes` fails, without the part that every message has; "" when it succeeds.
std::string refusal(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = folder / "x.safetensors", start = path + " is no valid safetensors file: ";
  write_bytes(path, bytes);
  const std::string message = message_of<IoError>([&] { safetensors::load(path); });
  if (message.empty()) return "";
  REQUIRE(message.find(start) == 0);
  return message.substr(start.size());
}

Tensors sample() {
  Generator numbers(1);
  return {{"blocks.0.weight", numbers.normal({5, 7})},
          {"double", numbers.normal({3}, DType::f64)},
          {"half", kernels::to(numbers.normal({2, 2}), DType::bf16)},
          {"smaller", kernels::to(numbers.normal({3, 3}), DType::f16)},
          {"count", scalar(-3, DType::i64)},
          {"small", kernels::to(arange(5), DType::i32)},
          {"bytes", kernels::to(arange(3), DType::u8)},
          {"flags", kernels::to(arange(3), DType::boolean)},
          {"nothing", zeros({0, 4})},
          {"turned", views::permute(numbers.normal({4, 6}), {1, 0})},
          {"odd \"name\" \\ \n \xc3\xa4 \xf0\x9f\x98\x80", ones({1})}};
}

TEST_CASE("safetensors: what is saved is loaded, bit by bit") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  const Tensors tensors = sample();
  const Metadata metadata = {{"format", "pt"}, {"note", "line\nwith \"quotes\" and \xe2\x82\xac"}};
  safetensors::save(path, tensors, metadata);
  const safetensors::Contents contents = safetensors::load(path);
  CHECK(contents.metadata == metadata);
  REQUIRE(contents.tensors.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const auto shown = name;
    CAPTURE(shown);
    REQUIRE(contents.tensors.count(name) == 1);
    CHECK(same_bits(contents.tensors.at(name), tensor));
  }
  // Saving what was loaded, over itself, gives the same bytes.
  const std::string before = read_file(path, 1 << 20);
  safetensors::save(path, contents.tensors, contents.metadata);
  CHECK(read_file(path, 1 << 20) == before);
}

TEST_CASE("safetensors: a file without tensors, and every NaN") {
  const TemporaryFolder folder;
  safetensors::save(folder / "empty", {});
  CHECK(read_file(folder / "empty", 100) == file_of(R"({"__metadata__":{"ditharos.crc32c":"00000000"}} )", ""));
  CHECK(safetensors::load(folder / "empty").tensors.empty());
  const Tensor odd = from_vector<float>({-0.f, std::numeric_limits<float>::infinity(), std::nanf("77"), 1e-42f});
  safetensors::save(folder / "odd", {{"x", odd}});
  CHECK(same_bits(safetensors::load(folder / "odd").tensors.at("x"), odd));
}

TEST_CASE("safetensors: headers as others write them") {
  const std::string data(24, '\0');
  const auto accepted = [&](const std::string& header) { return refusal(file_of(header, data)).empty(); };
  CHECK(accepted(R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})"));
  CHECK(accepted(R"({"a":{"data_offsets":[0,24],"shape":[3,1],"dtype":"F64"}}      )"));
  CHECK(accepted("{ \"a\" :\t{ \"dtype\": \"I64\" ,\n \"shape\": [ 3 ], \"data_offsets\": [ 0 , 24 ] } }\r\n"));
  CHECK(accepted(R"({"b":{"dtype":"U8","shape":[8],"data_offsets":[16,24]},)"
                 R"("a":{"dtype":"BF16","shape":[8],"data_offsets":[0,16]}})"));
  CHECK(accepted(R"({"a":{"dtype":"F16","shape":[12],"data_offsets":[0,24]}})"));
  CHECK(accepted(R"({"__metadata__":{},"\u0061":{"dtype":"BOOL","shape":[24],"data_offsets":[0,24]}})"));
  CHECK(accepted(R"({"a":{"dtype":"I32","shape":[6],"data_offsets":[0,24]},)"
                 R"("z":{"dtype":"I32","shape":[0],"data_offsets":[24,24]}})"));
}

TEST_CASE("safetensors: what the format forbids is refused, and said") {
  const std::string data(24, '\0');
  const auto said = [&](const std::string& header) { return refusal(file_of(header, data)); };
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"a":{"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}}";
  };
  CHECK(said("") == "the header does not begin with '{'");
  CHECK(said(" {}") == "the header does not begin with '{'");
  CHECK(said("{}") == "the tensors end at byte 0 of the data, but the file holds 24 bytes of it");
  CHECK(said(entry("F32", "2,3", "0,24") + "x")
            .starts_with("byte 58 of the header: syntax error while parsing value - invalid literal"));
  CHECK(said(entry("I16", "12", "0,24")) ==
        "tensor \"a\" is of dtype \"I16\"; F32, F64, BF16, F16, I64, I32, U8 and BOOL can be read");
  CHECK(said(entry("F32", "2,4", "0,24")) ==
        "tensor \"a\" of shape [2, 4] and dtype f32 needs 32 bytes, but its offsets span 24");
  CHECK(said(entry("F32", "6", "24,0")) == "the data of tensor \"a\" lie at 24 to 0, but the tensor before ends at 0");
  CHECK(said(entry("U8", "20", "4,24")) == "the data of tensor \"a\" lie at 4 to 24, but the tensor before ends at 0");
  CHECK(said(entry("U8", "20", "0,20")) == "the tensors end at byte 20 of the data, but the file holds 24 bytes of it");
  CHECK(said(entry("U8", "28", "0,28")) == "the tensors end at byte 28 of the data, but the file holds 24 bytes of it");
  CHECK(said(entry("U8", "-24", "0,24")).find("expected a whole number") != std::string::npos);
  CHECK(said(entry("U8", "024", "0,24")).starts_with("byte 31 of the header: syntax error while parsing array"));
  CHECK(said(entry("U8", "2.4e1", "0,24")).find("expected a whole number, got 2.4e1") != std::string::npos);
  CHECK(said(entry("U8", "18446744073709551616", "0,24")) ==
        "tensor \"a\": expected a whole number, got 18446744073709551616");
  CHECK(said(entry("U8", "18446744073709551615", "0,24")).find("a size is too large") != std::string::npos);
  CHECK(said(entry("U8", "4294967296,4294967296,24", "0,24")).find("larger than any file") != std::string::npos);
  const std::string huge = "4611686018427387904";  // 2^62
  CHECK(said(entry("U8", "0," + huge + "," + huge, "0,0")).find("larger than any") != std::string::npos);
  CHECK(said(entry("U8", "1,1,1,1,1,1,1,1,24", "0,24")).find("more than 8 dimensions") != std::string::npos);
  CHECK(said(R"({"a":{"dtype":"U8","shape":[24]}})").find("lacks one of dtype, shape") != std::string::npos);
  CHECK(said(R"({"a":{"dtype":"U8","shape":[24],"shape":[24],"data_offsets":[0,24]}})").find("\"shape\" comes twice") !=
        std::string::npos);
  CHECK(said(R"({"a":{"dtype":"U8","shape":[24],"data_offsets":[0,24],"x":1}})").find("unknown field \"x\"") !=
        std::string::npos);
  const std::string a = R"("a":{"dtype":"U8","shape":[12],"data_offsets":[0,12]})";
  CHECK(said(entry("U8", "24", "0")).find("data_offsets are two numbers") != std::string::npos);
  CHECK(said(entry("U8", "24", "0,24,24")).find("data_offsets are two numbers") != std::string::npos);
  CHECK(said(entry("U8", "[24]", "0,24")).find("an array where it does not belong") != std::string::npos);
  CHECK(said(R"({"a":{"dtype":["U8"]}})").find("an array where it does not belong") != std::string::npos);
  CHECK(said(R"({"a":{"dtype":{}}})").find("an object where it does not belong") != std::string::npos);
  CHECK(said(R"({"a":{"shape":"24"}})").find("\"shape\" cannot be a string") != std::string::npos);
  CHECK(said(R"({"__metadata__":{},"__metadata__":{}})").find("\"__metadata__\" comes twice") != std::string::npos);
  CHECK(said("{" + a + "," + a + "}").find("the key \"a\" comes twice") != std::string::npos);
  CHECK(said("{" + a + R"(,"b":{"dtype":"U8","shape":[12],"data_offsets":[6,18]}})").find("\"b\" lie at 6 to 18") !=
        std::string::npos);
  CHECK(said("{" + a + R"(,"b":{"dtype":"U8","shape":[11],"data_offsets":[13,24]}})").find("\"b\" lie at 13 to 24") !=
        std::string::npos);
  CHECK(said("{" + a + ",}").find("expected string literal") != std::string::npos);
  CHECK(said(R"({"__metadata__":{"k":1}})").find("a number where it does not belong") != std::string::npos);
  CHECK(said(R"({"\ud800":1})").find("surrogate U+D800..U+DBFF must be followed by") != std::string::npos);
  CHECK(said(R"({"\x":1})").find("forbidden character after backslash") != std::string::npos);
  CHECK(said("{\"\x01\":1}").find("control character U+0001") != std::string::npos);
  CHECK(said("{\"\xff\":1}").find("ill-formed UTF-8") != std::string::npos);
  CHECK(refusal(file_of(entry("BOOL", "24", "0,24"), std::string(23, '\1') + "\2")) ==
        "tensor \"a\" is of dtype BOOL, but holds the byte 2");
}

TEST_CASE("safetensors: every truncation is refused") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  safetensors::save(path, {{"x", ones({3})}, {"flags", ones({5}, DType::boolean)}}, {{"format", "pt"}});
  const std::string bytes = read_file(path, 1 << 20);
  for (size_t n = 0; n < bytes.size(); ++n) REQUIRE(refusal(bytes.substr(0, n)) != "");
  CHECK(refusal(bytes + '\0') != "");
  CHECK(refusal(bytes) == "");
}

// The format has no checksum: a flipped bit in a name cannot be seen. But whatever is flipped in the header, it is
// refused with an IoError or its tensors fill the data as before.
TEST_CASE("safetensors: a flipped bit of the header does no harm") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  safetensors::save(path, sample(), {{"format", "pt"}});
  const std::string bytes = read_file(path, 1 << 20);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  const std::string header = bytes.substr(8, length);
  const uint64_t data_size = bytes.size() - 8 - length;
  uint64_t refused = 0;
  for (size_t bit = 0; bit < header.size() * 8; ++bit) {
    std::string damaged = header;
    damaged[bit / 8] = char(damaged[bit / 8] ^ (1 << (bit % 8)));
    try {
      uint64_t total = 0;
      for (const safetensors::Entry& e : safetensors::parse_header(damaged, data_size).entries)
        total += uint64_t(numel(e.shape)) * size_of(e.dtype);
      REQUIRE(total == data_size);
    } catch (const IoError&) {
      ++refused;
    }
  }
  CHECK(refused > header.size() * 4);
  for (int bit = 0; bit < 64; ++bit) {  // every change of the header's length is seen
    std::string damaged = bytes;
    damaged[size_t(bit / 8)] = char(damaged[size_t(bit / 8)] ^ (1 << (bit % 8)));
    CHECK(refusal(damaged) != "");
  }
}

TEST_CASE("safetensors: extreme numbers take no memory") {
  const std::string data(24, '\0');
  reset_peak();
  const size_t before = allocator_stats().peak;
  for (const char* number : {"0", "1", "2147483648", "4294967295", "9223372036854775807", "9223372036854775808",
                             "18446744073709551614", "18446744073709551615"}) {
    const std::string n = number;
    for (const std::string& header : {R"({"a":{"dtype":"F32","shape":[)" + n + R"(],"data_offsets":[0,24]}})",
                                      R"({"a":{"dtype":"F32","shape":[2,)" + n + R"(],"data_offsets":[0,24]}})",
                                      R"({"a":{"dtype":"F32","shape":[)" + n + "," + n + R"(],"data_offsets":[0,24]}})",
                                      R"({"a":{"dtype":"F32","shape":[6],"data_offsets":[)" + n + R"(,24]}})",
                                      R"({"a":{"dtype":"F32","shape":[6],"data_offsets":[0,)" + n + "]}}"}) {
      const auto has = [&](const char* part) { return header.find(part) != std::string::npos; };
      const bool valid = n == "0" && has("[6]") && !has("[0,0]");
      CAPTURE(header);
      CHECK(refusal(file_of(header, data)).empty() == valid);
    }
  }
  for (uint64_t length : std::vector<uint64_t>{0, 1, 100'000'001, 1ull << 31, 1ull << 63, ~0ull}) {
    std::string bytes = file_of("{}", "");
    std::memcpy(bytes.data(), &length, 8);
    CHECK(refusal(bytes) != "");
  }
  CHECK(allocator_stats().peak <= before + 1024);
}

TEST_CASE("safetensors: saving refuses what the format cannot hold, and leaves the old file") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  safetensors::save(path, {{"x", ones({2})}});
  const std::string before = read_file(path, 1000);
  CHECK(message_of<ConfigError>([&] { safetensors::save(path, {{"x", Tensor()}}); }) ==
        "[safetensors] tensor \"x\" is undefined");
  CHECK(message_of<ConfigError>([&] { safetensors::save(path, {{"__metadata__", ones({1})}}); }) ==
        "[safetensors] \"__metadata__\" cannot be a tensor's name");
  CHECK_THROWS_AS(safetensors::save(path, {{"\xff", ones({1})}}), ConfigError);
  CHECK_THROWS_AS(safetensors::save(path, {}, {{"k", "\xc0\x80"}}), ConfigError);
  CHECK(read_file(path, 1000) == before);
  CHECK_THROWS_AS(safetensors::save(folder / "no/such/folder", {}), IoError);
  CHECK_THROWS_AS(safetensors::load(folder / "missing"), IoError);
  CHECK_THROWS_AS(safetensors::load(folder.path()), IoError);
}

TEST_CASE("safetensors: a failing write leaves the old file, at every call") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  safetensors::save(path, {{"x", ones({2})}});
  const std::string before = read_file(path, 1000);
  struct Restore {
    ~Restore() { set_io_hook({}); }
  } restore;
  int calls = 0;
  set_io_hook([&](const char*, size_t&) { return ++calls, 0; });
  safetensors::save(folder / "count", sample());
  const int all = calls;
  REQUIRE(all > 4);
  for (int failing = 1; failing < all; ++failing) {  // the last is the directory's fsync, after the rename
    calls = 0;
    set_io_hook([&](const char*, size_t&) { return ++calls == failing ? 28 : 0; });  // ENOSPC
    REQUIRE_THROWS_AS(safetensors::save(path, sample()), IoError);
    REQUIRE(read_file(path, 1000) == before);
  }
}

TEST_CASE("safetensors: UTF-8") {
  for (const char* good : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(is_utf8(good));
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2g", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    CHECK_FALSE(is_utf8(bad));
  const std::string escaped = R"({"__metadata__":{"k":"\"\\\/\b\f\n\r\t\u20aC\ud83d\ude00"}})";
  CHECK(safetensors::parse_header(escaped, 0).metadata.at("k") == "\"\\/\b\f\n\r\t\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST_CASE("regression 8: a safetensors file with one changed byte is refused, and one without a checksum loads") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  safetensors::save(path, {{"a", arange(6)}, {"b", ones({2, 3})}, {"none", zeros({0})}}, {{"heads", "4"}});
  const std::string whole = read_file(path, 1 << 20);
  REQUIRE(whole.find("ditharos.crc32c") != std::string::npos);
  CHECK(safetensors::load(path).metadata == Metadata{{"heads", "4"}});
  int refused = 0, unchanged = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = char(damaged[at] ^ 1);
    write_bytes(path, damaged);
    // Of the checksum's own key any other name is a file without a checksum.
    const bool in_key = at >= whole.find("ditharos.crc32c") && at < whole.find("ditharos.crc32c") + 15;
    const bool accepted = message_of<IoError>([&] { safetensors::load(path); }).empty();
    CHECK_MESSAGE((!accepted || in_key), at);
    ++(accepted ? unchanged : refused);
  }
  CHECK(unchanged <= 15);
  CHECK(refused >= int(whole.size()) - 15);

  std::string without = whole;  // as other programs write it, and as this library did
  const size_t begin = without.find("\"ditharos.crc32c\":\"");
  without.replace(begin, std::string("\"ditharos.crc32c\":\"01234567\",").size(), std::string(29, ' '));
  std::string changed = without;
  changed.back() = char(changed.back() ^ 1);
  for (const std::string& bytes : {without, changed}) {
    write_bytes(path, bytes);
    CHECK(safetensors::load(path).tensors.size() == 3);
  }
}

}  // namespace
}  // namespace ditharos::tests

// Files of torch.save that are damaged or malicious: refused with the reason, in little time and memory.
#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/torch/pickle.h>
#include <ditharos/tensor/io/torch_file.h>
#include "tests/support/bounded_memory.h"
#include "tests/support/data_files.h"
#include "tests/support/message_of.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_folder.h"
#include "tests/tensor/torch_archives.h"

namespace ditharos::tests {
namespace {

std::string load(const std::string& path) {
  const torch_file::Contents contents = torch_file::load(path);
  return std::to_string(contents.tensors.size());
}

/// The number of tensors in an archive of these bytes, or the reason why it is refused, with little memory.
std::string outcome(const std::string& bytes, uint64_t memory = 0) {
  const TemporaryFolder folder;
  const std::string path = folder / "x.pt", start = "cannot read " + path + ": ";
  std::ofstream(path, std::ios::binary) << bytes;
  const std::string text = memory == 0 ? [&] {
    std::string result;
    const std::string message = message_of<IoError>([&] { result = load(path); });
    return message.empty() ? result : message;
  }()
                                       : with_memory(memory, [&] { return load(path); });
  return text.starts_with(start) ? text.substr(start.size()) : text;
}

const std::string six_floats(24, '\0');
const std::string sound_pickle = pk::pickle(pk::dict({pk::text("a"), pk::tensor()}));

/// The sound state dict with a change of its record.
std::string with_record(ZipPart part) {
  part.name = "0";
  return outcome(torch_archive(sound_pickle, {part}));
}
/// A state dict of a sound tensor and, under "b", what the operations make.
std::string with_value(const std::string& operations, uint64_t memory = 0) {
  return outcome(torch_archive(pk::pickle(pk::dict({pk::text("a"), pk::tensor(), pk::text("b"), operations})),
                               {{"0", six_floats}}),
                 memory);
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string repeated(const std::string& text, size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("torch damage: a file that is cut off anywhere is refused, and a changed byte does no harm") {
  const std::string whole = read_file(golden_folder() + "/torch/protocol4.pt", 1 << 16);
  CHECK(outcome(whole) == "8");
  for (size_t n = 0; n < whole.size(); n += n < 64 || n + 64 > whole.size() ? 1 : 17)
    REQUIRE(outcome(whole.substr(0, n)) != "8");
  int refused = 0, tried = 0;
  for (size_t at = 0; at < whole.size(); at += 3) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    refused += outcome(damaged) != "8";
    ++tried;
  }
  CHECK(refused > tried / 4);  // half of the file is padding
  // Every byte of the pickle and of the records is under a CRC.
  for (const std::string part : {"proj.weight", "torch._utils"}) {
    std::string damaged = whole;
    damaged[damaged.find(part)] ^= 1;
    CHECK(has(outcome(damaged), "is damaged: CRC error"));
  }
}

TEST_CASE("torch damage: zip archives that contradict themselves") {
  CHECK(with_record({.data = six_floats}) == "1");
  CHECK(has(with_record({.data = six_floats, .crc = 1}), "its entry \"archive/data/0\" is damaged: CRC error"));
  CHECK(has(with_record({.data = six_floats, .flags = 1}), "its entry \"archive/data/0\" is encrypted"));
  CHECK(has(with_record({.data = six_floats, .method = 12}), "\"archive/data/0\" is compressed with method 12;"));
  CHECK(has(with_record({.data = six_floats, .size = 20}), "is a record of 20 bytes"));
  CHECK(has(with_record({.data = six_floats, .size = 1 << 30}), "decompress to more than twice the"));
  CHECK(has(with_record({.data = six_floats, .size = 0xffffffff}), "it is no intact zip archive"));  // needs zip64
  CHECK(has(outcome(torch_archive(sound_pickle, {{"0", six_floats}, {"0", six_floats}})),
            "it has two entries \"archive/data/0\""));
  CHECK(has(outcome(zip_of({{"archive/data.pkl", sound_pickle}, {"other/data.pkl", sound_pickle}})),
            "not one of torch.save, which has one entry FOLDER/data.pkl"));
  CHECK(has(outcome(zip_of({{"a/b/data.pkl", sound_pickle}})), "not one of torch.save"));
  // Names are keys: nothing is looked for in, or written to, the file system.
  CHECK(outcome(zip_of({{"../data.pkl", sound_pickle}, {"../data/0", six_floats}})) == "1");
  CHECK(has(outcome(zip_of({{"/data.pkl", sound_pickle}})), "there is no record \"/data/0\""));

  // Compressed archives, which torch.save does not write, may have twice the size of their file.
  const std::string packed = deflated(std::string(20, '\1') + "abcd", -15);
  CHECK(with_record({.data = packed,
                     .size = 24,
                     .method = 8,
                     .crc = uint32_t(crc32(0, reinterpret_cast<const Bytef*>((std::string(20, '\1') + "abcd").data()),
                                           24))}) == "1");
  const std::string longer = deflated(std::string(30, '\1'), -15);
  CHECK(has(with_record({.data = longer, .size = 24, .method = 8}), "archive/data/0"));
  const std::string shorter = deflated(std::string(10, '\1'), -15);
  CHECK(has(with_record({.data = shorter, .size = 24, .method = 8}), "archive/data/0"));
}

TEST_CASE("torch damage: bombs of compression and of overlapping entries take no memory") {
  const std::string zeros = deflated(std::string(64 * MiB, '\0'), -15);
  const std::string tensor = pk::tensor({.elements = int64_t(16 * MiB), .shape = {int64_t(16 * MiB)}, .strides = {1}});
  const std::string pickle = pk::pickle(pk::dict({pk::text("a"), tensor}));
  CHECK(has(outcome(torch_archive(pickle, {{.name = "0", .data = zeros, .size = 64 * MiB, .method = 8}}), 8 * MiB),
            "its entries decompress to more than twice the"));
  // A pickle that is one.
  CHECK(has(outcome(zip_of({{.name = "x/data.pkl", .data = zeros, .size = 64 * MiB, .method = 8}}), 8 * MiB),
            "its entries decompress to more than twice the"));
  std::vector<ZipPart> records = {{"0", std::string(MiB, '\0')}};
  for (int i = 1; i < 100; ++i) records.push_back({.name = std::to_string(i), .data = "", .same_data_as = 1});
  CHECK(has(outcome(torch_archive(pickle, records), 8 * MiB), "its entries decompress to more than twice the"));
  // A list of entries that fills the file.
  std::vector<ZipPart> parts(60000, {.name = "", .data = "", .same_data_as = 0});
  parts[0] = {.name = "x/data.pkl", .data = sound_pickle};
  for (size_t i = 1; i < parts.size(); ++i) parts[i].name = std::to_string(i) + std::string(400, 'x');
  CHECK(has(outcome(zip_of(parts), 128 * MiB), "its list of entries is too long"));
}

TEST_CASE("torch damage: pickles that build much from little") {
  // A list of two of the list before, thirty times: a billion items for who counts them.
  std::string doubling = {']', 'q', '\0'};
  for (int i = 0; i < 200; ++i)
    doubling += "](h" + std::string(1, char(i)) + "h" + std::string(1, char(i)) + "eq" + std::string(1, char(i + 1));
  CHECK(with_value(doubling, 16 * MiB) == "1");
  CHECK(with_value(repeated("(", 100000) + repeated("t", 100000), 32 * MiB) == "1");  // deep
  CHECK(with_value(repeated("]", 1000) + repeated("a", 999), 16 * MiB) == "1");
  // Items that are taken from the memo again and again.
  const std::string wide = "](" + repeated("N", 100000) + "eq" + std::string(1, '\0');
  const std::string again = "(" + repeated(pk::call(pk::global("collections", "OrderedDict"), ")"), 1000) + "t";
  CHECK(with_value(again, 32 * MiB) == "1");
  const char* const too_much = "it builds more values than a state dict has";
  CHECK(has(with_value("(" + repeated("]", 600000), 160 * MiB), too_much));
  CHECK(has(with_value(repeated("N", 1100000), 160 * MiB), too_much));
  CHECK(has(with_value("N" + repeated("\x94", 1100000), 160 * MiB), too_much));
  // OrderedDict([(None, None), ...]) of one list, many times.
  const std::string pairs = "(](" + repeated("NN\x86", 1000) + "etq" + std::string(1, '\0') + "0";
  std::string copies = pairs + "(";
  for (int i = 0; i < 2000; ++i) copies += "ccollections\nOrderedDict\nh" + std::string(1, '\0') + "R";
  CHECK(has(with_value("N0" + copies + "t", 160 * MiB), too_much));
  CHECK(wide.size() > 100000);
  CHECK(with_value(wide, 32 * MiB) == "1");

  // A dict that contains itself.
  const std::string zero(1, '\0');
  CHECK(has(outcome(torch_archive(pk::pickle("}q" + zero + pk::text("ema") + "h" + zero + "s"))),
            "it holds no state dict under one of the usual names in \"ema/ema/ema/ema\""));
}

TEST_CASE("torch damage: pickles that are no programs") {
  const auto refused = [](const std::string& operations, const std::string& part) {
    const std::string text = with_value(operations);
    CHECK_MESSAGE(has(text, part), text);
    CHECK(has(text, "byte "));
  };
  refused("a", "it adds to a value that is no list");
  refused("0000000", "it takes a value from an empty stack");
  refused("1111", "there is no mark on the stack");
  refused("h\x05", "it asks for memo entry 5 of 0");
  refused("Nq\x01", "memo entry 1 comes after 0 entries");
  refused("Nr\xff\xff\xff\xff", "memo entry 4294967295 comes after 0 entries");
  refused("}(Nu", "a key without a value");
  refused("(Nd", "a key without a value");
  refused("K\x01NNs", "it adds to a value that is no dict");
  refused("NNb", "it sets attributes of a value that has none");
  refused("NQ", "a persistent id is no tuple");
  refused("NN\x93", "the name of a global is no text");
  refused("NNR", "the arguments of a call are no tuple");
  refused("(\x85", "it takes a value from an empty stack");
  refused("X\xff\xff\xff\x7f", "a text of 2147483647 bytes");
  refused("\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "a text of 18446744073709551615 bytes");
  refused("\x8b\xff\xff\xff\xff", "a text of 4294967295 bytes");
  for (const std::string op : {"\x82", "\x83", "\x84", "i", "o", "\x92", "P", "I", "L", "F", "S", "V", "p", "g", "\x96",
                               "\x97", "\x98", "\xff"})
    refused(op, "is none of those that torch.save writes");
  const auto of_pickle = [](const std::string& pickle) { return outcome(torch_archive(pickle, {{"0", six_floats}})); };
  CHECK(has(of_pickle(""), "it ends early"));
  CHECK(has(of_pickle("}."), "it does not begin with a protocol"));
  CHECK(has(of_pickle("\x80\x01}."), "it is of protocol 1; protocols 2 to 5 can be read"));
  CHECK(has(of_pickle("\x80\x06}."), "it is of protocol 6"));
  CHECK(has(of_pickle("\x80\x02."), "it takes a value from an empty stack"));
  CHECK(has(of_pickle("\x80\x02N."), "it holds no dict, but another value"));
  CHECK(has(of_pickle("\x80\x02}(X\x01"), "it ends early"));
  CHECK(has(of_pickle(pk::pickle(pk::dict({pk::text("\xff"), pk::tensor()}))), "is not UTF-8"));
}

TEST_CASE("torch damage: a large file takes its own size of memory, and unread storages none") {
  const TemporaryFolder folder;
  // More than malloc() keeps for later or reserves for a thread, 64 MiB, which would not count against the limit.
  const uint64_t bytes = 72 * MiB;
  const int64_t n = int64_t(bytes / sizeof(float));
  const pk::TensorText a{.key = "0", .elements = n, .shape = {n}, .strides = {1}};
  pk::TensorText b = a;
  b.key = "1";
  const std::string dicts = pk::dict(
      {pk::text("model"), pk::dict({pk::text("w"), a.made()}), pk::text("ema"), pk::dict({pk::text("w"), b.made()})});
  const std::string data(bytes, '\1');
  std::ofstream(folder / "x.pt", std::ios::binary) << torch_archive(pk::pickle(dicts), {{"0", data}, {"1", data}});
  const auto read = [&](LoadMode mode) {
    return [&, mode] {
      const torch_file::Contents contents = torch_file::load(folder / "x.pt", {.mode = mode});
      return contents.state_dict + " " + to_text(contents.tensors.at("w").shape());
    };
  };
  CHECK(with_memory(bytes + 12 * MiB, read(LoadMode::copy)) == "ema [18874368]");
  // One of four positions of the record is a multiple of an element's size: there the file is mapped and not copied.
  int mapped = 0;
  for (size_t padding = 0; padding < sizeof(float); ++padding) {
    std::ofstream(folder / "x.pt", std::ios::binary | std::ios::trunc)
        << torch_archive(pk::pickle(dicts), {{"0", data + std::string(padding, '\1')}, {"1", data}});
    mapped += with_memory(2 * bytes + 12 * MiB, read(LoadMode::map)) == "ema [18874368]";
  }
  CHECK(mapped == (can_bound_memory() ? 1 : 4));
}

}  // namespace ditharos::tests

#include <doctest/doctest.h>

#include <map>

#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/numpy_file.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/support/bounded_memory.h"
#include "tests/support/data_files.h"
#include "tests/support/paths.h"
#include "tests/support/temporary_folder.h"
#include "tests/tensor/torch_archives.h"

namespace ditharos::test_numpy_file {

using namespace ditharos::tests;

namespace {

std::string golden(const std::string& name) { return source_folder() + "/tests/golden/numpy/" + name; }
std::vector<double> counting(int n) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(i);
  return values;
}
std::vector<double> values_of(const Tensor& x) { return kernels::to(x, DType::f64).to_vector<double>(); }

/// An array of version 1 with this header and these elements.
std::string npy(const std::string& header, const std::string& elements) {
  return std::string("\x93NUMPY\1\0", 8) + little_endian(header.size(), 2) + header + elements;
}
std::string header(const std::string& descr, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

}  // namespace

TEST_CASE("numpy_file: every type, order and version that NumPy wrote") {
  const std::map<std::string, DType> types = {
      {"u1", DType::u8},        {"f2", DType::f16},        {"f4", DType::f32},      {"f8", DType::f64},
      {"i4", DType::i32},       {"i8", DType::i64},        {"fortran", DType::f32}, {"version2", DType::f32},
      {"version3", DType::f32}, {"big_endian", DType::i32}};
  for (const auto& [name, dtype] : types) {
    const std::string shown = name;
    CAPTURE(shown);
    const Tensor x = load_npy(golden(name + ".npy"));
    CHECK(x.dtype() == dtype);
    CHECK(x.shape() == Shape{2, 3, 4});
    CHECK(x.is_contiguous());
    CHECK(values_of(x) == counting(24));
  }
  const Tensor flags = load_npy(golden("b1.npy"));
  CHECK(flags.dtype() == DType::boolean);
  for (int64_t i = 0; i < 24; ++i) CHECK(flags.data<bool>()[i] == (i % 3 == 0));
  CHECK(load_npy(golden("scalar.npy")).shape() == Shape{});
  CHECK(load_npy(golden("scalar.npy")).item() == 2.5);
  CHECK(load_npy(golden("empty.npy")).shape() == Shape{0, 28, 28});
  CHECK(load_npy(golden("vector.npy")).shape() == Shape{5});
}

TEST_CASE("numpy_file: what is written is what NumPy writes, and is read back") {
  const TemporaryFolder folder;
  for (const std::string name : {"u1", "f2", "f4", "f8", "i4", "i8", "b1", "scalar", "empty", "vector"}) {
    CAPTURE(name);
    const Tensor x = load_npy(golden(name + ".npy"));
    save_npy(folder / "a.npy", x);
    CHECK(read_file(folder / "a.npy", 1 << 16) == read_file(golden(name + ".npy"), 1 << 16));
  }
  const Tensor view = load_npy(golden("f4.npy")).permute({2, 0, 1});
  save_npy(folder / "a.npy", view);
  CHECK(load_npy(folder / "a.npy").shape() == Shape{4, 2, 3});
  CHECK(values_of(load_npy(folder / "a.npy")) == values_of(view));
  CHECK(contains(message_of<DTypeError>([&] { save_npy(folder / "b.npy", zeros({2}, DType::bf16)); }),
                 "NumPy has no type for bf16"));
}

TEST_CASE("numpy_file: archives, stored and compressed") {
  CHECK(npz_names(golden("images.npz")) == std::vector<std::string>{"images", "labels"});
  for (const std::string file : {"images.npz", "unnamed.npz", "mnist.npz"}) {
    CAPTURE(file);
    const auto arrays = load_npz(golden(file));
    const std::string images = file == "images.npz" ? "images" : file == "mnist.npz" ? "x_train" : "arr_0";
    CHECK(arrays.size() == (file == "mnist.npz" ? 4 : 2));
    CHECK(arrays.at(images).shape() == Shape{20, 4, 5});
    for (int64_t i = 0; i < 400; ++i) CHECK(arrays.at(images).data<uint8_t>()[i] == i % 256);
    CHECK(load_npz(golden(file), {images}).size() == 1);
  }
  CHECK(contains(message_of<IoError>([] { (void)load_npz(golden("images.npz"), {"labels", "x"}); }),
                 "images.npz: it has no array \"x\""));
}

TEST_CASE("numpy_file: damaged arrays are refused with the path and the reason") {
  const std::string ten(10, '\0');
  struct Damage {
    std::string name, bytes, reason;
  };
  const std::string good = npy(header("|u1", "(10,)"), ten);
  const std::vector<Damage> damages = {
      {"empty", "", "it is empty"},
      {"other", "PK\3\4 and so on, a zip", "does not begin with the bytes \\x93NUMPY"},
      {"short", good.substr(0, 7), "ends after 7 of the bytes in front"},
      {"version", std::string("\x93NUMPY\4\0", 8) + ten, "it is of version 4.0 of the format"},
      {"minor", std::string("\x93NUMPY\1\1", 8) + ten, "it is of version 1.1 of the format"},
      {"prefix", std::string("\x93NUMPY\2\0\1", 9), "ends after 9 of the 12 bytes"},
      {"huge header", std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12), "its header claims 4294967295 bytes"},
      {"header cut", good.substr(0, 20), "ends after 10 of the"},
      {"elements cut", good.substr(0, good.size() - 1), "[10] of u8, 10 bytes, but 9 bytes follow"},
      {"longer", good + "x", "10 bytes, but 11 bytes follow"},
      {"huge", npy(header("<f8", "(999999999999, 999999999999)"), ten), "more than its 10 bytes can hold"},
      {"product wraps", npy(header("|u1", "(4294967296, 4294967296)"), ten), "more than its 10 bytes can hold"},
      {"empty but huge", npy(header("|u1", "(0, 4294967296, 4294967296)"), ""), "more than its 0 bytes can hold"},
      {"digits", npy(header("|u1", "(9999999999999999999,)"), ten), "a size of more than 18 digits"},
      {"negative", npy(header("|u1", "(-1,)"), ten), "its shape has no number at byte"},
      {"no tuple", npy(header("|u1", "(10)"), ten), "not a tuple"},
      {"axes", npy(header("|u1", "(1,1,1,1,1,1,1,1,10)"), ten), "more than 8 axes"},
      {"comma", npy(header("|u1", "(5 2)"), ten), "no comma between two sizes"},
      {"type", npy(header("<c8", "(1,)"), ten), "its elements are of NumPy's type \"<c8\"; f4, f8, f2, i8"},
      {"native order", npy(header("=f4", "(1,)"), ten), "NumPy's type \"=f4\""},
      {"order", npy(header("|u1", "(10,)", "Maybe"), ten), "neither True nor False"},
      {"call", npy("{'descr': f(), 'fortran_order': False, 'shape': (10,), }\n", ten), "no string at byte 10"},
      {"key", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (10,), 'x': 1}\n", ten), "has the key \"x\""},
      {"twice", npy("{'shape': (10,), 'shape': (10,)}\n", ten), "has the key \"shape\" twice"},
      {"missing", npy("{'descr': '|u1', 'shape': (10,), }\n", ten), "its header has no fortran_order"},
      {"behind", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (10,), } + 1\n", ten), "goes on behind"},
      {"open", npy("{'descr': '|u1", ten), "a string without an end"},
      {"escape", npy("{'descr': '\\x7cu1', ", ten), "a string with an escape"},
      {"bool", npy(header("|b1", "(10,)"), "\1\1\2" + ten.substr(3)), "element 2 is of type bool, but the byte 2"}};
  const TemporaryFolder folder;
  const std::string path = folder / "a.npy";
  for (const Damage& damage : damages) {
    CAPTURE(damage.name);
    write_bytes(path, damage.bytes);
    const std::string message = with_memory(8 * MiB, [&] { return load_npy(path), std::string("read"); });
    CAPTURE(message);
    CHECK(contains(message, "cannot read " + path + ": "));
    CHECK(contains(message, damage.reason));
  }
  const auto refusal = [](const std::string& name) {
    return message_of<IoError>([&] { load_npy(golden(name + ".npy")); });
  };
  CHECK(contains(refusal("complex"), "\"<c8\""));
  CHECK(contains(refusal("objects"), "it holds Python objects, whose pickle is not read"));
  CHECK(contains(refusal("fields"), "it is a structured array"));
  CHECK(contains(refusal("text"), "\"<U2\""));
  CHECK(contains(message_of<IoError>([&] { load_npy(folder.path()); }), "not a regular file"));
  for (size_t n = 0; n < good.size(); ++n) {
    write_bytes(path, good.substr(0, n));
    CHECK_THROWS_AS(load_npy(path), IoError);
  }
}

TEST_CASE("numpy_file: damaged archives are refused with the path, the array and the reason") {
  const std::string array = npy(header("|u1", "(10,)"), std::string(10, '\5'));
  const std::string packed = deflated(array, -15);
  const TemporaryFolder folder;
  const std::string path = folder / "a.npz";
  const auto refusal = [&](const std::string& bytes) {
    write_bytes(path, bytes);
    const std::string message = with_memory(24 * MiB, [&] { return load_npz(path), std::string("read"); });
    CHECK(contains(message, "cannot read " + path + ": "));
    return message;
  };
  write_bytes(path, zip_of({{.name = "x.npy", .data = array}}));
  CHECK(load_npz(path).at("x").shape() == Shape{10});
  CHECK(contains(refusal(""), "it is empty"));
  CHECK(contains(refusal(array), "it is no intact zip archive"));
  CHECK(contains(refusal(zip_of({{.name = "x.txt", .data = "a"}})), "without arrays"));
  CHECK(contains(refusal(zip_of({{.name = "x.npy", .data = array}, {.name = "x.npy", .data = array}})),
                 "it has two entries \"x.npy\""));
  CHECK(contains(refusal(zip_of({{.name = "x.npy", .data = array, .crc = 7}})), "array \"x\": its entry \"x.npy\""));
  CHECK(contains(refusal(zip_of({{.name = "x.npy", .data = packed, .size = 1 << 30, .method = 8}})),
                 "claims 1073741824 bytes, more than its"));
  CHECK(contains(refusal(zip_of({{.name = "x.npy", .data = packed, .size = array.size() + 1, .method = 8}})),
                 "10 bytes, but 11 bytes follow"));
  CHECK(contains(refusal(zip_of({{.name = "x.npy", .data = array.substr(0, 60)}})), "array \"x\": it ends after"));
  // 64 MiB of zeros in 64 KiB, beyond the limit that the caller sets.
  const std::string bomb = deflated(npy(header("|u1", "(67108864,)"), std::string(64 * MiB, '\0')), -15);
  write_bytes(path, zip_of({{.name = "x.npy", .data = bomb, .size = 64 * MiB + 75, .method = 8}}));
  CHECK(contains(message_of<IoError>([&] { (void)load_npz(path, {}, MiB); }),
                 "decompress to more than the 1048576 bytes"));
  // Names are keys, not paths.
  write_bytes(path, zip_of({{.name = "../../x.npy", .data = array}}));
  CHECK(npz_names(path) == std::vector<std::string>{"../../x"});
  const std::string whole = read_file(golden("images.npz"), 1 << 16);
  for (size_t n = 0; n < whole.size(); n += 7) {
    write_bytes(path, whole.substr(0, n));
    CHECK_THROWS_AS((void)load_npz(path), IoError);
  }
}

}  // namespace ditharos::test_numpy_file

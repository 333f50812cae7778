#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/webdataset/web_dataset.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/data/fault_table.h"
#include "tests/data/tar_bytes.h"
#include "tests/support/bounded_memory.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

namespace fs = std::filesystem;

/// An image of one colour.
std::string png(int value, int64_t height = 4, int64_t width = 6) {
  Tensor image({3, height, width}, DType::u8);
  std::fill_n(image.mutable_data<uint8_t>(), image.numel(), static_cast<uint8_t>(value));
  return data::encode_png(image, "a.png");
}
std::string key_of(int i) { return (i < 10 ? "00" : "0") + std::to_string(i); }

/// Samples first to last - 1: image, class, caption.
std::vector<TarPart> parts(int first, int last) {
  std::vector<TarPart> all;
  for (int i = first; i < last; ++i) {
    all.push_back({key_of(i) + ".png", png(10 * i)});
    all.push_back({key_of(i) + ".cls", std::to_string(i % 3) + "\n"});
    all.push_back({key_of(i) + ".txt", "image " + std::to_string(i)});
  }
  return all;
}
void write_shards(const TemporaryFolder& folder) {
  write_bytes(folder / "shard-000.tar", tar_of(parts(0, 8)));
  write_bytes(folder / "shard-001.tar", tar_of(parts(8, 12)));
}
data::WebDataset open(const std::string& path, data::Split split = data::Split::train,
                      const data::ImageFilesOptions& options = {}) {
  return data::WebDataset(path, split, options);
}
std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}
std::string refusal(const std::vector<TarPart>& members, const std::string& name = "a.tar") {
  const TemporaryFolder folder;
  write_bytes(folder / name, tar_of(members));
  return message_of<IoError>([&] { open(folder.path()); });
}

}  // namespace

TEST_CASE("web_dataset: images, classes and captions of two shards, divided into splits") {
  const TemporaryFolder folder;
  CHECK_FALSE(data::is_web_dataset(folder.path()));
  write_shards(folder);
  CHECK(data::is_web_dataset(folder.path()));
  const data::WebDataset train = open(folder.path()), test = open(folder.path(), data::Split::test);
  CHECK(train.size() == 11);
  CHECK(test.size() == 1);
  CHECK(train.num_classes() == 3);
  CHECK(train.native_shape() == data::SampleShape{1, 4, 6});
  for (int64_t i = 0; i < train.size(); ++i) {
    const int64_t number = i < 9 ? i : i + 1;
    const Tensor image = train.sample(i, {1, 4, 6});
    CHECK(image.shape() == Shape{1, 3, 4, 6});
    CHECK(image.data<uint8_t>()[0] == 10 * number);
    CHECK(train.label(i) == number % 3);
    CHECK(train.caption(i) == "image " + std::to_string(number));
  }
  CHECK(test.caption(0) == "image 9");
  const Tensor clip = train.sample(3, {2, 2, 2});
  CHECK(clip.shape() == Shape{2, 3, 2, 2});
  CHECK(clip.data<uint8_t>()[23] == 30);
  CHECK(contains(joined(train.notes()), "1 of the 12 samples in " + folder.path() + ", every 10th, are held out"));
  CHECK(contains(message_of<Error>([&] { train.sample(11, {1, 4, 6}); }), "image 11 of a set of 11"));
  CHECK_THROWS_AS(train.sample(0, {1, 0, 6}), ShapeError);
  write_bytes(folder / "classes.txt", "a\nb\nc\n");
  CHECK(open(folder.path()).class_names() == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("web_dataset: one shard, a pattern, and folders train and test") {
  const TemporaryFolder folder;
  write_shards(folder);
  CHECK(data::is_web_dataset(folder / "shard-001.tar"));
  CHECK(open(folder / "shard-001.tar").size() == 4);
  CHECK(data::is_web_dataset(folder / "shard-{000..001}.tar"));
  CHECK(open(folder / "shard-{000..001}.tar").checksum() == open(folder.path()).checksum());
  CHECK(open(folder / "shard-{001..001}.tar").size() == 4);
  CHECK(contains(message_of<IoError>([&] { open(folder / "shard-{001..002}.tar"); }), "shard-002.tar"));
  CHECK(contains(message_of<IoError>([&] { open(folder / "shard-{5..2}.tar"); }), "its shards must rise"));
  CHECK_FALSE(data::is_web_dataset(folder / "shard-002.tar"));
  const TemporaryFolder split;
  for (const char* part : {"train", "test"}) {
    fs::create_directory(split / part);
    write_bytes(split / (std::string(part) + "/a.tar"), tar_of(parts(0, part[1] == 'r' ? 12 : 2)));
  }
  CHECK(open(split.path()).size() == 12);
  CHECK(open(split.path(), data::Split::test).size() == 2);
  CHECK(open(split.path()).notes().empty());
}

TEST_CASE("web_dataset: labels and captions in .json, names as labels, and images alone") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.tar";
  const std::string dog = R"({"label": "dog", "text": "a dog", "size": [1, {"label": 3}], "x": null})";
  write_bytes(path, tar_of({{"./x/a.PNG", png(1)},
                            {"./x/a.json", dog},
                            {"x/b.json", R"({"caption": "a cat", "label": "cat"})"},
                            {"x/b.png", png(2)},
                            {"x/b.seg.png", png(3)},
                            {".hidden.png", "no image"}}));
  const data::WebDataset set = open(path);
  CHECK(set.size() == 2);
  CHECK(set.class_names() == std::vector<std::string>{"cat", "dog"});
  CHECK(set.label(0) == 1);
  CHECK(set.caption(0) == "a dog");
  CHECK(set.caption(1) == "a cat");
  CHECK(contains(joined(set.notes()), "1 .png file in " + path + " is not read"));

  write_bytes(
      path,
      tar_of({{"a.png", png(1)}, {"a.json", R"({"label": 4})"}, {"b.png", png(2)}, {"b.json", R"({"label": 0})"}}));
  CHECK(open(path).num_classes() == 5);
  CHECK(open(path).caption(0) == "4");
  write_bytes(path, tar_of({{"a.png", png(1)}, {"b.png", png(2)}}));
  CHECK(open(path).num_classes() == 0);
  CHECK(open(path).caption(1) == "");
  CHECK_THROWS_AS(open(path).label(0), Error);
}

TEST_CASE("web_dataset: images of several sizes and formats") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.tar";
  const Tensor white = kernels::to(zeros({1, 5, 5}), DType::u8);
  write_bytes(path, tar_of({{"a.png", png(1)}, {"b.jpg", png(2, 9, 9)}, {"c.png", data::encode_png(white, "c.png")}}));
  CHECK(contains(message_of<IoError>([&] { open(path); }), "the member \"b.jpg\" of " + path +
                                                               ": it has 9 x 9 pixels, but the member \"a.png\" of " +
                                                               path + " has 6 x 4; give a size, as in --size 64"));
  const data::WebDataset sized = open(path, data::Split::train, {.height = 3, .width = 5});
  CHECK(sized.native_shape() == data::SampleShape{1, 3, 5});
  CHECK(sized.channels() == 3);
  CHECK(sized.sample(1, {1, 3, 5}).data<uint8_t>()[44] == 2);
  CHECK(sized.stored_sample(1, {1, 3, 5})[44] == 2);
  const data::WebDataset mixed = open(path, data::Split::train, {.mixed_sizes = true});
  CHECK_FALSE(mixed.native_shape().has_value());
  CHECK(mixed.sample(1, {2, 9, 9}).shape() == Shape{2, 3, 9, 9});
  // The same samples whether they are kept or not.
  const data::WebDataset streamed = open(path, data::Split::train, {.height = 3, .width = 5, .memory_bytes = 0});
  CHECK(streamed.stored_sample(1, {1, 3, 5}) == nullptr);
  CHECK(streamed.checksum() == sized.checksum());
  for (int64_t i = 0; i < 3; ++i)
    CHECK(streamed.sample(i, {1, 3, 5}).to_vector<uint8_t>() == sized.sample(i, {1, 3, 5}).to_vector<uint8_t>());
  write_bytes(path, tar_of({{"c.png", data::encode_png(white, "c.png")}}));
  CHECK(open(path).channels() == 1);
  CHECK(open(path, data::Split::train, {.channels = 3}).channels() == 3);
}

TEST_CASE("web_dataset: the checksum is of images, labels and captions") {
  const TemporaryFolder folder;
  const auto checksum = [&](const std::vector<TarPart>& members) {
    write_bytes(folder / "a.tar", tar_of(members));
    return open(folder / "a.tar").checksum();
  };
  std::vector<TarPart> members = parts(0, 4);
  const uint32_t before = checksum(members);
  CHECK(checksum(members) == before);
  for (const size_t member : {0, 1, 2}) {
    std::vector<TarPart> changed = members;
    changed[member].data = member == 0 ? png(7) : member == 1 ? "2" : "another image";
    CHECK(checksum(changed) != before);
  }
  for (TarPart& member : members) member.name = "y/" + member.name;
  CHECK(checksum(members) == before);  // keys are no part of a sample
}

TEST_CASE("web_dataset: names are keys, never paths") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.tar";
  write_bytes(folder / "outside.png", png(9));
  write_bytes(path, tar_of({{"../outside.png", png(1)}, {"/etc/passwd.png", png(2)}, {"a/../../b.png", png(3)}}));
  const data::WebDataset set = open(path);
  for (int64_t i = 0; i < 3; ++i) CHECK(set.sample(i, {1, 4, 6}).data<uint8_t>()[0] == i + 1);
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 2);
}

TEST_CASE("web_dataset: faults, each with its sentence") {
  const TemporaryFolder outside;
  const auto rewrite = [](auto& f, const std::function<void(std::vector<TarPart>&)>& change) {
    std::vector<TarPart> members = parts(0, 8);
    change(members);
    write_bytes(f / "shard-000.tar", tar_of(members));
  };
  const auto fault = [&](const std::string& name, const std::function<void(std::vector<TarPart>&)>& change,
                         const std::string& sentence) {
    return DataFault{name, [rewrite, change](auto& f) { rewrite(f, change); }, sentence};
  };
  check_faults(
      {{"cut", [](auto& f) { fs::resize_file(f / "shard-000.tar", 5000); }, "shard-000.tar: "},
       {"cut at the end", [&](auto& f) { fs::resize_file(f / "shard-000.tar", tar_of(parts(0, 8)).size() - 1024); },
        "shard-000.tar: it is cut off: the blocks that end an archive are missing"},
       {"empty", [](auto& f) { write_bytes(f / "shard-001.tar", ""); }, "shard-001.tar: it is empty"},
       {"no samples", [](auto& f) { write_bytes(f / "shard-001.tar", tar_of({{"README", "x"}})); },
        "shard-001.tar: it holds no samples"},
       fault(
           "wrong count", [](auto& m) { m.erase(m.begin() + 3); }, "the sample \"001\" has no image"),
       fault(
           "wrong type", [](auto& m) { m[3].data = "GIF89a"; }, "cannot read the member \"001.png\" of "),
       fault(
           "mixed sizes", [](auto& m) { m[3].data = png(1, 8, 8); }, "it has 8 x 8 pixels, but the member \"000.png\""),
       fault(
           "wrong class", [](auto& m) { m[4].data = "one"; },
           "the sample \"001\" has the label \"one\", but other labels are numbers"),
       fault(
           "class too large", [](auto& m) { m[4].data = "99999999999999999999"; },
           "has the label \"99999999999999999999\"; labels are numbers from 0 to 65535"),
       fault(
           "no object", [](auto& m) { m.push_back({"007.json", "[1]"}); }, "a .json that cannot be used, \"007.json\""),
       fault(
           "json label", [](auto& m) { m.push_back({"007.json", R"({"label": 1.5})"}); },
           "the value of \"label\" is 1.5; a label is a whole number or a string"),
       fault(
           "two images", [](auto& m) { m.insert(m.begin() + 4, {"001.jpg", "x"}); },
           "the sample \"001\" has two images, \"001.png\" and \"001.jpg\""),
       fault(
           "duplicate", [](auto& m) { m.push_back({"003.txt", "again"}); }, "the sample \"003\" stands at two places"),
       fault(
           "damaged image", [](auto& m) { m[0].data.resize(m[0].data.size() / 2); },
           "cannot read the member \"000.png\" of "),
       fault(
           "missing label", [](auto& m) { m.erase(m.begin() + 4); }, "the sample \"001\" has no label (.cls"),
       fault(
           "missing caption", [](auto& m) { m.erase(m.begin() + 5); }, "the sample \"001\" has no caption (.txt"),
       fault(
           "empty caption", [](auto& m) { m[5].data = " \n"; }, "the sample \"001\" has nothing in \"001.txt\""),
       fault(
           "no UTF-8", [](auto& m) { m[5].data = "caf\xe9"; }, "a text that is not UTF-8 in \"001.txt\""),
       fault(
           "huge text", [](auto& m) { m[5].data = std::string(2 << 20, 'x'); }, "has 2097152 bytes in \"001.txt\""),
       fault(
           "huge", [](auto& m) { m[3].claimed = "77777777777"; }, "\"001.png\" claims 8589934591 bytes"),
       fault(
           "link", [](auto& m) { m[3] = {.name = "001.png", .data = "", .type = '2', .target = "/etc/passwd"}; },
           "its member \"001.png\" is a link"),
       {"unreadable", [](auto& f) { make_unreadable(f / "shard-001.tar"); }, "shard-001.tar: it is not a regular file"},
       {"hostile path", [&](auto& f) { make_link_outside(f / "shard-001.tar", outside); },
        "it is a symbolic link to " + outside / "target" + ", which lies outside of"}},
      write_shards, [](const std::string& folder) { open(folder); });
}

TEST_CASE("web_dataset: damaged samples are left out on request, and named") {
  const TemporaryFolder folder;
  std::vector<TarPart> members = parts(0, 8);
  members[0].data = "no image";
  members.erase(members.begin() + 4);
  write_bytes(folder / "a.tar", tar_of(members));
  const data::WebDataset set = open(folder.path(), data::Split::train, {.on_damaged = data::OnDamaged::skip});
  CHECK(set.size() == 6);
  CHECK(set.caption(0) == "image 2");
  REQUIRE(set.skipped().size() == 2);
  CHECK(contains(set.skipped()[0], "\"000.png\""));
  CHECK(contains(set.skipped()[1], "the sample \"001\" has no label"));
  CHECK(contains(refusal({{"a.png", "x"}}), "cannot read the member \"a.png\""));
  CHECK(contains(refusal(parts(0, 2), "a.txt"), "it has no .tar files"));
  CHECK(contains(message_of<ConfigError>([&] { open(folder.path(), data::Split::train, {.channels = 2}); }),
                 "channels must be 1, 3 or 0"));
}

TEST_CASE("web_dataset: a shard that changes while it is used is noticed") {
  const TemporaryFolder folder;
  write_shards(folder);
  const data::WebDataset set = open(folder.path(), data::Split::train, {.memory_bytes = 0});
  write_bytes(folder / "shard-000.tar", tar_of({{"000.png", png(99)}, {"b", std::string(9000, 'x')}}));
  CHECK(contains(message_of<IoError>([&] { set.sample(0, {1, 4, 6}); }), "it has changed since the set was opened"));
}

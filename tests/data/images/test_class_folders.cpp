// Classes as folders: a safe name for every class, its inverse, and the output of sample_dit --folder in train_dit.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include <ditharos/data/datasets/images/class_folder.h>
#include <ditharos/data/datasets/images/image_files.h>
#include "tests/support/page_text.h"
#include "tests/support/small_dit_run.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using data::class_name_of;
using data::folder_name_of;
using tests::contains;
using tests::Outcome;

namespace fs = std::filesystem;

TEST_CASE("regression 9: a class's folder has a safe name that leads back to the class") {
  const std::vector<std::string> hard{"",
                                      ".",
                                      "..",
                                      "../evil",
                                      "/absolute",
                                      "T-shirt/top",
                                      "dog",
                                      "dog/",
                                      " dog",
                                      "dog ",
                                      "  ",
                                      "100%",
                                      "100%25",
                                      "%2F",
                                      "%252F",
                                      "%",
                                      "%empty",
                                      "train",
                                      "test",
                                      "%train",
                                      "a\\b",
                                      "a\nb",
                                      "\x7f",
                                      ".hidden",
                                      "a.b",
                                      "CON",
                                      std::string("a\0b", 3),
                                      "caf\xc3\xa9",
                                      "\xff\xfe",
                                      "Ankle boot",
                                      "a%20b",
                                      "%41bc",
                                      "%2f"};
  std::set<std::string> folders;
  for (const std::string& name : hard) {
    const std::string folder = folder_name_of(name);
    CAPTURE(folder);
    CHECK(class_name_of(folder) == name);
    CHECK(folders.insert(folder).second);
    CHECK_FALSE(folder.empty());
    CHECK(folder[0] != '.');
    CHECK(folder.find('/') == std::string::npos);
    CHECK(folder.find('\0') == std::string::npos);
    CHECK(fs::path(folder).filename() == folder);
  }
  CHECK(folder_name_of("T-shirt/top") == "T-shirt%2Ftop");
  CHECK(folder_name_of("Ankle boot") == "Ankle boot");
  CHECK(folder_name_of("../evil") == "%2E.%2Fevil");
}

TEST_CASE("regression 9: folders that people made keep their names, percent signs and all") {
  for (const char* folder : {"dog", "100%", "%", "a%20b", "%41bc", "50%off", "%2f", "%zz", "a%2", "a b", "%train1"})
    CHECK(class_name_of(folder) == folder);
  CHECK(class_name_of("T-shirt%2Ftop") == "T-shirt/top");

  const tests::TemporaryFolder folder;
  tests::write_images(folder / "a", {"T-shirt%2Ftop", "100%", "dog"}, 3);
  const data::ImageFiles set(folder / "a", data::Split::train);
  CHECK(set.class_names() == std::vector<std::string>{"100%", "T-shirt/top", "dog"});
  tests::write_images(folder / "b", {"100%", "100%25", "dog"}, 3);  // one class, twice
  const std::string message = tests::message_of<IoError>([&] { data::ImageFiles(folder / "b", data::Split::train); });
  CHECK_MESSAGE(contains(message, "its sub-folders 100% and 100%25 both stand for the class 100%"), message);
}

TEST_CASE("regression 9: sample_dit --folder writes one folder per class inside of it, and train_dit reads it again") {
  const tests::TemporaryFolder folder;
  // Classes of these names, as a classes.txt or a checkpoint may have them.
  const std::vector<std::string> classes{"../evil", "/tmp/ditharos-evil", "T-shirt/top", "dog", "dog/", "train",
                                         "test"};
  std::vector<std::string> names;
  for (const std::string& name : classes) names.push_back(folder_name_of(name));
  const std::string run = tests::train_small_dit(folder.path(), names);

  const std::string out = folder / "drawn/images";
  const Outcome sampled = tests::run_program(
      "sample_dit", tests::sampling_flags(run, folder / "grid.png", {"--folder", out, "--per-class", "10"}));
  CHECK_MESSAGE(sampled.status == 0, sampled.output);
  CHECK_FALSE(fs::exists(folder / "drawn/evil"));
  CHECK_FALSE(fs::exists("/tmp/ditharos-evil"));
  std::set<std::string> found;
  for (const auto& entry : fs::directory_iterator(out)) {
    found.insert(entry.path().filename().string());
    CHECK(std::distance(fs::directory_iterator(entry.path()), {}) == 10);
  }
  CHECK(found == std::set<std::string>(names.begin(), names.end()));
  const data::ImageFiles again(out, data::Split::train);
  const std::set<std::string> read(again.class_names().begin(), again.class_names().end());
  CHECK(read == std::set<std::string>(classes.begin(), classes.end()));
  const Outcome trained = tests::run_program("train_dit", tests::small_dit_flags(out, folder / "again"));
  CHECK_MESSAGE(trained.status == 0, trained.output);

  // Nothing there is written over, and no link leads out of it.
  const Outcome repeated =
      tests::run_program("sample_dit", tests::sampling_flags(run, folder / "b.png", {"--folder", out}));
  CHECK(repeated.status == 2);
  CHECK_MESSAGE(contains(repeated.output, "exists already"), repeated.output);
  CHECK_FALSE(fs::exists(folder / "b.png"));
  fs::create_directories(folder / "linked");
  fs::create_directory_symlink(folder.path(), folder / "linked/dog");
  const Outcome linked =
      tests::run_program("sample_dit", tests::sampling_flags(run, folder / "b.png", {"--folder", folder / "linked"}));
  CHECK(linked.status == 2);
  CHECK_MESSAGE(contains(linked.output, "is a link that leads elsewhere"), linked.output);
}

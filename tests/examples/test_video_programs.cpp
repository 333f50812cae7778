// Functions that the video programs share: lists of prompts, and grids of clips.
#include <doctest/doctest.h>

#include <string>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/factory.h>
#include "examples/cli/reports/clip_grid.h"
#include "examples/cli/reports/prompt_words.h"
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::test_video_programs {

using namespace ditharos::examples;
using tests::contains;
using tests::message_of;

TEST_CASE("video programs: prompts") {
  CHECK(parse_prompts(" a; b c ;; d") == std::vector<std::string>{"a", "b c", "d"});
  CHECK(parse_prompts(" ; ").empty());

  const auto tokenizer = data::Tokenizer::train({"a red sneaker drifts left", "a boot falls through a night sky"}, 300);
  check_words(tokenizer, "a red boot, falls");
  const std::string unknown = message_of<ConfigError>([&] { check_words(tokenizer, "a rde zeppelin"); });
  CHECK_MESSAGE(contains(unknown, "\"rde\" (it knows \"red\"), \"zeppelin\"; --list-words"), unknown);
}

TEST_CASE("video programs: a grid of clips") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path() + "/grid.png";
  save_clip_grid(path, zeros({2, 9, 3, 8, 10}), {"one", "two"}, 4, 2);
  const Tensor grid = data::read_png(path, 3);
  CHECK_EQ(grid.size(0), 3);
  CHECK_EQ(grid.size(2), 4 + 4 * (2 * 10 + 4));  // four columns of doubled pixels with margins
}

}  // namespace ditharos::test_video_programs

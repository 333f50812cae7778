// Messages for prompts that the model cannot read.
#include <doctest/doctest.h>

#include "examples/cli/suggest.h"
#include "tests/support/data_files.h"
#include "tests/support/paths.h"
#include "tests/support/run_program.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

std::string meant(const std::string& word) {
  static const std::vector<std::string> known = {"a",       "at",      "bag",   "boot",  "coat", "drift",
                                                 "floats",  "green",   "night", "red",   "sink", "sky",
                                                 "sneaker", "through", "white", "yellow"};
  return examples::meant_word(word, known);
}

Outcome sample(const Arguments& more) {
  Arguments all{"--checkpoint", source_folder() + "/examples/checkpoints/sora.safetensors"};
  all.insert(all.end(), more.begin(), more.end());
  return run_program("sample_video", all);
}

}  // namespace

TEST_CASE("regression 17: a word is suggested where it was probably meant, and none elsewhere") {
  for (const auto& [word, known] : std::vector<std::pair<std::string, std::string>>{{"rde", "red"},
                                                                                    {"boots", "boot"},
                                                                                    {"sneakers", "sneaker"},
                                                                                    {"drifting", "drift"},
                                                                                    {"float", "floats"},
                                                                                    {"sneeker", "sneaker"},
                                                                                    {"thruogh", "through"},
                                                                                    {"yelow", "yellow"},
                                                                                    {"whiet", "white"},
                                                                                    {"grene", "green"},
                                                                                    {"nights", "night"},
                                                                                    {"sinks", "sink"},
                                                                                    {"boto", "boot"}}) {
    const std::string given = word;
    CAPTURE(given);
    CHECK(meant(word) == known);
  }
  for (const char* word :
       {"cat", "pink", "zeppelin", "bat",  "rod", "boat", "goat",  "moat", "light", "fight",
        "ski", "as",   "blue",     "book", "beg", "ads",  "quiet", "",     "x",     "reds\xc3\xa9"}) {
    CAPTURE(word);
    CHECK(meant(word) == "");
  }
}

TEST_CASE("regression 17: the message on unknown words names the way to list the known ones; too long comes first") {
  const Outcome unknown = sample({"a cat under a pnik sneakers sky"});
  CAPTURE(unknown.output);
  CHECK(unknown.status == 2);
  CHECK(contains(unknown.output,
                 "has words that the model has never seen: \"cat\", \"under\", \"pnik\", \"sneakers\" "
                 "(it knows \"sneaker\"); --list-words prints those that it knows, --any-words samples "
                 "all the same"));
  std::string much = "a zeppelin";
  for (int i = 0; i < 30; ++i) much += " boot";
  const Outcome both = sample({"a cat", much});
  CAPTURE(both.output);
  CHECK(both.status == 2);
  CHECK(contains(both.output, "is too long: it takes"));
  CHECK_FALSE(contains(both.output, "never seen"));

  const Outcome list = sample({"--list-words"});
  CHECK(list.status == 0);
  CHECK(list.output.starts_with("a\nacross\nagainst\n"));
  CHECK(contains(list.output, "\nt-shirt\n"));
  CHECK(list.output.ends_with("\nyellow\n"));
}

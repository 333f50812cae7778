// Every key of every program's configuration with values at the ends of its range and of other types: each is taken, or
// refused with file, line and column.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include <ditharos/models/dit/cost.h>
#include "examples/cli/options/autoencoder_settings.h"
#include "examples/cli/options/dit_settings.h"
#include "examples/cli/options/video_settings.h"
#include "tests/examples/toml_keys.h"
#include "tests/support/data_files.h"

using namespace ditharos;
using namespace ditharos::examples;
using ditharos::tests::contains;
using ditharos::tests::keys_in;
using ditharos::tests::TomlKey;

namespace {

const std::vector<std::string> edges{"0",
                                     "-1",
                                     "1",
                                     "2",
                                     "-9223372036854775808",
                                     "9223372036854775807",
                                     "9223372036854775806",
                                     "4611686018427387904",
                                     "2147483647",
                                     "2147483648",
                                     "4294967296",
                                     "4294967297",
                                     "1000000000000",
                                     "65537",
                                     "0.0",
                                     "-0.0",
                                     "0.5",
                                     "1.0",
                                     "1e300",
                                     "-1e300",
                                     "1.7976931348623157e308",
                                     "3.5e38",
                                     "1e-300",
                                     "5e-324",
                                     "nan",
                                     "inf",
                                     "-inf",
                                     "true",
                                     "\"\"",
                                     "\"no such name\"",
                                     "[]",
                                     "[1]",
                                     "[1, 2, 3]",
                                     "[1, 2, 3, 4]",
                                     "[0.5, 0.5]",
                                     "[9223372036854775807, 1, 1]",
                                     "[1e300, 1e300]",
                                     "[nan]",
                                     "[-1, -1, -1]",
                                     "[0, 0, 0]",
                                     "[[1]]",
                                     "{a = 1}",
                                     "1979-05-27",
                                     "07:32:00"};

struct Refusals {
  int taken = 0, refused = 0, by_another_setting = 0;
};

/// Reads every key with every value into a fresh run; what is taken by itself must fit the others, or be refused in
/// a sentence about settings that do not fit together, not about a range.
template <class Run>
Refusals try_all(const std::function<void(Run&)>& settle_run) {
  Refusals count;
  Run defaults;
  Settings table("", "");
  describe(table, defaults);
  for (const TomlKey& key : keys_in(table.to_toml())) {
    for (const std::string& value : edges) {
      CAPTURE(key.name);
      CAPTURE(value);
      Run run;
      Settings settings("", "");
      describe(settings, run);
      const std::string before = settings.to_toml();
      try {
        settings.read("[" + key.section + "]\n" + key.name + " = " + value + "\n", "a.toml");
      } catch (const ConfigError& e) {
        ++count.refused;
        CHECK_MESSAGE(std::string(e.what()).starts_with("a.toml:2:"), e.what());
        CHECK(settings.to_toml() == before);
        continue;
      }
      ++count.taken;
      try {
        settle_run(run);
      } catch (const ConfigError& e) {
        ++count.by_another_setting;
        const std::string message = e.what();
        CHECK_MESSAGE(!contains(message, key.name + " must be between"), message);
      }
    }
  }
  MESSAGE(count.taken << " taken, " << count.refused << " refused with file and line, " << count.by_another_setting
                      << " by another setting");
  return count;
}

}  // namespace

TEST_CASE("R13: every key of train_dit refuses what is out of range, with file and line") {
  const Refusals count = try_all<DiTSettings>([](DiTSettings& run) {
    check_schedule(run.train);
    run.settle();
    models::count_parameters(run.model);
  });
  CHECK(count.refused > 500);
}

TEST_CASE("R13: every key of train_video refuses what is out of range, with file and line") {
  const Refusals count = try_all<VideoSettings>([](VideoSettings& run) {
    settle(run);
    run.model.text.vocabulary = run.tokenizer.vocabulary;
    models::count_parameters(run.model);
  });
  CHECK(count.refused > 500);
}

TEST_CASE("R13: every key of train_autoencoder refuses what is out of range, with file and line") {
  const Refusals count = try_all<AutoencoderSettings>([](AutoencoderSettings& run) {
    settle(run);
    models::count_elements(run.model);
  });
  CHECK(count.refused > 500);
}

TEST_CASE("regression 12: text that the TOML library does not survive is refused before it") {
  DiTSettings run;
  Settings settings("", "");
  describe(settings, run);
  const auto said = [&](const std::string& text) {
    return tests::message_of<ConfigError>([&] { settings.read(text, "a.toml"); });
  };
  CHECK(said("\u035c") ==
        "a.toml:1:1: unexpected \"\u035c\": outside of quotes only letters of ASCII, digits and signs "
        "are allowed");
  CHECK(said("[train]\nsteps = 4\n[`odel]\npatch = 4\n") ==
        "a.toml:3:2: expected the name of a section behind '[', not \"`\"");
  CHECK(said("[\n") == "a.toml:1:2: expected the name of a section behind '[', not the end of the line");
  CHECK(contains(said("[[*a]]"), "a.toml:1:3: expected the name of a section"));
  CHECK(contains(said("[ = 1]"), "a.toml:1:3: expected the name of a section"));
  CHECK(contains(said("[\u00e9]"), "a.toml:1:2: expected the name of a section"));
  for (const char* text : {"\u00e9 = 1", "a\u00e9 = 1", "[a.\u00e9]", "a = \u00e9", "a = [\u00e9]", "a = {\u00e9 = 1}",
                           "a = 1\u00e9", "\u00a0a = 1", "a \u00a0= 1", "[a]\u00a0", "\u2028", "a = 1\x01",
                           "a.\u00e9 = 1", "\"a\".\u00e9 = 1", "\U0001F600 = 1", "a = 1\n\u00e9 = 2"}) {
    CAPTURE(text);
    CHECK(contains(said(text), "outside of quotes"));
  }
  CHECK(said("a = 1\nx = 1980-05-27Tt7:32\n") ==
        "a.toml:2:18: unexpected \":\": no setting is a time, and texts stand in quotes");
  // A quotation mark behind a value quotes nothing.
  CHECK(said("[train]\nsteps = 1'\u00e9'\n") == "a.toml:2:10: unexpected \"'\"");
  CHECK(contains(said("a = 1 \"\u00e9\""), "a.toml:1:7: unexpected"));
  CHECK(contains(said("a = [1\"\u00e9\"]"), "a.toml:1:7: unexpected"));
  // Inside of quotes and comments everything may stand.
  CHECK(said("# \u00e9 [`\n[data]\ndata = \"\u00e9 [` \\\" #\" # \u00e9\n") == "");
  CHECK(run.data.data == "\u00e9 [` \" #");
  CHECK(said("[data]\ndata = '''\n\u00e9 [` ' \n[`'''\n") == "");
  CHECK(said("[data]\ndata = \"\"\"\u00e9\\\"\n[`\"\"\"\n[train]\nbetas = [ # \u00e9\n 0.5,\n 0.5]\n") == "");
  CHECK(said("\xef\xbb\xbf[data]\ndata = \"a\"\n") == "");
}

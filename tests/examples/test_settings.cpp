// Settings: TOML, flags and help from the table, and every kind of mistake with its message.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "examples/cli/settings.h"
#include "examples/cli/suggest.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

enum class Objective { eps, velocity };

struct Config {
  int64_t batch_size = 64;
  double learning_rate = 4e-3;
  bool flip = true;
  std::string sampler = "euler";
  std::vector<double> betas = {0.9, 0.99};
  std::vector<int64_t> widths = {96};
  Objective objective = Objective::velocity;
  std::filesystem::path data = "";
  int threads = 0;
  uint64_t seed = 0;
  float dropout = 0.1f;
  std::string resume;
};

Settings make_settings(Config& c) {
  Settings s("train", "Trains a model.");
  s.options().add("resume", c.resume, "continue a run");
  s.section("train", "the loop")
      .add("batch_size", c.batch_size, "images per step", at_least(1).at_most(4096))
      .add("threads", c.threads, "threads; 0 is all", at_least(0))
      .add("seed", c.seed, "of all random numbers")
      .add("data", c.data, "folder of the data")
      .add("flip", c.flip, "mirror half of the images");
  s.section("optim", "the optimiser")
      .add("learning_rate", c.learning_rate, "at its peak", above(0))
      .add("betas", c.betas, "decay of the averages", at_least(0).below(1).count(2));
  s.section("model")
      .add("widths", c.widths, "width of every layer", at_least(1))
      .add("dropout", c.dropout, "share dropped", at_least(0).below(1))
      .add("sampler", c.sampler, "how to sample", one_of({"euler", "heun"}))
      .add("objective", c.objective, "what is predicted", {{"eps", Objective::eps}, {"velocity", Objective::velocity}});
  return s;
}

bool parse(Settings& s, std::vector<const char*> flags, std::ostream& out) {
  flags.insert(flags.begin(), "train");
  return s.parse(static_cast<int>(flags.size()), flags.data(), out);
}
bool parse(Settings& s, const std::vector<const char*>& flags) {
  std::ostringstream out;
  return parse(s, flags, out);
}

// The message of the ConfigError that `action` throws; "" if it throws none.
template <class F>
std::string error_of(const F& action) {
  try {
    action();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}
std::string toml_error(const std::string& toml) {
  Config c;
  Settings s = make_settings(c);
  const std::string before = s.to_toml(), message = error_of([&] { s.read(toml, "a.toml"); });
  CHECK(s.to_toml() == before);
  return message;
}
std::string flag_error(const std::vector<const char*>& flags) {
  Config c;
  Settings s = make_settings(c);
  const std::string before = s.to_toml(), message = error_of([&] { parse(s, flags); });
  CHECK(s.to_toml() == before);
  return message;
}

// A TOML file with this text in `folder`.
std::string write_toml(const tests::TemporaryFolder& folder, const std::string& text) {
  std::ofstream(folder / "a.toml") << text;
  return folder / "a.toml";
}

}  // namespace

TEST_CASE("settings: a TOML file sets the variables of every type") {
  Config c;
  Settings s = make_settings(c);
  s.read(R"(
    [train]
    batch_size = 32
    threads = 2
    seed = 9000000000
    data = "images/\u00e9"
    flip = false
    [optim]
    learning_rate = 1  # an integer will do
    betas = [0, 0.95]
    [model]
    widths = [8, 16]
    dropout = 0.25
    sampler = 'heun'
    objective = "eps"
  )",
         "a.toml");
  CHECK(c.batch_size == 32);
  CHECK(c.threads == 2);
  CHECK(c.seed == 9000000000u);
  CHECK(c.data == "images/\xc3\xa9");
  CHECK_FALSE(c.flip);
  CHECK(c.learning_rate == 1);
  CHECK(c.betas == std::vector<double>{0, 0.95});
  CHECK(c.widths == std::vector<int64_t>{8, 16});
  CHECK(c.dropout == 0.25f);
  CHECK(c.sampler == "heun");
  CHECK(c.objective == Objective::eps);
  CHECK(s.origin("batch_size") == "a.toml:3:5");
  CHECK(s.origin("resume") == "default");
}

TEST_CASE("settings: a flag overrides the file, which overrides the default") {
  Config c;
  Settings s = make_settings(c);
  const tests::TemporaryFolder folder;
  const std::string file = write_toml(folder, "[train]\nbatch_size = 8\nthreads = 3\n[model]\nwidths = [1]\n");
  CHECK(parse(s, {"--batch-size", "16", "--config", file.c_str(), "--widths", "4,5", "--resume=auto", "--no-flip"}));
  CHECK(c.batch_size == 16);
  CHECK(c.threads == 3);
  CHECK(c.widths == std::vector<int64_t>{4, 5});
  CHECK(c.resume == "auto");
  CHECK_FALSE(c.flip);
  CHECK(c.learning_rate == 4e-3);
  CHECK(s.origin("batch_size") == "--batch-size");
  CHECK(s.origin("threads") == file + ":3:1");
  CHECK(s.origin("flip") == "--flip");
}

TEST_CASE("settings: forms of flags") {
  Config c;
  Settings s = make_settings(c);
  CHECK(parse(s, {}));
  CHECK(s.to_toml() == Settings(make_settings(c)).to_toml());
  CHECK(parse(s, {"--betas", "[0.5, 0.25]", "--batch-size=1", "--batch-size=2", "--flip=false"}));
  CHECK(parse(s, {"--learning-rate", "1e-5"}));
  CHECK(c.betas == std::vector<double>{0.5, 0.25});
  CHECK(c.batch_size == 2);  // the last one counts
  CHECK(c.learning_rate == 1e-5);
  CHECK_FALSE(c.flip);
  CHECK(parse(s, {"--flip", "--data", "[odd] name", "--objective", "eps"}));
  CHECK(c.flip);
  CHECK(c.data == "[odd] name");
  CHECK(c.objective == Objective::eps);
}

TEST_CASE("settings: the resolved configuration reads back to itself") {
  Config c, d;
  c.learning_rate = 1.0 / 3;
  c.dropout = 0.3f;
  c.betas = {1e-300, 0.1 + 0.2};
  c.widths.clear();
  c.data = "a \"quote\", a \\ and\ta tab\n\x01\x7f\xe2\x82\xac";
  c.objective = Objective::eps;
  c.resume = "not part of it";
  Settings from = make_settings(c), to = make_settings(d);
  to.read(from.to_toml(), "checkpoint");
  CHECK(to.to_toml() == from.to_toml());
  CHECK(d.learning_rate == c.learning_rate);
  CHECK(d.dropout == c.dropout);
  CHECK(d.betas == c.betas);
  CHECK(d.widths.empty());
  CHECK(d.data == c.data);
  CHECK(d.resume.empty());
  CHECK(from.to_toml().find("learning_rate = 0.3333333333333333\n") != std::string::npos);
}

TEST_CASE("settings: messages for mistakes in a TOML text have the position and what would be right") {
  CHECK(toml_error("[train]\n  lerning_rate = 1\n") ==
        "a.toml:2:3: unknown key \"lerning_rate\" in [train]; did you mean \"learning_rate\" in [optim]?");
  CHECK(toml_error("[optim]\nlerning_rate = 1") ==
        "a.toml:2:1: unknown key \"lerning_rate\" in [optim]; did you mean \"learning_rate\"?");
  CHECK(toml_error("[train]\nlearning_rate = 1") ==
        "a.toml:2:1: unknown key \"learning_rate\" in [train]; it belongs in [optim]");
  CHECK(toml_error("[train]\nxyzzy = 1") == "a.toml:2:1: unknown key \"xyzzy\" in [train]");
  CHECK(toml_error("[train]\nresume = 'auto'") == "a.toml:2:1: unknown key \"resume\" in [train]");
  CHECK(toml_error("batch_size = 1") ==
        "a.toml:1:1: unknown key \"batch_size\" outside all sections; it belongs in [train]");
  CHECK(toml_error("[trian]\n") == "a.toml:1:2: unknown section \"trian\"; did you mean \"train\"?");
  CHECK(toml_error("train = 3") == "a.toml:1:1: [train] must be a section with keys, not 3");
  CHECK(toml_error("[train]\nbatch_size = \"big\"") ==
        "a.toml:2:14: batch_size in [train] must be an integer of at least 1 and at most 4096, not \"big\"");
  CHECK(toml_error("[train]\nbatch_size = 0") ==
        "a.toml:2:14: batch_size in [train] must be an integer of at least 1 and at most 4096, not 0");
  CHECK(toml_error("[train]\nbatch_size = 1.5").find("must be an integer") != std::string::npos);
  CHECK(toml_error("[train]\nthreads = 3000000000").find("at most 2147483647, not 3000000000") != std::string::npos);
  CHECK(toml_error("[train]\nseed = -1") == "a.toml:2:8: seed in [train] must be an integer of at least 0, not -1");
  CHECK(toml_error("[train]\nflip = 1") == "a.toml:2:8: flip in [train] must be true or false, not 1");
  CHECK(toml_error("[optim]\nlearning_rate = 0") ==
        "a.toml:2:17: learning_rate in [optim] must be a number above 0, not 0");
  CHECK(toml_error("[optim]\nlearning_rate = nan").find("must be a number above 0, not nan") != std::string::npos);
  CHECK(toml_error("[optim]\nbetas = [0.9]") ==
        "a.toml:2:9: betas in [optim] must be a list of 2 numbers, each at least 0 and below 1, not [0.9]");
  CHECK(toml_error("[optim]\nbetas = [0.9, 1]").find("not [0.9, 1]") != std::string::npos);
  CHECK(toml_error("[model]\nwidths = [1, 2.0]").find("list of integers, each at least 1") != std::string::npos);
  CHECK(toml_error("[model]\nsampler = 'rk4'") ==
        "a.toml:2:11: sampler in [model] must be one of euler, heun, not \"rk4\"");
  CHECK(toml_error("[model]\nobjective = 'x'").find("one of eps, velocity") != std::string::npos);
  CHECK(toml_error("[train]\nbatch_size = {a = 1}").find("not a table") != std::string::npos);
}

TEST_CASE("settings: the first mistake of a text is the one that is named, and nothing is set") {
  // In the order of names the second would come first.
  CHECK(toml_error("[train]\nbatch_size = 5\nthreads = -1\nbatch_sizes = 1").starts_with("a.toml:3:11:"));
}

TEST_CASE("settings: TOML that is not TOML") {
  CHECK(toml_error("[train]\nbatch_size = = 3").starts_with("a.toml:2:"));
  CHECK(toml_error("[train\n").starts_with("a.toml:1:"));
  CHECK(toml_error("[train]\nflip = true\nflip = true").starts_with("a.toml:3:"));
  CHECK(toml_error("[train]\ndata = \"\xff\"").starts_with("a.toml:2:"));
}

TEST_CASE("settings: mistakes on the command line") {
  CHECK(flag_error({"--lerning-rate", "1"}) == "unknown flag \"--lerning-rate\"; did you mean \"--learning-rate\"?");
  CHECK(flag_error({"--batch_size=1"}) == "unknown flag \"--batch_size\"; did you mean \"--batch-size\"?");
  CHECK(flag_error({"-x"}) == "unknown flag \"-x\"");
  CHECK(flag_error({"--no-batch-size"}).starts_with("unknown flag"));
  CHECK(flag_error({"stray"}) == "unexpected argument \"stray\"; settings are given as --name value, see --help");
  CHECK(flag_error({"--batch-size"}) == "--batch-size needs a value: an integer of at least 1 and at most 4096");
  CHECK(flag_error({"--config"}) == "--config needs the name of a TOML file");
  CHECK(flag_error({"--batch-size", "-4"}) ==
        "--batch-size must be an integer of at least 1 and at most 4096, not \"-4\"");
  CHECK(flag_error({"--batch-size", "1e3"}).find("not \"1e3\"") != std::string::npos);
  CHECK(flag_error({"--seed", "99999999999999999999"}).find("must be an integer") != std::string::npos);
  CHECK(flag_error({"--learning-rate", "inf"}) == "--learning-rate must be a number above 0, not \"inf\"");
  CHECK(flag_error({"--betas", "0.9,,0.9"}).find("list of 2 numbers") != std::string::npos);
  CHECK(flag_error({"--betas", "0.9,0.9,"}).find("list of 2 numbers") != std::string::npos);
  CHECK(flag_error({"--flip=maybe"}).find("maybe") != std::string::npos);
  CHECK(flag_error({"--sampler", "rk4"}) == "--sampler must be one of euler, heun, not \"rk4\"");
  CHECK(flag_error({"--data", "\xff"}).starts_with("--data must be text"));
  CHECK(flag_error({"--config", "/nowhere/a.toml"}) ==
        "--config: cannot open /nowhere/a.toml: No such file or directory");
  CHECK(flag_error({"--config", "/"}) == "--config: cannot read /: it is not a regular file");
  const tests::TemporaryFolder folder;
  const std::string file = write_toml(folder, "[train]\nbatch_size = 5\n");
  CHECK(flag_error({"--config", file.c_str(), "--threads", "x"}).starts_with("--threads must be"));
}

TEST_CASE("settings: help shows every flag with its default and its range") {
  Config c;
  Settings s = make_settings(c);
  std::ostringstream out;
  CHECK_FALSE(parse(s, {"--batch-size", "3", "--help"}, out));
  CHECK(c.batch_size == 64);
  std::istringstream lines(out.str());
  std::string help;  // without its line breaks
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.size() <= 96);
    const size_t text = line.find_first_not_of(' ');
    if (text != std::string::npos) help += line.substr(text) + " ";
  }
  for (const char* part :
       {"Trains a model.", "--config FILE", "--resume TEXT", "[train] the loop", "--batch-size N",
        "(at least 1 and at most 4096; default: 64)", "--[no-]flip", "(default: true)", "--betas X,X,..",
        "default: [0.9, 0.99]", "--data PATH", "one of euler, heun", "default: velocity"}) {
    CHECK_MESSAGE(help.find(part) != std::string::npos, std::string(part), " in ", out.str());
  }
}

TEST_CASE("settings: a table that contradicts itself is refused") {
  int64_t x = 0, y = 0;
  Settings s("p", "");
  s.section("a").add("x", x, "");
  CHECK_THROWS_WITH_AS(s.section("b").add("x", y, ""), "[Settings] the key x is there twice; flags need unique names",
                       Error);
  CHECK_THROWS_AS(s.section("b").add("y", y, "", at_least(1)), Error);
  CHECK_THROWS_AS(s.section("b").add("help", y, ""), Error);
  CHECK_THROWS_AS(s.origin("z"), Error);
}

TEST_CASE("suggest: distance and the nearest word") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("trian", "train") == 1);  // neighbours swapped
  CHECK(edit_distance("Batch-Size", "batch_size") == 0);
  CHECK(nearest("stpes", {"batch", "steps", "stop"}) == "steps");
  CHECK(nearest("xyzzy", {"batch", "steps"}) == "");
  CHECK(nearest("lr", {"learning_rate"}) == "");
  CHECK(nearest("", {}) == "");
}

TEST_CASE("settings: texts without a flag, and flags that take several") {
  Config c;
  Settings s = make_settings(c);
  std::vector<std::string> prompts, ends;
  s.add_arguments(prompts, "PROMPT...", "what to show");
  s.add_texts("interpolate", ends, 2, "A B", "both ends");
  CHECK(parse(s, {"a red bag", "--batch-size", "8", "a boot", "--interpolate", "x.png", "y.png", "--seed", "3"}));
  CHECK(prompts == std::vector<std::string>{"a red bag", "a boot"});
  CHECK(ends == std::vector<std::string>{"x.png", "y.png"});
  CHECK(c.batch_size == 8);
  CHECK(c.seed == 3);
  CHECK(s.help().find("--interpolate A B") != std::string::npos);
  CHECK(s.help().find("[--KEY VALUE]... PROMPT...") != std::string::npos);

  const auto refused = [&](const std::vector<const char*>& flags) -> std::string {
    try {
      parse(s, flags);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  CHECK(refused({"a", "--interpolate", "x.png"}) == "--interpolate is followed by A B");
  CHECK(refused({"a", "--interpolate", "--seed", "3"}) == "--interpolate is followed by A B");
  CHECK(refused({"a", "--interpolat", "x", "y"}).find("did you mean \"--interpolate\"?") != std::string::npos);
  CHECK(prompts.size() == 2);  // refused: nothing changed
}

// Numbers in text are the same under a locale whose decimal point is a comma.
#include <doctest/doctest.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <locale>
#include <sstream>
#include <string>
#include <vector>

#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/inspect/html.h>
#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/video/program.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/codecs/video/video_formats.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/summary.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/io/print.h>
#include <ditharos/training/run/json.h>
#include "examples/by_hand/trace.h"
#include "examples/cli/options/dit_settings.h"
#include "examples/cli/progress.h"
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

/// The locale de_DE, for C and for C++, while this lives; made by localedef where the system does not have it.
class GermanLocale {
 public:
  GermanLocale() {
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "de_DE"})
      if (set(name)) return;
    const std::string made = folder_ / "de_DE";
    data::run_program({"localedef", "-i", "de_DE", "-f", "UTF-8", made}, "", 1 << 20);
    ::setenv("LOCPATH", folder_.path().c_str(), 1);
    set("de_DE");
    ::unsetenv("LOCPATH");
  }
  ~GermanLocale() {
    std::locale::global(std::locale::classic());
    std::setlocale(LC_ALL, "C");
  }
  GermanLocale(const GermanLocale&) = delete;
  GermanLocale& operator=(const GermanLocale&) = delete;

  bool works() const {
    char text[16];
    std::snprintf(text, sizeof text, "%.1f", 0.5);
    return std::string(text) == "0,5";
  }

 private:
  static bool set(const char* name) {
    if (!std::setlocale(LC_ALL, name)) return false;
    try {
      std::locale::global(std::locale(name));
    } catch (const std::runtime_error&) {  // the C library has it, which is what matters
    }
    return true;
  }
  TemporaryFolder folder_;
};

/// A profile of a small step, made once: only its text may differ.
const Profiler& profile() {
  static Profiler* profiler = [] {
    Generator rng(1);
    const Tensor w = rng.normal({8, 8}).set_requires_grad();
    auto* made = new Profiler;
    sum(square(linear(rng.normal({16, 8}), w))).backward();
    made->stop();
    return made;
  }();
  return *profiler;
}

std::string message_of_failure(const std::function<void()>& f) { return message_of<Error>(f); }

/// Everything that writes or reads a number, as text.
std::vector<std::string> texts() {
  using namespace examples;
  std::vector<std::string> all;
  all.push_back(fixed_text(1234567.25, 2) + general_text(1e-7, 3) + scientific_text(12345.678, 2));
  all.push_back(to_text(1.5) + to_text(2.25f) + to_text(int64_t{1234567}));
  all.push_back(to_text(from_vector(std::vector<float>{1.5f, 1e6f, -.25f})));
  std::ostringstream stream;
  stream << from_vector(std::vector<int64_t>{1234567, 2});
  all.push_back(stream.str());
  all.push_back(profile().chrome_trace());
  all.push_back(profile().table(3));
  all.push_back(profile().module_table(3, 1));
  const Tensor x = from_vector(std::vector<float>{.5f, 1.25f}).set_requires_grad();
  const TemporaryFolder folder;
  to_html(sum(exp(x) * .75), folder / "a.html");
  all.push_back(read_file(folder / "a.html", 1 << 24));
  const auto wrong = gradcheck([](const std::vector<Tensor>& in) { return in[0].detach() * in[0]; },
                               {from_vector(std::vector<double>{.5, 1.25})});
  all.push_back(wrong.message);
  Generator rng(1);
  nn::Linear layer(1200, 1000, rng);
  all.push_back(nn::summary(layer, [&] { return layer(zeros({1, 1200})); }));
  all.push_back(figure_text(.1234) + figure_text(12345.678) + figure_text(1e-9) + duration_text(100000));
  all.push_back(training::JsonObject().add("a", 1234567.5).add("b", int64_t{1234567}).text());
  all.push_back(by_hand::number_text(1234.5));
  DiTSettings run;
  Settings settings("a", "b");
  describe(settings, run);
  settings.read("[train]\nlearning_rate = 1.25e-3\nbetas = [0.5, 0.75]\nsteps = 1234567\n", "a.toml");
  const char* flags[] = {"a", "--weight-decay", "0.125", "--betas", "0.25,0.5"};
  std::ostringstream out;
  settings.parse(5, flags, out);
  all.push_back(settings.to_toml() + settings.help());
  all.push_back(message_of_failure([&] { settings.read("[train]\nlearning_rate = -1.5\n", "a.toml"); }));
  all.push_back(message_of_failure([] { check<Error>(false, "got ", 1.5, " and ", -2.25f); }));
  data::write_clip(folder / "clip", square_clip(2, 8, 8), 12.5);
  data::write_clip(folder / "a.y4m", square_clip(2, 8, 8), 30000.0 / 1001);
  all.push_back(read_file(folder / "clip/fps.txt", 100));
  all.push_back(read_file(folder / "a.y4m", 1 << 20).substr(0, 60));
  all.push_back(fixed_text(data::read_clip(folder / "clip").fps + data::read_clip(folder / "a.y4m").fps, 9));
  return all;
}

}  // namespace

TEST_CASE("regression 25: numbers are written and read alike in every locale") {
  const std::vector<std::string> before = texts();
  const GermanLocale german;
  if (!german.works()) {
    MESSAGE("SKIPPED: there is no locale de_DE, and localedef cannot make one (apt-get install locales)");
    return;
  }
  const std::vector<std::string> after = texts();
  REQUIRE(before.size() == after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    CAPTURE(i);
    CHECK(before[i] == after[i]);
  }
}

TEST_CASE("numbers as text: what printf writes in the locale C") {
  for (const double x : {0.0, -0.0, 1.0, -1.5, 123456.789, 1e-7, 1e300, 5e-324, 0.05, 2.5, 1e15, 999999.5}) {
    char text[512];
    for (const int digits : {0, 1, 3, 6, 12}) {
      std::snprintf(text, sizeof text, "%.*f", digits, x);
      CHECK(fixed_text(x, digits) == text);
      std::snprintf(text, sizeof text, "%.*g", digits, x);
      CHECK(general_text(x, digits) == text);
      std::snprintf(text, sizeof text, "%.*e", digits, x);
      CHECK(scientific_text(x, digits) == text);
    }
    CHECK(to_text(x) == std::to_string(x));
    CHECK(to_text(float(x)) == std::to_string(float(x)));
  }
  CHECK(fixed_text(std::numeric_limits<double>::infinity(), 3) == "inf");
  CHECK(right_aligned("ab", 4) == "  ab");
  CHECK(left_aligned("ab", 4) == "ab  ");
  CHECK(left_aligned("abcde", 4) == "abcde");
}

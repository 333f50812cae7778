// The progress of a long run: a bar, or lines.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "examples/cli/progress.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

// A terminal of our own with a clock that stands still unless told.
struct Screen {
  std::ostringstream text;
  double now = 100;
  int width;
  explicit Screen(int columns) : width(columns) {}
  ProgressOutput output() {
    return {&text, [this] { return now; }, [this] { return width; }};
  }
  // What was written since the last call.
  std::string take() {
    std::string s = text.str();
    text.str("");
    return s;
  }
};

}  // namespace

TEST_CASE("progress: plain lines, the first at once and then every five seconds") {
  Screen screen(0);
  Progress progress(0, 100, "step", screen.output());
  screen.now += 0.5;
  progress.update(1, {{"loss", 0.25}, {"lr", 4e-3}});
  CHECK(screen.take() == "step 1/100, 2.00 it/s, 0:50 left, loss 0.2500, lr 4.00e-03\n");
  for (int step = 2; step <= 10; ++step) {
    screen.now += 0.5;
    progress.update(step, {{"loss", not_a_number}});
  }
  CHECK(screen.take() == "");
  screen.now += 0.5;
  progress.update(11, {{"loss", not_a_number}, {"grad", infinity}});
  CHECK(screen.take() == "step 11/100, 2.00 it/s, 0:45 left, loss nan, grad inf\n");
  progress.finish();
  CHECK(screen.take() == "step 11/100: 11 in 0:06 (2.00 it/s), loss nan, grad inf\n");
  progress.finish();
  CHECK(screen.take() == "");
}

TEST_CASE("progress: a bar fits the terminal and is redrawn ten times a second") {
  Screen screen(100);
  Progress progress(0, 200, "step", screen.output());
  screen.now += 0.05;
  progress.update(1, {{"loss", 0.5}});
  CHECK(screen.take() == "\r  0% [>                             ]  1/200  20.0 it/s  0:10 left  loss 0.5000\x1b[K");
  screen.now += 0.05;
  progress.update(2, {{"loss", 0.5}});
  CHECK(screen.take() == "");  // too soon
  screen.now += 0.05;
  progress.update(100, {{"loss", 0.5}});
  CHECK(screen.take().starts_with("\r 50% [===============>"));

  for (int width : {1, 2, 5, 8, 20, 30, 40, 50, 60, 80, 200}) {
    screen.width = width;
    screen.now += 1;
    progress.update(150, {{"loss", -1234.5678}, {"gradient norm", 1e-30}, {"lr", not_a_number}});
    std::string line = screen.take();
    REQUIRE(line.starts_with("\r"));
    REQUIRE(line.ends_with("\x1b[K"));
    line = line.substr(1, line.size() - 4);
    CHECK(static_cast<int>(line.size()) < width);
    if (width >= 30) CHECK(line.find("150/200") != std::string::npos);
    if (width == 200) CHECK(line.ends_with("loss -1234.5678  gradient norm 1.00e-30  lr nan"));
  }
}

TEST_CASE("progress: notes and the last line do not mix with the bar") {
  Screen screen(60);
  {
    Progress progress(5, 10, "step", screen.output());
    screen.now += 1;
    progress.update(6);
    screen.take();
    progress.note("saved");
    const std::string text = screen.take();
    CHECK(text.starts_with("\rsaved\x1b[K\n\r 60% ["));
    screen.now += 4;
    progress.update(10);
    screen.take();
    progress.finish();
    CHECK(screen.take() == "\rstep 10/10: 5 in 0:05 (1.00 it/s)\x1b[K\n");
  }
  CHECK(screen.take() == "");
  {
    Progress progress(0, 10, "step", screen.output());
    progress.update(1);
    screen.take();
  }
  CHECK(screen.take() == "\n");  // an error message that follows begins on a line of its own
}

TEST_CASE("progress: the rate follows a change of speed, and needs no time to pass") {
  Screen screen(0);
  Progress progress(0, 100000, "step", screen.output());
  CHECK(progress.rate() == 0);
  CHECK(progress.seconds_left() == infinity);
  progress.update(1);  // no time has passed
  CHECK(screen.take() == "step 1/100000\n");
  screen.now -= 5;  // a clock that goes back
  progress.update(2);
  CHECK(progress.rate() == 0);
  int step = 2;
  for (int i = 0; i < 1000; ++i) {
    screen.now += 0.01;
    progress.update(++step);
  }
  CHECK(progress.rate() == doctest::Approx(100).epsilon(0.01));
  for (int i = 0; i < 500; ++i) {  // fifty seconds, five time constants
    screen.now += 0.1;
    progress.update(++step);
  }
  CHECK(progress.rate() == doctest::Approx(10).epsilon(0.1));
  CHECK(progress.seconds_left() == doctest::Approx(static_cast<double>(100000 - step) / progress.rate()));
  progress.update(100000);
  CHECK(progress.seconds_left() == 0);
}

TEST_CASE("regression 18: a progress line shows shares as shares, and nothing that is not known") {
  Screen screen(0);
  {
    Progress progress(0, 100, "%", screen.output());
    progress.update(0);
    CHECK(screen.take() == "0 %\n");
    screen.now += 6;
    progress.update(3);
    CHECK(screen.take() == "3 %, 3:14 left\n");
    progress.update(100);
    progress.finish();
    CHECK(screen.take() == "100 % in 0:06\n");
  }
  screen.width = 60;
  {
    Progress progress(0, 100, "%", screen.output());
    progress.update(0);
    CHECK(screen.take().ends_with("]\x1b[K"));
    screen.now += 6;
    progress.update(50);
    CHECK(screen.take().ends_with("]  0:06 left\x1b[K"));
  }
  screen.take();
  screen.width = 0;
  Progress progress(0, 10, "step", screen.output());
  progress.finish();
  CHECK(screen.take() == "step 0/10: 0 in 0:00\n");
}

TEST_CASE("progress: durations and figures as text") {
  CHECK(duration_text(0) == "0:00");
  CHECK(duration_text(59.6) == "1:00");
  CHECK(duration_text(725) == "12:05");
  CHECK(duration_text(3723) == "1:02:03");
  CHECK(duration_text(2 * 86400 + 3 * 3600) == "2d 03:00");
  CHECK(duration_text(-1) == "0:00");
  CHECK(duration_text(not_a_number) == "?");
  CHECK(duration_text(infinity) == "?");
  CHECK(figure_text(0) == "0.0000");
  CHECK(figure_text(12.34) == "12.3400");
  CHECK(figure_text(12345) == "1.23e+04");
  CHECK(figure_text(-0.001) == "-1.00e-03");
  CHECK(figure_text(-not_a_number) == "nan");
  CHECK(figure_text(-infinity) == "-inf");
}

#include "examples/cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>

#include <ditharos/tensor/io/number_text.h>

namespace ditharos::examples {

namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kLineSeconds = 5;
constexpr double kMemorySeconds = 10;

template <class... Numbers>
std::string formatted(const char* format, Numbers... numbers) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, numbers...);
  return buffer;
}

int terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

ProgressOutput standard_output() {
  const char* terminal = std::getenv("TERM");
  const bool can_redraw = ::isatty(STDOUT_FILENO) && terminal && std::string(terminal) != "dumb";
  const auto clock = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  return {&std::cout, clock, [can_redraw] { return can_redraw ? terminal_width() : 0; }};
}

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds > 1e9) return "?";
  const auto s = static_cast<long long>(std::llround(std::max(seconds, 0.0)));
  if (s >= 86400) return formatted("%lldd %02lld:%02lld", s / 86400, s / 3600 % 24, s / 60 % 60);
  if (s >= 3600) return formatted("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  return formatted("%lld:%02lld", s / 60, s % 60);
}

std::string figure_text(double x) {
  if (std::isnan(x)) return "nan";  // printf would show the sign of a NaN
  const double size = std::abs(x);
  const bool is_plain = x == 0 || (size >= 0.01 && size < 10000) || std::isinf(x);
  return is_plain ? fixed_text(x, 4) : scientific_text(x, 2);
}

Progress::Progress(int64_t first, int64_t total, std::string unit, ProgressOutput output)
    : first_(first), step_(first), total_(total), unit_(std::move(unit)), output_(std::move(output)),
      started_(output_.clock()), last_update_(started_), last_shown_(started_) {}

Progress::~Progress() {
  if (line_open_) *output_.stream << std::endl;
}

void Progress::update(int64_t step, std::initializer_list<Figure> figures) {
  const double now = output_.clock(), seconds = std::max(now - last_update_, 0.0);
  const double kept = std::exp(-seconds / kMemorySeconds);
  recent_steps_ = recent_steps_ * kept + static_cast<double>(step - step_);
  recent_seconds_ = recent_seconds_ * kept + seconds;
  step_ = step;
  last_update_ = now;
  figures_.assign(figures.begin(), figures.end());

  const int width = output_.width();
  // A little less than the interval, or rounding would let a step that comes exactly on time pass.
  const double interval = (width > 0 ? kRedrawSeconds : kLineSeconds) * (1 - 1e-6);
  if (shown_ && now - last_shown_ < interval) return;
  shown_ = true;
  last_shown_ = now;
  show(width > 0 ? bar_line(width) : plain_line(), width == 0);
}

void Progress::note(const std::string& line) {
  show(line, true);
  const int width = output_.width();
  if (width > 0 && shown_ && !finished_) show(bar_line(width), false);
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  const int64_t done = step_ - first_;
  const double seconds = std::max(output_.clock() - started_, 0.0);
  const std::string rate = rate_text(static_cast<double>(done) / seconds);
  std::string line = is_share() ? std::to_string(step_) + " % in " + duration_text(seconds)
                                : unit_ + " " + std::to_string(step_) + "/" + std::to_string(total_) + ": " +
                                      std::to_string(done) + " in " + duration_text(seconds);
  if (!rate.empty()) line += " (" + rate + ")";
  for (const Figure& f : figures_) line += ", " + f.name + " " + figure_text(f.value);
  show(line, true);
}

double Progress::rate() const { return recent_seconds_ > 0 ? recent_steps_ / recent_seconds_ : 0; }

double Progress::seconds_left() const {
  if (step_ >= total_) return 0;
  return rate() > 0 ? static_cast<double>(total_ - step_) / rate() : std::numeric_limits<double>::infinity();
}

std::string Progress::rate_text(double rate) const {
  if (!std::isfinite(rate) || rate <= 0 || is_share()) return "";
  if (rate < 1) return fixed_text(1 / rate, 2) + " s/it";
  return fixed_text(rate, rate < 10 ? 2 : 1) + " it/s";
}

std::vector<std::string> Progress::parts() const {
  std::vector<std::string> parts;
  if (const std::string rate = rate_text(this->rate()); !rate.empty()) parts.push_back(rate);
  if (std::isfinite(seconds_left())) parts.push_back(duration_text(seconds_left()) + " left");
  for (const Figure& f : figures_) parts.push_back(f.name + " " + figure_text(f.value));
  return parts;
}

// " 42% [=====>     ] 420/1000  9.61 it/s  1:00 left  loss 0.1234  lr 4.00e-03", always shorter than `width`: the bar
// shrinks first, then parts are left out from the right.
std::string Progress::bar_line(int width) const {
  const double share = total_ > 0 ? std::clamp(static_cast<double>(step_) / static_cast<double>(total_), 0.0, 1.0) : 1;
  std::vector<std::string> shown = parts();
  if (!is_share()) shown.insert(shown.begin(), std::to_string(step_) + "/" + std::to_string(total_));

  const std::string percent = formatted("%3d%%", static_cast<int>(share * 100));
  const int room = std::max(width - 1, 0);  // a character in the last column would wrap the line on some terminals
  std::string text;
  for (const std::string& part : shown) {
    if (static_cast<int>(percent.size() + text.size() + 2 + part.size()) > room) break;
    text += "  " + part;
  }
  const int bar = std::min(room - static_cast<int>(percent.size() + text.size()) - 3, 30);
  std::string line = percent;
  if (bar >= 5) {
    const int filled = static_cast<int>(share * bar);
    line += " [" + std::string(static_cast<size_t>(filled), '=');
    if (filled < bar) line += ">" + std::string(static_cast<size_t>(bar - filled - 1), ' ');
    line += "]";
  }
  return (line + text).substr(0, static_cast<size_t>(room));
}

std::string Progress::plain_line() const {
  std::string line =
      is_share() ? std::to_string(step_) + " %" : unit_ + " " + std::to_string(step_) + "/" + std::to_string(total_);
  for (const std::string& part : parts()) line += ", " + part;
  return line;
}

// Writes over the bar if one is there. A line that stays is ended; the bar is left open, to be written over.
void Progress::show(const std::string& line, bool stays) {
  std::ostream& out = *output_.stream;
  if (output_.width() > 0) out << '\r' << line << "\x1b[K";  // ESC [ K clears the rest of the line
  else out << line;
  if (stays) out << '\n';
  out << std::flush;
  line_open_ = !stays;
}

}  // namespace ditharos::examples

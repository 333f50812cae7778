#pragma once
// Progress of a long loop: a bar on a terminal, a plain line every few seconds elsewhere.
//
//   Progress progress(first_step, total_steps);
//   progress.update(step, {{"loss", loss}, {"grad", norm}, {"lr", lr}});   // after every step
//   progress.finish();
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <vector>

namespace ditharos::examples {

/// A number to show, such as the loss. It may be NaN.
struct Figure {
  std::string name;
  double value;
};

/// The output and the clock of a progress bar.
struct ProgressOutput {
  std::ostream* stream;
  std::function<double()> clock;  ///< seconds from any starting point
  std::function<int()> width;     ///< columns of the terminal; 0: not a terminal
};
/// Standard output and a steady clock. A terminal that can only append (TERM=dumb) counts as none.
ProgressOutput standard_output();

class Progress {
 public:
  /// `first` steps of `total` were done before; `unit` is what a step is called ("step", "image"). With the unit "%"
  /// steps are shares of a hundred: shown are the share and the time, and no rate. What is not known yet is left out.
  Progress(int64_t first, int64_t total, std::string unit = "step", ProgressOutput output = standard_output());
  /// Ends the bar's line if finish() was not called, so that an error message begins on a line of its own.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `step` steps are done now. Draws at most 10 times a second on a terminal, every 5 seconds elsewhere.
  void update(int64_t step, std::initializer_list<Figure> figures = {});
  /// Prints a line of its own above the bar.
  void note(const std::string& line);
  /// The last line: steps, time, mean rate and the last figures.
  void finish();

  /// Steps per second, an exponential average with a time constant of 10 seconds; 0 before the first step.
  double rate() const;
  /// Seconds that the remaining steps will take at this rate; infinite while that is not known.
  double seconds_left() const;

 private:
  bool is_share() const { return unit_ == "%"; }
  std::string bar_line(int width) const;
  std::string plain_line() const;
  std::string rate_text(double rate) const;  ///< "" for a rate that is not known
  std::vector<std::string> parts() const;    ///< of a line: steps, rate, time left, figures
  void show(const std::string& line, bool stays);

  int64_t first_, step_, total_;
  std::string unit_;
  ProgressOutput output_;
  std::vector<Figure> figures_;
  double started_, last_update_, last_shown_;
  bool shown_ = false, finished_ = false, line_open_ = false;
  double recent_steps_ = 0, recent_seconds_ = 0;  // both decay alike; their ratio is the rate
};

/// "0:07", "12:05", "1:02:03", "2d 03:00"; "?" for what is not a finite number.
std::string duration_text(double seconds);
/// A number in few characters that stay in place from step to step: "0.1234", "12.3400", "4.00e-03", "nan".
std::string figure_text(double x);

}  // namespace ditharos::examples

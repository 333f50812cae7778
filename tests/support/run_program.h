#pragma once
// Runs the programs of examples/ as a user does: arguments in, exit status and printed text out.
#include <sys/types.h>

#include <string>
#include <vector>

namespace ditharos::tests {

using Arguments = std::vector<std::string>;

/// A program that ended.
struct Outcome {
  int status = 0;      ///< its exit status, or 128 plus the signal that ended it
  std::string output;  ///< standard output and standard error, in the order in which they were written
};

/// A program that runs beside the test. The destructor kills it.
class Program {
 public:
  /// `name` of a program of examples/. `environment` is added to the test's own: "DITHAROS_ISA=avx2".
  Program(const std::string& name, const Arguments& arguments, const std::vector<std::string>& environment = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) const;
  bool is_running();
  /// What it has printed so far.
  std::string output();
  /// Waits until `text` was printed; false when the program ended before, or after `seconds`.
  bool wait_for(const std::string& text, double seconds = 60);
  /// Closes the end that the output is read from, as `| head -1` does.
  void close_output();
  Outcome wait();

 private:
  void read_output(bool wait);

  pid_t process_ = -1;
  int pipe_ = -1, status_ = 0;
  std::string output_;
};

/// Runs a program to its end.
Outcome run_program(const std::string& name, const Arguments& arguments,
                    const std::vector<std::string>& environment = {});

}  // namespace ditharos::tests

#include "tests/support/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <ditharos/tensor/error.h>

namespace ditharos::tests {
namespace {

/// Programs lie in examples/ beside the folder of the test program.
std::string path_of(const std::string& name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "examples" / name).string();
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

Program::Program(const std::string& name, const Arguments& arguments, const std::vector<std::string>& environment) {
  const std::string path = path_of(name);
  check<IoError>(std::filesystem::exists(path), "the program ", path, " is not built");
  std::vector<const char*> argv{path.c_str()};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  int ends[2];
  check<IoError>(::pipe2(ends, O_CLOEXEC) == 0, "cannot make a pipe");
  process_ = ::fork();
  check<IoError>(process_ >= 0, "cannot start ", path);
  if (process_ == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    for (const std::string& variable : environment) ::putenv(const_cast<char*>(variable.c_str()));
    ::execv(path.c_str(), const_cast<char**>(argv.data()));
    ::_exit(127);
  }
  ::close(ends[1]);
  pipe_ = ends[0];
}

Program::~Program() {
  close_output();
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

void Program::signal(int number) const {
  if (process_ > 0) ::kill(process_, number);
}

bool Program::is_running() {
  int status = 0;
  if (process_ > 0 && ::waitpid(process_, &status, WNOHANG) == process_) {
    process_ = -1;
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return process_ > 0;
}

void Program::read_output(bool wait) {
  char piece[4096];
  while (pipe_ >= 0) {
    pollfd ready{pipe_, POLLIN, 0};
    if (::poll(&ready, 1, wait ? 100 : 0) <= 0) return;
    const ssize_t n = ::read(pipe_, piece, sizeof piece);
    if (n > 0) output_.append(piece, size_t(n));
    else close_output();
  }
}

std::string Program::output() {
  read_output(false);
  return output_;
}

bool Program::wait_for(const std::string& text, double seconds) {
  const double end = now() + seconds;
  while (output().find(text) == std::string::npos) {
    if (!is_running() || now() > end) return output().find(text) != std::string::npos;
    ::usleep(5000);
  }
  return true;
}

void Program::close_output() {
  if (pipe_ >= 0) ::close(pipe_);
  pipe_ = -1;
}

Outcome Program::wait() {
  while (is_running()) {
    read_output(true);
    if (pipe_ < 0) ::usleep(5000);
  }
  read_output(false);
  return {status_, output_};
}

Outcome run_program(const std::string& name, const Arguments& arguments, const std::vector<std::string>& environment) {
  return Program(name, arguments, environment).wait();
}

}  // namespace ditharos::tests

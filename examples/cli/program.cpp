#include "examples/cli/program.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::examples {
namespace {

/// Whether standard output is a pipe that nobody reads any more, or a terminal that was closed.
bool reader_is_gone() {
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

/// Writes a message to stderr as one line, in which no terminal finds commands, whatever the names of files in it: line
/// ends become spaces, other control characters \x1b and so on. Allocates nothing.
void write_line(std::string_view message) {
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; };
  while (!message.empty()) {
    const auto end = static_cast<size_t>(std::find_if(message.begin(), message.end(), is_control) - message.begin());
    std::cerr << message.substr(0, end);
    message.remove_prefix(end);
    if (message.empty()) break;
    constexpr std::string_view digits = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(message.front());
    if (code == '\n') std::cerr << ' ';
    else std::cerr << "\\x" << digits[code / 16] << digits[code % 16];
    message.remove_prefix(1);
  }
  std::cerr << std::endl;
}

bool is_one_of_several() { return training::has_world() && training::world().size() > 1; }

}  // namespace

bool is_speaker() { return !training::has_world() || training::world().is_root(); }

training::Communicator& join_ranks() {
  training::Communicator& ranks = training::world();
  if (!ranks.is_root() && std::freopen("/dev/null", "w", stdout) == nullptr) fail<IoError>("cannot open /dev/null");
  return ranks;
}

void settle_threads(int threads) {
  const int here = training::has_world() ? training::world().ranks_on_this_machine() : 1;
  if (threads == 0 && here > 1) threads = std::max(1, num_threads() / here);
  if (threads > 0) set_num_threads(threads);
}

int run_main(int argc, char** argv, const std::function<int(int argc, char** argv)>& program, int error_status) {
  // Nothing here allocates: it reports that there is no memory, too.
  std::string_view name = argc > 0 ? argv[0] : "program";
  name.remove_prefix(name.rfind('/') + 1);  // npos + 1 is 0
  const auto report = [&](std::string_view message, int status) {
    std::cout.flush();
    if (!is_one_of_several()) {
      std::cerr << name << ": ";
      write_line(message);
      return status;
    }
    training::Communicator& ranks = training::world();
    // Mostly rank 0 has the same error, and ends all ranks before this one speaks.
    if (!ranks.is_root()) std::this_thread::sleep_for(std::chrono::seconds(2));
    static char line[4096];  // one write, so that nothing of the launcher comes in between
    std::setvbuf(stderr, line, _IOFBF, sizeof line);
    std::cerr.unsetf(std::ios::unitbuf);
    std::cerr << name << ": rank " << ranks.rank() << ": ";
    write_line(message);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // until the launcher has passed it on
    ranks.end_all(status);
    return status;
  };
#ifdef SIGXFSZ
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes then is an error of write(), which names the file
#endif
#ifdef SIGPIPE
  std::signal(SIGPIPE, SIG_IGN);  // a closed output must not end the computation
#endif
  try {
    const int status = program(argc, argv);
    training::leave_world();
    std::cout.flush();
    return std::cout || reader_is_gone() ? status : report("cannot write to the standard output", 1);
  } catch (const ConfigError& e) {
    return report(e.what(), 2);
  } catch (const Error& e) {
    return report(e.what(), error_status);
  } catch (const std::bad_alloc&) {
    return report("out of memory", 1);
  } catch (const std::exception& e) {
    return report(e.what(), 1);
  }
}

void print_notes(const std::vector<std::string>& notes) {
  static std::set<std::string> printed;
  for (const std::string& note : notes) {
    if (!printed.insert(note).second || !is_speaker()) continue;
    std::cerr << "note: ";
    write_line(note);
  }
}

}  // namespace ditharos::examples

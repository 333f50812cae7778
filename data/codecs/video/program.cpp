#include <ditharos/data/codecs/video/program.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>

extern char** environ;  // NOLINT: POSIX declares it in no header

namespace ditharos::data {
namespace {

constexpr size_t kept_errors = 4096, most_errors = 1 << 20;  // bytes
// The code of a process that posix_spawn has started, where the program cannot be: POSIX leaves to the system whether
// posix_spawn itself fails then, and under QEMU's user emulation it does not.
constexpr int spawn_failed = 127;

[[noreturn]] void refuse(const std::string& program, int error) {
  fail<IoError>("cannot run the program ", program, ": ", error_text(error));
}

/// One end of a connection, closed at the end of its life.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void reset(int fd) {
    close();
    fd_ = fd;
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

/// A stream between this process and the program. Sockets instead of pipes: a write to a closed pipe raises SIGPIPE,
/// which would end this process; send() has a flag against it.
struct Stream {
  Descriptor ours, theirs;

  explicit Stream(const std::string& program) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) refuse(program, errno);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
    if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) refuse(program, errno);
  }
};

/// The running program, leader of a process group of its own. The destructor kills the group.
class Child {
 public:
  explicit Child(pid_t id) : id_(id) {}
  ~Child() {
    if (id_ > 0) end();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// True when it has ended; it can still be waited for.
  bool has_ended() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == id_;
  }
  /// Kills the processes of the group, the program included. Its id, which is also the group's, is not reused until it
  /// has been waited for.
  void kill_group() const { ::kill(-id_, SIGKILL); }
  /// Kills the group and waits for the program. The code that it had ended with by itself; otherwise -1.
  int end() {
    kill_group();
    int status = -1;
    pid_t ended = -1;
    do ended = ::waitpid(id_, &status, 0);
    while (ended < 0 && errno == EINTR);
    id_ = 0;
    return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t id_;
};

/// The program's standard input, output and error, and its process group, for posix_spawn.
struct FileActions {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  FileActions() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    ::posix_spawnattr_setpgroup(&attributes, 0);  // a group of its own
  }
  ~FileActions() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  int connect(const Stream& stream, int number) {
    return ::posix_spawn_file_actions_adddup2(&actions, stream.theirs.get(), number);
  }
};

bool must_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

/// Sends as much as the stream takes without blocking; closes it at the end, or when the program has closed its end.
void send_some(Descriptor& stream, std::string_view& input) {
  const ssize_t sent = ::send(stream.get(), input.data(), input.size(), MSG_NOSIGNAL);
  if (sent > 0) input.remove_prefix(static_cast<size_t>(sent));
  if (input.empty() || (sent < 0 && !must_wait(errno))) stream.close();
}

/// Appends the bytes that are available and returns their number; closes the stream at its end.
size_t receive_some(Descriptor& stream, std::string& text) {
  std::array<char, 65536> block;
  const ssize_t got = ::recv(stream.get(), block.data(), block.size(), 0);
  if (got > 0) text.append(block.data(), static_cast<size_t>(got));
  else if (got == 0 || !must_wait(errno)) stream.close();
  return got > 0 ? static_cast<size_t>(got) : 0;
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& arguments, std::string_view input, size_t output_limit,
                          std::chrono::milliseconds time_limit) {
  const std::string& program = arguments.front();
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);

  Stream in(program), out(program), errors(program);
  FileActions actions;
  int error = actions.connect(in, STDIN_FILENO);
  if (error == 0) error = actions.connect(out, STDOUT_FILENO);
  if (error == 0) error = actions.connect(errors, STDERR_FILENO);
  pid_t id = 0;
  if (error == 0)
    error = ::posix_spawnp(&id, program.c_str(), &actions.actions, &actions.attributes, pointers.data(), environ);
  ProgramResult result;
  if (error == ENOENT || error == EACCES || error == ENOTDIR) {
    result.status = ProgramResult::Status::not_installed;
    return result;
  }
  if (error != 0) refuse(program, error);

  Child child(id);
  for (Stream* stream : {&in, &out, &errors}) stream->theirs.close();
  if (input.empty()) in.ours.close();
  const auto begin = std::chrono::steady_clock::now();
  size_t errors_seen = 0;
  const auto receive = [&] {
    size_t some = 0;
    if (out.ours.is_open()) some += receive_some(out.ours, result.output);
    const size_t of_errors = errors.ours.is_open() ? receive_some(errors.ours, result.errors) : 0;
    errors_seen += of_errors;
    if (result.errors.size() > kept_errors) result.errors.resize(kept_errors);
    return some + of_errors;
  };
  const auto too_much = [&] { return result.output.size() > output_limit || errors_seen > most_errors; };
  while (out.ours.is_open() || errors.ours.is_open()) {
    std::array<pollfd, 3> waiting{
        {{in.ours.get(), POLLOUT, 0}, {out.ours.get(), POLLIN, 0}, {errors.ours.get(), POLLIN, 0}}};
    constexpr int glance = 50;  // milliseconds between checks of the clock and of the program
    if (::poll(waiting.data(), waiting.size(), glance) < 0 && errno != EINTR) refuse(program, errno);
    if (waiting[0].revents != 0 && in.ours.is_open()) send_some(in.ours, input);
    const bool ended = child.has_ended();  // before the last bytes are taken
    if (ended) child.kill_group();
    const size_t some = receive();
    const bool late = std::chrono::steady_clock::now() - begin > time_limit;
    if (too_much()) break;
    // Processes that it has started may hold its output open for ever; its own output is complete by now.
    if (ended && (some == 0 || late)) break;
    if (late) {
      result.status = ProgramResult::Status::timed_out;
      return result;  // ~Child kills it
    }
  }
  if (result.output.size() > output_limit) {
    result.status = ProgramResult::Status::output_too_long;
    return result;
  }
  in.ours.close();
  // It has closed its output, but may still run.
  while (!too_much() && !child.has_ended()) {
    if (std::chrono::steady_clock::now() - begin > time_limit) {
      result.status = ProgramResult::Status::timed_out;
      return result;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  switch (child.end()) {
    case 0: result.status = ProgramResult::Status::succeeded; break;
    case spawn_failed: result.status = ProgramResult::Status::not_installed; break;
    default: result.status = ProgramResult::Status::failed;
  }
  return result;
}

}  // namespace ditharos::data

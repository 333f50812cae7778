#include <ditharos/data/program.h>

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
#include <system_error>

#include <ditharos/tensor/error.h>

extern char** environ;  // NOLINT: POSIX declares it in no header

namespace ditharos::data {
namespace {

constexpr size_t most_errors = 4096;

[[noreturn]] void refuse(const std::string& program, int error) {
  fail<IoError>("cannot run the program ", program, ": ", std::generic_category().message(error));
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

/// A stream between this process and the program. Sockets, not pipes: a write to a pipe that nobody reads any more
/// raises SIGPIPE, which would end this process; send() can be told not to.
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

/// The running program; killed and waited for unless wait() was called.
class Child {
 public:
  explicit Child(pid_t id) : id_(id) {}
  ~Child() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    wait();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// True when it ended with code 0.
  bool wait() {
    int status = -1;
    pid_t ended = -1;
    do ended = ::waitpid(id_, &status, 0);
    while (ended < 0 && errno == EINTR);
    id_ = 0;
    return ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  pid_t id_;
};

/// Where the program's standard input, output and error lead, for posix_spawn.
struct FileActions {
  posix_spawn_file_actions_t actions;
  FileActions() { ::posix_spawn_file_actions_init(&actions); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  int connect(const Stream& stream, int number) {
    return ::posix_spawn_file_actions_adddup2(&actions, stream.theirs.get(), number);
  }
};

bool must_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

/// Sends what the stream takes now; closes it at the end, or when the program reads no more.
void send_some(Descriptor& stream, std::string_view& input) {
  const ssize_t sent = ::send(stream.get(), input.data(), input.size(), MSG_NOSIGNAL);
  if (sent > 0) input.remove_prefix(static_cast<size_t>(sent));
  if (input.empty() || (sent < 0 && !must_wait(errno))) stream.close();
}

/// Appends what has come; closes the stream at its end.
void receive_some(Descriptor& stream, std::string& text) {
  std::array<char, 65536> block;
  const ssize_t got = ::recv(stream.get(), block.data(), block.size(), 0);
  if (got > 0) text.append(block.data(), static_cast<size_t>(got));
  else if (got == 0 || !must_wait(errno)) stream.close();
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& arguments, std::string_view input, size_t output_limit) {
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
  if (error == 0) error = ::posix_spawnp(&id, program.c_str(), &actions.actions, nullptr, pointers.data(), environ);
  ProgramResult result;
  if (error == ENOENT || error == EACCES || error == ENOTDIR) {
    result.status = ProgramResult::Status::not_installed;
    return result;
  }
  if (error != 0) refuse(program, error);

  Child child(id);
  for (Stream* stream : {&in, &out, &errors}) stream->theirs.close();
  if (input.empty()) in.ours.close();
  while (out.ours.is_open() || errors.ours.is_open()) {
    std::array<pollfd, 3> waiting{
        {{in.ours.get(), POLLOUT, 0}, {out.ours.get(), POLLIN, 0}, {errors.ours.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) refuse(program, errno);
    if (waiting[0].revents != 0 && in.ours.is_open()) send_some(in.ours, input);
    if (waiting[1].revents != 0) receive_some(out.ours, result.output);
    if (waiting[2].revents != 0) receive_some(errors.ours, result.errors);
    if (result.errors.size() > most_errors) result.errors.resize(most_errors);
    if (result.output.size() > output_limit) {
      result.status = ProgramResult::Status::output_too_long;
      return result;  // ~Child kills it
    }
  }
  in.ours.close();
  result.status = child.wait() ? ProgramResult::Status::succeeded : ProgramResult::Status::failed;
  return result;
}

}  // namespace ditharos::data

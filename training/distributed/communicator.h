#pragma once
// The processes that train together, called ranks as in MPI, and the messages between them.
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace ditharos::training {

/// A rank's view of all ranks. The functions below the messages are collective: every rank calls the same ones in the
/// same order. Use it on one thread.
class Communicator {
 public:
  Communicator(int rank, int size) : rank_(rank), size_(size) {}
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }  ///< in [0, size())
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }  ///< rank 0 alone writes files and prints
  /// How many of the ranks run on this machine, this one included.
  virtual int ranks_on_this_machine() const { return size_; }

  /// A message on its way.
  using Request = int64_t;
  /// Begins to send `count` bytes, which stay unchanged until the message has left. Messages of one sender, receiver
  /// and tag arrive in order. tag >= 0.
  [[nodiscard]] virtual Request begin_send(int to, int tag, const void* bytes, size_t count) = 0;
  /// Begins to receive a message of exactly `count` bytes.
  [[nodiscard]] virtual Request begin_receive(int from, int tag, void* bytes, size_t count) = 0;
  /// Whether the message has left or has arrived; it makes progress on all messages. After true, the request is over.
  [[nodiscard]] virtual bool is_finished(Request request) = 0;
  /// Ends the processes of all ranks at once with this exit status; nothing where there is one alone. For a program
  /// whose other ranks would wait for ever for this one.
  virtual void end_all(int status) = 0;

  /// Waits until the message has left or has arrived.
  void wait(Request request);
  /// The texts of all ranks, in their order, on every rank.
  [[nodiscard]] std::vector<std::string> all_gather(const std::string& own);
  /// The same on rank 0 alone; on the other ranks nothing.
  [[nodiscard]] std::vector<std::string> gather(const std::string& own);
  /// Rank 0's text, on every rank.
  [[nodiscard]] std::string broadcast(const std::string& of_root);
  /// Returns when all ranks have called it.
  void barrier();
  /// The largest value of all ranks.
  [[nodiscard]] int64_t max(int64_t own);

 private:
  std::vector<std::string> exchange_texts(const std::string& own, const std::vector<int>& receivers,
                                          const std::vector<int>& senders);
  std::vector<int> others() const;

  int rank_, size_;
};

/// The communicator of one process.
class SingleProcess : public Communicator {
 public:
  SingleProcess() : Communicator(0, 1) {}
  Request begin_send(int to, int tag, const void* bytes, size_t count) override;
  Request begin_receive(int from, int tag, void* bytes, size_t count) override;
  bool is_finished(Request) override { return true; }
  void end_all(int) override {}
};

/// The ranks that this process belongs to: those of MPI where a launcher such as mpirun started it, else this process
/// alone. The first call starts MPI. ConfigError when there is a launcher with several processes and the library was
/// built without MPI.
[[nodiscard]] Communicator& world();
/// True when world() was called and has returned.
[[nodiscard]] bool has_world();
/// Tells the other ranks that this one ends without an error, and waits for them. Call it at the end of main, after the
/// last use of world().
void leave_world();

/// Bytes of plain numbers, for all_gather().
template <class T>
[[nodiscard]] std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}
/// The inverse.
template <class T>
[[nodiscard]] std::vector<T> values_of_bytes(const std::string& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

}  // namespace ditharos::training

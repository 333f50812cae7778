#include "tests/training/distributed/thread_ranks.h"

#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <ditharos/tensor/error.h>

namespace ditharos::tests {
namespace {

/// The messages between the ranks, by sender, receiver and tag.
struct Mail {
  std::mutex mutex;
  std::map<std::tuple<int, int, int>, std::deque<std::string>> boxes;
  std::exception_ptr failure;  // of the first rank that threw
};

/// Thrown by a rank whose partner has thrown.
struct OtherFailed {};

class ThreadRank : public training::Communicator {
 public:
  ThreadRank(Mail& mail, int rank, int size) : Communicator(rank, size), mail_(mail) {}

  Request begin_send(int to, int tag, const void* bytes, size_t count) override {
    const std::lock_guard lock(mail_.mutex);
    mail_.boxes[{rank(), to, tag}].emplace_back(static_cast<const char*>(bytes), count);
    return 0;
  }

  Request begin_receive(int from, int tag, void* bytes, size_t count) override {
    awaited_[++last_] = {from, tag, static_cast<char*>(bytes), count};
    return last_;
  }

  bool is_finished(Request request) override {
    const std::lock_guard lock(mail_.mutex);
    if (mail_.failure) throw OtherFailed();
    if (request == 0) return true;
    const Awaited& awaited = awaited_.at(request);
    // Messages of one sender and tag come in the order of their receipts.
    for (const auto& [earlier, other] : awaited_)
      if (earlier < request && other.from == awaited.from && other.tag == awaited.tag) return false;
    std::deque<std::string>& box = mail_.boxes[{awaited.from, rank(), awaited.tag}];
    if (box.empty()) return false;
    check(box.front().size() == awaited.count, "a message of ", box.front().size(), " bytes came where ", awaited.count,
          " were awaited");
    std::memcpy(awaited.bytes, box.front().data(), awaited.count);
    box.pop_front();
    awaited_.erase(request);
    return true;
  }

  void end_all(int status) override { fail("rank ", rank(), " ended with ", status); }

 private:
  struct Awaited {
    int from, tag;
    char* bytes;
    size_t count;
  };
  Mail& mail_;
  Request last_ = 0;
  std::map<Request, Awaited> awaited_;
};

}  // namespace

void run_ranks(int size, const std::function<void(training::Communicator& ranks)>& f) {
  Mail mail;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&mail, &f, rank, size] {
      try {
        ThreadRank own(mail, rank, size);
        f(own);
      } catch (const OtherFailed&) {
      } catch (...) {
        const std::lock_guard lock(mail.mutex);
        if (!mail.failure) mail.failure = std::current_exception();
      }
    });
  for (std::thread& thread : threads) thread.join();
  if (mail.failure) std::rethrow_exception(mail.failure);
}

}  // namespace ditharos::tests

#include <ditharos/training/distributed/communicator.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <thread>

#include <ditharos/tensor/error.h>
#include <ditharos/training/distributed/mpi_communicator.h>
#include <ditharos/training/distributed/tensor_messages.h>

namespace ditharos::training {
namespace {

/// The first message of all_gather(): the length of a text and its beginning, so that a short one needs no second
/// message.
struct Frame {
  uint64_t length = 0;
  std::array<char, 1016> begin{};
};

std::unique_ptr<Communicator>& the_world() {
  static std::unique_ptr<Communicator> world;
  return world;
}

/// The number of processes that a launcher says it has started; 1 without a launcher.
int launched_processes() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"})
    if (const char* text = std::getenv(name)) return std::max(1, std::atoi(text));
  return 1;
}

}  // namespace

void Communicator::wait(Request request) {
  while (!is_finished(request)) std::this_thread::yield();
}

std::vector<std::string> Communicator::exchange_texts(const std::string& own, const std::vector<int>& receivers,
                                                      const std::vector<int>& senders) {
  std::vector<std::string> texts(static_cast<size_t>(size_));
  texts[size_t(rank_)] = own;
  std::vector<Frame> frames(texts.size());
  Frame& mine = frames[size_t(rank_)];
  const size_t whole = mine.begin.size();  // the longest text that needs no second message
  mine.length = own.size();
  std::copy_n(own.begin(), std::min(own.size(), whole), mine.begin.begin());
  std::vector<Request> requests;
  const auto wait_for_all = [&] {
    for (const Request request : requests) wait(request);
    requests.clear();
  };
  for (const int from : senders)
    requests.push_back(begin_receive(from, frame_tag, &frames[size_t(from)], sizeof(Frame)));
  for (const int to : receivers) requests.push_back(begin_send(to, frame_tag, &mine, sizeof(Frame)));
  wait_for_all();
  for (const int from : senders) {
    const Frame& frame = frames[size_t(from)];
    std::string& text = texts[size_t(from)];
    text.assign(frame.begin.data(), size_t(std::min<uint64_t>(frame.length, whole)));
    text.resize(size_t(frame.length));
    if (text.size() > whole)
      requests.push_back(begin_receive(from, rest_tag, text.data() + whole, text.size() - whole));
  }
  if (own.size() > whole)
    for (const int to : receivers) requests.push_back(begin_send(to, rest_tag, own.data() + whole, own.size() - whole));
  wait_for_all();
  return texts;
}

/// All ranks but this one, the next one first, so that not all send to the same one at first.
std::vector<int> Communicator::others() const {
  std::vector<int> others;
  for (int distance = 1; distance < size_; ++distance) others.push_back((rank_ + distance) % size_);
  return others;
}

std::vector<std::string> Communicator::all_gather(const std::string& own) {
  return exchange_texts(own, others(), others());
}

std::vector<std::string> Communicator::gather(const std::string& own) {
  if (is_root()) return exchange_texts(own, {}, others());
  static_cast<void>(exchange_texts(own, {0}, {}));
  return {};
}

std::string Communicator::broadcast(const std::string& of_root) {
  return is_root() ? exchange_texts(of_root, others(), {})[0] : exchange_texts({}, {}, {0})[0];
}

void Communicator::barrier() { static_cast<void>(all_gather("")); }

int64_t Communicator::max(int64_t own) {
  int64_t most = own;
  for (const std::string& bytes : all_gather(bytes_of(std::vector<int64_t>{own})))
    most = std::max(most, values_of_bytes<int64_t>(bytes).at(0));
  return most;
}

Communicator::Request SingleProcess::begin_send(int to, int, const void*, size_t) {
  fail("[Communicator] a single process cannot send to rank ", to);
}

Communicator::Request SingleProcess::begin_receive(int from, int, void*, size_t) {
  fail("[Communicator] a single process cannot receive from rank ", from);
}

Communicator& world() {
  std::unique_ptr<Communicator>& world = the_world();
  if (world) return *world;
  const int processes = launched_processes();
  if (processes > 1) world = start_mpi();
  check<ConfigError>(processes == 1 || world, "a launcher started ", processes, " processes, but this program was ",
                     "built without MPI: install it (libopenmpi-dev), and build with DITHAROS_WITH_MPI=ON");
  if (!world) world = std::make_unique<SingleProcess>();
  return *world;
}

bool has_world() { return the_world() != nullptr; }

void leave_world() { the_world().reset(); }

}  // namespace ditharos::training

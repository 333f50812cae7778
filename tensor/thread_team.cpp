#include <ditharos/tensor/thread_team.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <system_error>
#include <thread>

#include <pthread.h>
#include <signal.h>
#if defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

#include <ditharos/tensor/cpu_quota.h>
#include <ditharos/tensor/error.h>

namespace ditharos {
namespace {

using Clock = std::chrono::steady_clock;

/// How long a thread looks out before it sleeps: about as long as waking takes, so that at worst the wait is doubled.
constexpr std::chrono::microseconds patience{50};

uint64_t ticket_of(uint64_t loop, uint64_t next, uint64_t pieces) { return loop << 32 | next << 16 | pieces; }
uint64_t next_of(uint64_t ticket) { return ticket >> 16 & 0xffff; }
uint64_t pieces_of(uint64_t ticket) { return ticket & 0xffff; }
bool has_work(uint64_t ticket) { return next_of(ticket) < pieces_of(ticket); }

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Looks at `ready` again and again; false when that took too long.
template <class F>
bool look_out(const F& ready) {
  const auto end = Clock::now() + patience;
  do {
    for (int i = 0; i < 64; ++i) {
      if (ready()) return true;
      pause();
    }
  } while (Clock::now() < end);
  return ready();
}

#if defined(__linux__)
/// The cores that this process may use; empty when the system does not tell.
std::vector<int> allowed_cores() {
  std::vector<int> cores;
#if defined(_OPENMP)
  // Under OMP_PROC_BIND the OpenMP runtime has put the first thread on one core before main began, and only its list
  // of places still tells what it found.
  for (int place = 0; place < omp_get_num_places(); ++place) {
    std::vector<int> ids(static_cast<size_t>(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, ids.data());
    cores.insert(cores.end(), ids.begin(), ids.end());
  }
  std::sort(cores.begin(), cores.end());
  cores.erase(std::unique(cores.begin(), cores.end()), cores.end());
  if (!cores.empty()) return cores;
#endif
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &set)) cores.push_back(i);
  return cores;
}
#endif

bool pinning_asked_for() {
  const char* text = std::getenv("DITHAROS_PIN");
  if (!text) return false;
  const std::string value = text;
  check<ConfigError>(value == "0" || value == "1", "DITHAROS_PIN must be 0 or 1, got \"", value, "\"");
  return value == "1";
}

std::atomic<ThreadTeam*> current{nullptr};
std::mutex making;

}  // namespace

int available_cores() {
  int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#if defined(__linux__)
  if (const auto allowed = allowed_cores(); !allowed.empty()) cores = static_cast<int>(allowed.size());
  cores = cores_within(cores, cpu_quota());
#endif
  return cores;
}

int cores_within(int cores, double quota) {
  return quota < cores ? std::max(1, static_cast<int>(quota)) : cores;
}

ThreadTeam& ThreadTeam::instance() {
  ThreadTeam* team = current.load(std::memory_order_acquire);
  if (team) return *team;
  const std::lock_guard lock(making);
  if (!current.load(std::memory_order_acquire)) {
    static const int registered = pthread_atfork(
        [] { making.lock(); }, [] { making.unlock(); },
        [] {  // threads do not survive a fork: the child makes its own when it needs them
          current.store(nullptr, std::memory_order_release);
          making.unlock();
        });
    (void)registered;
    const bool pinned = pinning_asked_for();
    auto* made = new ThreadTeam;
    made->pinned_ = pinned;
    current.store(made, std::memory_order_release);
  }
  return *current.load(std::memory_order_acquire);
}

bool ThreadTeam::run(int pieces, FunctionRef<void(int)> body) {
  const std::unique_lock turn(caller_, std::try_to_lock);
  if (!turn) return false;
  ensure_threads(pieces - 1);
  body_ = &body;
  unfinished_.store(pieces, std::memory_order_relaxed);
#if defined(__linux__)
  callers_core_.store(sched_getcpu(), std::memory_order_relaxed);
#endif
  const uint64_t loop = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
  // Sequentially consistent, as is the sleepers' side: either they see this ticket or we see them asleep.
  ticket_.store(ticket_of(loop & 0xffffffff, 0, static_cast<uint64_t>(pieces)));
  if (const int asleep = sleepers_.load(); asleep > 0) {
    alarm_.fetch_add(1);
    if (pieces - 1 >= asleep) alarm_.notify_all();
    else
      for (int i = 1; i < pieces; ++i) alarm_.notify_one();
  }
  while (work_one_piece(false)) {}
  wait_until_done();
  return true;
}

/// Systems wake a thread on the core of its waker at times, and leave both there for long although another core idles:
/// everything takes twice as long then. A look at the number of the core costs nanoseconds; moving is rare.
void ThreadTeam::leave_callers_core() const {
#if defined(__linux__)
  const int core = callers_core_.load(std::memory_order_relaxed);
  if (core < 0 || sched_getcpu() != core) return;
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0 || !CPU_ISSET(core, &all) || CPU_COUNT(&all) < 2) return;
  cpu_set_t others = all;
  CPU_CLR(core, &others);
  sched_setaffinity(0, sizeof others, &others);  // moves at once
  sched_setaffinity(0, sizeof all, &all);        // and does not move back
#endif
}

bool ThreadTeam::work_one_piece(bool ours) {
  uint64_t ticket = ticket_.load();
  do {
    if (!has_work(ticket)) return false;
  } while (!ticket_.compare_exchange_weak(ticket, ticket + (uint64_t{1} << 16)));
  if (ours) leave_callers_core();
  // The loop cannot end, nor its body go away, before this piece is done.
  (*body_)(static_cast<int>(next_of(ticket)));
  if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
  return true;
}

void ThreadTeam::wait_until_done() {
  const auto done = [&] { return unfinished_.load(std::memory_order_acquire) == 0; };
  if (look_out(done)) return;
  for (int left; (left = unfinished_.load(std::memory_order_acquire)) != 0;)
    unfinished_.wait(left, std::memory_order_acquire);
}

void ThreadTeam::work() {
  for (;;) {
    while (work_one_piece(true)) {}
    if (!look_out([&] { return has_work(ticket_.load(std::memory_order_relaxed)); })) sleep();
  }
}

void ThreadTeam::sleep() {
  const int before = alarm_.load();
  sleepers_.fetch_add(1);
  if (!has_work(ticket_.load())) alarm_.wait(before);
  sleepers_.fetch_sub(1);
}

void ThreadTeam::ensure_threads(int count) {
  if (threads_ >= count) return;
  // Signals are for the program's own threads: ours are born with all of them blocked.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (; threads_ < count; ++threads_) {
      std::thread thread([this] { work(); });
      handles_.push_back(thread.native_handle());
      thread.detach();
    }
  } catch (const std::system_error&) {
    // No more threads to be had: the caller does what they would have done.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  apply_pinning();  // also where they may roam: they were born with the caller's cores, which may be fewer
}

void ThreadTeam::set_pinning(bool on) {
  const std::lock_guard turn(caller_);
  if (pinned_ == on) return;
  pinned_ = on;
  apply_pinning();
}

void ThreadTeam::apply_pinning() {
#if defined(__linux__)
  const std::vector<int> cores = allowed_cores();
  if (cores.size() < 2) return;  // nothing to choose from
  for (size_t i = 0; i < handles_.size(); ++i) {
    cpu_set_t set;
    CPU_ZERO(&set);
    // The caller is left the first core; more threads than cores share them in turn.
    if (pinned_) CPU_SET(cores[(i + 1) % cores.size()], &set);
    else
      for (const int core : cores) CPU_SET(core, &set);
    pthread_setaffinity_np(handles_[i], sizeof set, &set);  // fails where not permitted: they roam then
  }
#endif
}

}  // namespace ditharos

// The overhead of a parallel loop: an empty loop on all threads, repeated immediately and after a pause.
#include <chrono>
#include <thread>

#include <ditharos/tensor/parallel.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

void empty_loop() {
  parallel_for(num_threads(), 1, [](int64_t, int64_t) {});
}

}  // namespace

void add_parallel_cases(std::vector<Case>& cases) {
  cases.push_back({"parallel/100_loops", [] {
                     return Work{.run =
                                     [] {
                                       for (int i = 0; i < 100; ++i) empty_loop();
                                     },
                                 .flops = 0,
                                 .bytes = 0,
                                 .items = 100};
                   }});
  cases.push_back({"parallel/loop_after_1ms_rest", [] {
                     return Work{.run =
                                     [] {
                                       std::this_thread::sleep_for(std::chrono::milliseconds(1));  // counted as well
                                       empty_loop();
                                     },
                                 .flops = 0,
                                 .bytes = 0};
                   }});
}

}  // namespace ditharos::bench

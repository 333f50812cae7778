// Graphs of a million operations are traversed and freed without recursion, which would overflow a stack of 8 MiB.
#include <doctest/doctest.h>
#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <functional>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

using namespace ditharos;

namespace {

/// Runs f in a thread whose stack has 256 KiB: a recursion of a million frames does not fit.
void on_small_stack(std::function<void()> f) {
  struct Job {
    std::function<void()> f;
    std::exception_ptr error;
  } job{std::move(f), nullptr};
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    Job& j = *static_cast<Job*>(argument);
    try {
      j.f();
    } catch (...) {
      j.error = std::current_exception();
    }
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, &job) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  if (job.error) std::rethrow_exception(job.error);
}

/// Bytes in use on the heap, which tensors are on too; 0 where the C library (or a sanitizer) does not tell.
double bytes_in_use() {
#if defined(__GLIBC__)
  const auto heap = mallinfo2();
  return double(heap.uordblks + heap.hblkhd);
#else
  return 0;
#endif
}

/// CPU time of this thread: other programs on the machine do not count.
double cpu_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

}  // namespace

TEST_CASE("deep graph: a million operations that save their inputs, backward and freed") {
  constexpr int length = 1'000'000;
  const Tensor x = scalar(1, DType::f64).set_requires_grad();
  const double before = bytes_in_use(), start = cpu_seconds();
  Tensor y = x;
  for (int i = 0; i < length; ++i) y = y * x;  // saves both factors, so every node keeps its predecessor's result
  const double bytes = (bytes_in_use() - before) / length, forward = cpu_seconds() - start;
  backward(y, {}, {.retain_graph = true});
  const double backwards = cpu_seconds() - start - forward;
  y = {};
  const double freeing = cpu_seconds() - start - forward - backwards;
  CHECK(x.grad().item() == length + 1);
  CHECK(live_nodes() == 0);
  std::printf(
      "deep graph: a million multiplications: forward %.2f s, backward %.2f s, freeing %.2f s of CPU time, "
      "%.0f bytes each\n",
      forward, backwards, freeing, bytes);
}

TEST_CASE("deep graph: freed piece by piece during backward, and through captured results") {
  on_small_stack([&] {
    const Tensor x = scalar(1, DType::f64).set_requires_grad();
    Tensor y = x;
    for (int i = 0; i < 50'000; ++i) y = tanh(y) * 1.000001;
    y.backward();
    y = {};
    // Rules that capture earlier results instead of saving them.
    Tensor z = x;
    for (int i = 0; i < 50'000; ++i)
      z = record("test.capturing", zeros({}, DType::f64), {x}, save_nothing,
                 each([z](const Backward& d) { return d.grad() * z; }));
  });
  CHECK(live_nodes() == 0);
}

TEST_CASE("deep graph: wide and branching graphs are freed too") {
  on_small_stack([] {
    const Tensor x = scalar(1, DType::f64).set_requires_grad();
    Tensor y = x;
    for (int i = 0; i < 50'000; ++i) y = y * .5 + y * .5;  // two ways a step: 2^50000 paths, walked once each
    CHECK(grad(y, x).item() == 1);
    std::vector<Tensor> leaves;
    for (int i = 0; i < 10'000; ++i) leaves.push_back(x * double(i));
    CHECK(grad(sum(stack(leaves, 0)), x).item() == 49'995'000);
  });
  CHECK(live_nodes() == 0);
}

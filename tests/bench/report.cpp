#include "tests/bench/report.h"

#include <cstdio>

#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm/gemm_backend.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::bench {
namespace {

void print_json(const Result& r, double peak) {
  const double gflops = r.work.flops * 1e-9 / r.measured.seconds;
  std::printf("{\"name\": \"%s\", \"seconds\": %.9f, \"median\": %.9f, \"repetitions\": %d", r.name.c_str(),
              r.measured.seconds, r.measured.median, r.measured.repetitions);
  if (r.work.flops > 0)
    std::printf(", \"flops\": %.0f, \"gflops\": %.2f, \"share_of_peak\": %.4f", r.work.flops, gflops, gflops / peak);
  if (r.work.bytes > 0) std::printf(", \"gbytes_per_second\": %.2f", r.work.bytes * 1e-9 / r.measured.seconds);
  if (r.work.items > 0)
    std::printf(", \"items\": %.0f, \"nanoseconds_per_item\": %.2f", r.work.items,
                r.measured.seconds * 1e9 / r.work.items);
  if (r.work.parameters > 0) std::printf(", \"parameters\": %lld", static_cast<long long>(r.work.parameters));
  std::printf(", \"allocator_peak\": %zu, \"system_peak\": %zu, \"system_requests\": %llu, \"clean\": %s}\n",
              r.allocator_peak, r.system_peak, static_cast<unsigned long long>(r.measured.system_requests),
              r.measured.clean ? "true" : "false");
}

void print_text(const Result& r, double peak) {
  const double gflops = r.work.flops * 1e-9 / r.measured.seconds;
  std::printf("%-44s %11.3f ms", r.name.c_str(), r.measured.seconds * 1e3);
  if (r.work.flops > 0) std::printf("  %7.1f GFLOP/s  %5.1f %% of peak", gflops, 100 * gflops / peak);
  if (r.work.bytes > 0) std::printf("  %7.1f GB/s", r.work.bytes * 1e-9 / r.measured.seconds);
  if (r.work.items > 0) std::printf("  %9.1f ns each", r.measured.seconds * 1e9 / r.work.items);
  if (r.work.parameters > 0)
    std::printf("  %6.0f MB of tensors, %6.0f MB in all", double(r.allocator_peak) * 1e-6,
                double(r.system_peak) * 1e-6);
  std::printf("%s\n", r.measured.clean ? "" : "  disturbed");
}

}  // namespace

void print_machine(bool json, double peak) {
  const char* isa = kernels::name_of(kernels::active_isa());
  if (json)
    std::printf("{\"peak_gflops\": %.1f, \"threads\": %d, \"isa\": \"%s\", \"gemm\": \"%s\"}\n", peak, num_threads(),
                isa, kernels::gemm_backend());
  else std::printf("%d threads, %s, %s, peak %.0f GFLOP/s\n", num_threads(), isa, kernels::gemm_backend(), peak);
  std::fflush(stdout);
}

void print_result(bool json, const Result& result, double peak) {
  json ? print_json(result, peak) : print_text(result, peak);
  std::fflush(stdout);
}

}  // namespace ditharos::bench

// The benchmark program.
//
//   bench               runs every case
//   bench --list        names them
//   bench NAME...       runs those whose name contains one of the words
//   bench --json        one JSON object a line
//   bench --seconds S   time for each case (default 0.5)
//
// A case is repeated until the machine did its peak right before and right after; otherwise the line ends in
// "disturbed". OMP_PROC_BIND=true keeps threads on their cores; DITHAROS_NUM_THREADS and DITHAROS_ISA have effect.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tests/bench/bench.h>

namespace {

using namespace ditharos;
using namespace ditharos::bench;

struct Options {
  bool list = false, json = false;
  double seconds = 0.5;
  std::vector<std::string> words;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--list") options.list = true;
    else if (argument == "--json") options.json = true;
    else if (argument == "--seconds") {
      check<ConfigError>(i + 1 < argc, "--seconds needs a number");
      try {
        options.seconds = std::stod(argv[++i]);
      } catch (const std::exception&) {
        fail<ConfigError>("--seconds needs a number, got ", argv[i]);
      }
    } else {
      check<ConfigError>(argument[0] != '-', "unknown option ", argument, "; there are --list, --json and --seconds");
      options.words.push_back(argument);
    }
  }
  return options;
}

bool wanted(const Options& options, const std::string& name) {
  if (options.words.empty()) return true;
  return std::any_of(options.words.begin(), options.words.end(),
                     [&](const std::string& word) { return name.find(word) != std::string::npos; });
}

void print(const Options& options, const Case& c, const Work& work, const Measurement& m, double peak) {
  const double gflops = work.flops * 1e-9 / m.seconds, gbytes = work.bytes * 1e-9 / m.seconds;
  if (options.json) {
    std::printf("{\"name\": \"%s\", \"seconds\": %.9f, \"median\": %.9f, \"repetitions\": %d, \"gflops\": %.2f, "
                "\"share_of_peak\": %.4f, \"gbytes_per_second\": %.2f, \"clean\": %s}\n",
                c.name.c_str(), m.seconds, m.median, m.repetitions, gflops, gflops / peak, gbytes,
                m.clean ? "true" : "false");
  } else {
    std::printf("%-44s %11.3f ms", c.name.c_str(), m.seconds * 1e3);
    if (work.flops > 0) std::printf("  %7.1f GFLOP/s  %5.1f %% of peak", gflops, 100 * gflops / peak);
    if (work.bytes > 0) std::printf("  %7.1f GB/s", gbytes);
    std::printf("%s\n", m.clean ? "" : "  disturbed");
  }
  std::fflush(stdout);
}

void run(const Options& options) {
  std::vector<Case> cases;
  add_gemm_cases(cases);
  add_kernel_cases(cases);
  add_step_cases(cases);
  std::erase_if(cases, [&](const Case& c) { return !wanted(options, c.name); });
  check<ConfigError>(!cases.empty(), "no case has such a name; --list shows them");
  if (options.list) {
    for (const Case& c : cases) std::printf("%s\n", c.name.c_str());
    return;
  }
  double peak = 0;
  for (int i = 0; i < 5; ++i) peak = std::max(peak, measure_peak());
  if (options.json)
    std::printf("{\"peak_gflops\": %.1f, \"threads\": %d, \"isa\": \"%s\", \"gemm\": \"%s\"}\n", peak, num_threads(),
                kernels::name_of(kernels::active_isa()), kernels::gemm_backend());
  else
    std::printf("%d threads, %s, %s, peak %.0f GFLOP/s\n", num_threads(), kernels::name_of(kernels::active_isa()),
                kernels::gemm_backend(), peak);
  for (const Case& c : cases) {
    const Work work = c.prepare();
    print(options, c, work, measure(work, peak, options.seconds), peak);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse(argc, argv));
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench: %s\n", e.what());
    return 1;
  }
}

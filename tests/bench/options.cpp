#include "tests/bench/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include <ditharos/tensor/error.h>

namespace ditharos::bench {
namespace {

double parse_seconds(const char* text) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), seconds);
  check<ConfigError>(error == std::errc() && *end == 0 && std::isfinite(seconds) && seconds >= 0,
                     "--seconds needs a number that is not negative, got \"", text, "\"");
  return seconds;
}

}  // namespace

const char* const help_text =
    R"(Measures how fast the library is: matrix products, fused kernels, the allocator, the cost of an operation,
training and sampling steps.

Usage: bench [OPTION]... [NAME]...

A NAME chooses the cases whose names contain it, or, if it is the whole name of a case, that case alone; without a NAME
all cases run, which takes some minutes.

  -h, --help      print this text
  --list          print the names of the cases, and measure nothing
  --json          print one JSON object a line: first the machine, then each case
  --seconds S     repeat each case for S seconds; twice if that is longer, once if it is four times as long
                  (default: 0.5)
  --precision P   of the products in steps, samples and linear/: f32, or bf16 for mixed precision (default: f32)
  --profile FILE  after each case print where its time goes, by operation and by module; FILE gets the last one's trace
                  for chrome://tracing or ui.perfetto.dev

  bench step                         training steps
  bench attention/S2 linear/S2       kernels at the shapes of DiT-S/2
  bench --json curve > curves.json   how the cost grows with tokens, width, batch and depth

A line tells the time of one run (the 20th percentile of the repetitions), the share of the peak that a loop of
fused multiply-adds reaches on all threads, or the bytes that one run has to move at least; for cases of many small
items the time of one; for steps the largest memory, as the allocator and as the system counts it. JSON has these keys:

  seconds, median, repetitions      of one run
  flops, gflops, share_of_peak      operations of one run; 10^9 a second; of the machine's peak
  gbytes_per_second                 memory that one run must read and write, in 10^9 bytes a second
  items, nanoseconds_per_item       operations or allocations in one run, and the time of one
  parameters                        that the model trains
  allocator_peak, system_peak       bytes: tensors live at most; resident memory at most, code and caches included
  system_requests                   of the allocator, in the last run: 0 in a steady state
  clean                             false when the machine was disturbed

Each case runs until the machine was at its peak right before and right after, a few times; a case that never was is
marked "disturbed". Compare times of one run, not of two.

Environment: DITHAROS_NUM_THREADS or OMP_NUM_THREADS sets the number of threads. OMP_PROC_BIND=true keeps each on a core
of its own, and OMP_WAIT_POLICY=passive lets them sleep between loops. DITHAROS_ISA (baseline, avx2, avx512,
avx512_bf16) lowers the instruction set.
)";

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      options.help = true;
    } else if (argument == "--list") {
      options.list = true;
    } else if (argument == "--json") {
      options.json = true;
    } else if (argument == "--seconds") {
      check<ConfigError>(i + 1 < argc, "--seconds needs a number");
      options.seconds = parse_seconds(argv[++i]);
    } else if (argument == "--precision") {
      const std::string value = i + 1 < argc ? argv[++i] : "";
      check<ConfigError>(value == "f32" || value == "bf16", "--precision needs f32 or bf16");
      options.precision = value == "bf16" ? DType::bf16 : DType::f32;
    } else if (argument == "--profile") {
      check<ConfigError>(i + 1 < argc, "--profile needs a file");
      options.profile = argv[++i];
    } else {
      check<ConfigError>(!argument.starts_with("-"), "unknown option ", argument, "; --help lists them");
      options.words.push_back(argument);
    }
  }
  return options;
}

bool wanted(const Options& options, const std::string& name, const std::vector<std::string>& all_names) {
  const auto chooses = [&](const std::string& word) {
    const bool is_name = std::find(all_names.begin(), all_names.end(), word) != all_names.end();
    return is_name ? name == word : name.find(word) != std::string::npos;
  };
  return options.words.empty() || std::any_of(options.words.begin(), options.words.end(), chooses);
}

}  // namespace ditharos::bench

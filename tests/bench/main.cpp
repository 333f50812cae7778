// The benchmark program; `bench --help` tells how to use it.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/error.h>
#include "tests/bench/bench.h"
#include "tests/bench/memory.h"
#include "tests/bench/options.h"
#include "tests/bench/report.h"

namespace {

using namespace ditharos;
using namespace ditharos::bench;

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  add_gemm_cases(cases);
  add_conv_cases(cases);
  add_kernel_cases(cases);
  add_attention_cases(cases);
  add_loss_cases(cases);
  add_op_cases(cases);
  add_allocator_cases(cases);
  add_engine_cases(cases);
  add_step_cases(cases);
  add_sample_cases(cases);
  add_video_cases(cases);
  add_curve_cases(cases);
  add_determinism_cases(cases);
  add_parallel_cases(cases);
  add_loading_cases(cases);
  return cases;
}

std::vector<Case> chosen_cases(const Options& options) {
  std::vector<Case> cases = all_cases();
  std::vector<std::string> names;
  for (const Case& c : cases) names.push_back(c.name);
  for (const std::string& word : options.words) {
    const auto has_word = [&](const std::string& name) { return name.find(word) != std::string::npos; };
    check<ConfigError>(std::any_of(names.begin(), names.end(), has_word), "no case has \"", word,
                       "\" in its name; --list shows them");
  }
  std::erase_if(cases, [&](const Case& c) { return !wanted(options, c.name, names); });
  return cases;
}

Result run_case(const Case& c, double& peak, double seconds) {
  reset_system_peak();
  reset_peak();
  Result result{.name = c.name, .work = c.prepare(), .measured = {}, .allocator_peak = 0, .system_peak = 0};
  result.measured = measure(result.work, peak, seconds);
  result.allocator_peak = allocator_stats().peak;
  result.system_peak = system_peak();
  return result;
}

/// Where the time of a case goes, the mean of several runs.
void print_profile(const Work& work, const std::string& path) {
  constexpr int runs = 5;
  Profiler profiler;
  for (int i = 0; i < runs; ++i) work.run();
  profiler.stop();
  std::printf("%s\n%s\n", profiler.table(runs).c_str(), profiler.module_table(runs).c_str());
  profiler.save_trace(path);
}

void run(const Options& options) {
  if (options.help) {
    std::fputs(help_text, stdout);
    return;
  }
  const Autocast precision(options.precision);
  const std::vector<Case> cases = chosen_cases(options);
  if (options.list) {
    for (const Case& c : cases) std::printf("%s\n", c.name.c_str());
    return;
  }
  double peak = 0;
  for (int i = 0; i < 5; ++i) peak = std::max(peak, measure_peak());
  print_machine(options.json, peak);
  for (const Case& c : cases) {
    const Result result = run_case(c, peak, options.seconds);
    print_result(options.json, result, peak);
    if (!options.profile.empty()) print_profile(result.work, options.profile);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse_options(argc, argv));
    return 0;
  } catch (const ditharos::ConfigError& e) {
    std::fprintf(stderr, "bench: %s\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench: %s\n", e.what());
    return 1;
  }
}

// Writes a page about training runs, with their curves side by side.
//
//   report runs/a runs/b --out report.html
#include <cstdio>
#include <string>
#include <vector>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/training/report/report_page.h>
#include <ditharos/training/run/output_files.h>
#include "examples/cli/inputs.h"
#include "examples/cli/program.h"
#include "examples/cli/settings.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

int report(int argc, char** argv) {
  std::string out = "report.html";
  std::vector<std::string> folders;
  int64_t image_megabytes = 6;
  Settings settings("report",
                    "Writes one HTML page about training runs: curves, samples, configurations, "
                    "environments.");
  settings.without_config_file();
  settings.add_arguments(folders, "RUN...", "the folders of the runs");
  settings.options()
      .add("out", out, "the page; its name ends in .html")
      .add("image_megabytes", image_megabytes, "the most bytes of sample grids in the page, in millions",
           between(0, 1000));
  if (!settings.parse(argc, argv)) return 0;
  check<ConfigError>(!folders.empty(), "name the folders of the runs: report runs/a runs/b --out ", out);
  // No file of a run but its own page has such a name.
  check<ConfigError>(out.ends_with(".html"), "--out ", quote(out),
                     ": what is written there is a page, so its name must end in .html");
  training::check_output_file(out);
  for (const std::string& folder : folders) check_inputs({{"RUN", folder}});

  std::vector<training::RunData> runs;
  for (const std::string& folder : folders) runs.push_back(training::read_run(folder));
  training::write_report_page(out, runs, {.image_bytes = uint64_t(image_megabytes) * 1'000'000});
  for (const training::RunData& run : runs)
    std::printf("%s: %zu lines, %zu sample grids\n", run.name.c_str(), run.metrics.rows.size(), run.samples.size());
  std::printf("page: %s\n", out.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, report); }

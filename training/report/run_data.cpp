#include <ditharos/training/report/run_data.h>

#include <filesystem>
#include <sstream>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/training/run/run_folder.h>

namespace ditharos::training {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t longest_configuration = 1 << 20;

/// The lines of a configuration as the programs write it: a setting a line, below the header of its section.
std::vector<ConfigurationLine> configuration_lines(const std::string& text) {
  std::vector<ConfigurationLine> all;
  std::string section;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t at = line.find(" = ");
    if (line.starts_with('[') && line.ends_with(']')) section = line.substr(1, line.size() - 2);
    else if (at != std::string::npos && !line.starts_with('#'))
      all.push_back({section, line.substr(0, at), line.substr(at + 3)});
  }
  return all;
}

}  // namespace

RunData read_run(const std::string& folder) {
  std::error_code error;
  check<IoError>(fs::is_directory(folder, error), quote(folder), " is no folder of a run");
  const auto file = [&](const char* name) { return (fs::path(folder) / name).string(); };
  const bool configured = fs::exists(file(configuration_file), error);
  check<IoError>(configured || fs::exists(file(metrics_file), error), quote(folder),
                 " is no folder of a run: it has neither ", configuration_file, " nor ", metrics_file);
  RunData run;
  run.name = folder;
  while (run.name.size() > 1 && run.name.ends_with('/')) run.name.pop_back();
  if (configured) run.configuration = configuration_lines(read_file(file(configuration_file), longest_configuration));
  run.metrics = read_metrics(file(metrics_file));
  run.timing = read_metrics(file(timing_file));
  for (KeptSample& sample : list_samples(file(sample_folder)))
    if (sample.path.ends_with(".png")) run.samples.push_back(std::move(sample));
  run.sessions = read_sessions(file(session_file));
  return run;
}

}  // namespace ditharos::training

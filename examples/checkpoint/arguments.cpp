#include "examples/checkpoint/arguments.h"

#include <filesystem>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/training/run/output_files.h>
#include <ditharos/training/run/resume.h>
#include "examples/cli/inputs.h"
#include "examples/cli/outputs.h"
#include "examples/cli/run_reporter.h"

namespace ditharos::examples {

namespace fs = std::filesystem;

void Paths::check(const std::string& command, size_t least, size_t most, const std::string& ending) const {
  const char* const expected = most > least ? " files or more, got " : least == 1 ? " file, got " : " files, got ";
  ditharos::check<ConfigError>(files.size() >= least && files.size() <= most, "checkpoint ", command, " takes ", least,
                               expected, files.size());
  std::vector<NamedInput> inputs;
  for (const std::string& file : files) inputs.push_back({"FILE", file, true});
  if (!ending.empty()) {
    ditharos::check<ConfigError>(out.ends_with(ending), "checkpoint ", command, " needs --out FILE", ending,
                                 out.empty() ? "" : ", got " + quote(out));
    check_outputs({{"--out", out}}, inputs);
    training::check_output_file(out);
  }
  check_inputs(inputs);
}

Settings command(const std::string& name, const std::string& summary, Paths& paths, const std::string& placeholder) {
  Settings settings("checkpoint " + name, summary);
  settings.without_config_file();
  settings.add_arguments(paths.files, placeholder, "checkpoints, or the folders of runs");
  return settings;
}

training::LatestCheckpoint open_newest(const std::string& path) {
  RunReporter reporter;
  return training::open_checkpoint(path, reporter);
}

std::string newest_in(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error) ? open_newest(path).path : path;
}

std::vector<std::string> all_in(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    const fs::path inner = fs::path(path) / training::checkpoint_folder;
    const auto found = training::checkpoint_files(fs::is_directory(inner, error) ? inner.string() : path);
    check<IoError>(!found.empty(), "there is no checkpoint in ", quote(path));
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

}  // namespace ditharos::examples

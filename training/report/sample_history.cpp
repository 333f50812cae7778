#include <ditharos/training/report/sample_history.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::training {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t most_history_bytes = uint64_t(64) << 20;
constexpr size_t digits = 8;
const std::string sample_prefix = "step_";

}  // namespace

void keep_sample(const std::string& folder, int64_t step, const std::string& file) {
  std::error_code error;
  fs::create_directories(folder, error);
  check<IoError>(!error, "cannot make the folder ", folder, ": ", error.message());
  std::string number = std::to_string(step);
  number.insert(0, digits - std::min(number.size(), digits), '0');
  const std::string path = (fs::path(folder) / (sample_prefix + number)).string() + fs::path(file).extension().string();
  const std::string bytes = read_file(file, most_history_bytes);
  AtomicFile copy(path);
  copy.write(bytes.data(), bytes.size());
  copy.commit();
}

std::vector<KeptSample> list_samples(const std::string& folder) {
  std::vector<KeptSample> samples;
  std::error_code error;
  fs::directory_iterator it(folder, error);
  if (error == std::errc::no_such_file_or_directory) return samples;
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().stem().string();
    std::error_code ignored;
    if (!name.starts_with(sample_prefix) || !it->is_regular_file(ignored)) continue;
    int64_t step = -1;
    const char* const last = name.data() + name.size();
    const auto [end, problem] = std::from_chars(name.data() + sample_prefix.size(), last, step);
    if (problem == std::errc() && end == last && step >= 0) samples.push_back({step, it->path().string()});
  }
  check<IoError>(!error, "cannot list the samples in ", folder, ": ", error.message());
  std::sort(samples.begin(), samples.end(), [](const KeptSample& a, const KeptSample& b) {
    return a.step != b.step ? a.step < b.step : a.path < b.path;
  });
  return samples;
}

void drop_samples_after(const std::string& folder, int64_t last_step) {
  for (const KeptSample& sample : list_samples(folder)) {
    if (sample.step <= last_step) continue;
    std::error_code error;
    fs::remove(sample.path, error);
    check<IoError>(!error, "cannot remove ", sample.path, ": ", error.message());
  }
}

}  // namespace ditharos::training

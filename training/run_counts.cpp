#include <ditharos/training/run_counts.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>
#include <type_traits>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/number_text.h>

namespace ditharos::training {
namespace {

/// Calls f with every number of the counts, in the order of the text.
template <class Counts, class F>
void for_each_number(Counts& counts, const F& f) {
  f(counts.skipped);
  f(counts.skipped_in_succession);
  f(counts.rolled_back);
  for (size_t i = 0; i < size_t(LossByTime::bins); ++i) {
    f(counts.losses.sum[i]);
    f(counts.losses.samples[i]);
  }
}

}  // namespace

void LossByTime::add(const LossByTime& other) {
  for (size_t i = 0; i < size_t(bins); ++i) {
    sum[i] += other.sum[i];
    samples[i] += other.samples[i];
  }
}

double LossByTime::mean() const {
  double total = 0;
  int64_t count = 0;
  for (size_t i = 0; i < size_t(bins); ++i) {
    total += sum[i];
    count += samples[i];
  }
  return count > 0 ? total / double(count) : std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> LossByTime::means() const {
  std::vector<double> means;
  for (size_t i = 0; i < size_t(bins); ++i)
    means.push_back(samples[i] > 0 ? sum[i] / double(samples[i]) : std::numeric_limits<double>::quiet_NaN());
  return means;
}

std::string to_text(const RunCounts& counts) {
  if (counts == RunCounts()) return "";
  std::string text;
  for_each_number(counts, [&](auto number) {
    if (!text.empty()) text += ' ';
    if constexpr (std::is_same_v<decltype(number), double>) text += shortest(number);
    else text += std::to_string(number);
  });
  return text;
}

RunCounts parse_run_counts(const std::string& text) {
  RunCounts counts;
  std::string_view rest = text;
  for_each_number(counts, [&](auto& number) {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    const size_t read = size_t(end - rest.data());
    const bool sound = error == std::errc() && (read == rest.size() || rest[read] == ' ') &&
                       std::isfinite(double(number)) && (std::is_same_v<decltype(number), double&> || number >= 0);
    check<IoError>(sound, "the checkpoint's counts of losses and left out steps cannot be read");
    rest.remove_prefix(std::min(read + 1, rest.size()));
  });
  check<IoError>(to_text(counts) == text, "the checkpoint's counts of losses and left out steps cannot be read");
  return counts;
}

}  // namespace ditharos::training

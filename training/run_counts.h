#pragma once
// What a trainer counts over several steps: losses by timestep, and steps that were left out.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace ditharos::training {

/// Sums of losses by timestep: equal bins of the progress from noise (0) to data (1).
struct LossByTime {
  static constexpr int bins = 8;
  std::array<double, bins> sum{};
  std::array<int64_t, bins> samples{};

  void add(const LossByTime& other);
  /// The mean of all samples; NaN without any.
  double mean() const;
  /// The mean of each bin; NaN where a bin has no samples.
  std::vector<double> means() const;
  friend bool operator==(const LossByTime&, const LossByTime&) = default;
};

/// A part of a run's state, so that a resumed run goes on with it.
struct RunCounts {
  LossByTime losses;                               ///< of the steps since they were taken last
  int64_t skipped = 0, skipped_in_succession = 0;  ///< steps whose update was left out, in all and at the end
  int64_t rolled_back = 0;                         ///< how often an earlier checkpoint was restored
  friend bool operator==(const RunCounts&, const RunCounts&) = default;
};

/// Numbers in one line, which parse_run_counts() reads back exactly; "" for counts that are all zero.
[[nodiscard]] std::string to_text(const RunCounts& counts);
/// IoError for a text that is not of to_text().
[[nodiscard]] RunCounts parse_run_counts(const std::string& text);

}  // namespace ditharos::training

#pragma once
// A page about runs, for a browser.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/training/report/run_data.h>

namespace ditharos::training {

/// What a page may hold.
struct PageLimits {
  int64_t points_per_series = 4000, points = 300'000;  ///< of one curve, and of all
  uint64_t image_bytes = uint64_t(6) << 20;            ///< of all sample grids together, as PNG files
  size_t sessions = 20;                                ///< of a run: the first and the newest
};

/// One HTML file that needs no network and no other file: curves of all figures of the runs' logs, sample grids with a
/// slider over their steps, configurations with their differences, and environments. Runs share the charts.
///
/// The page holds the logs' very numbers, as JSON in its script element "data". A longer curve than the limits allow is
/// thinned: of each group of neighbouring lines the one with the lowest and the one with the highest value stay. Of the
/// sample grids as many stay as fit, evenly spaced, the first and the newest among them; files that are no PNG are left
/// out. ConfigError for no run, or more than 32.
[[nodiscard]] std::string report_page(const std::vector<RunData>& runs, const PageLimits& limits = {});
/// Writes it, whole or not at all.
void write_report_page(const std::string& path, const std::vector<RunData>& runs, const PageLimits& limits = {});

}  // namespace ditharos::training

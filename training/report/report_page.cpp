#include <ditharos/training/report/report_page.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/base64.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/html_text.h>
#include <ditharos/training/report/report_template.h>

namespace ditharos::training {
namespace {

constexpr size_t most_runs = 32;
constexpr int64_t fewest_points = 50;  // of a curve, however many curves there are

template <class List, class F>
std::string list(const List& items, const F& text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ",") + text(item);
  return "[" + out + "]";
}

/// A figure with its step.
struct Point {
  int64_t step;
  Figure figure;
};

/// Of each group of neighbours the lowest and the highest, or a value that is not finite; the first and the last point.
std::vector<Point> thinned(const std::vector<Point>& points, size_t most) {
  most = std::max<size_t>(most, 4);
  if (points.size() <= most) return points;
  const size_t groups = (most - 2) / 2, inner = points.size() - 2;
  std::vector<Point> kept = {points.front()};
  for (size_t g = 0; g < groups; ++g) {
    const size_t begin = 1 + g * inner / groups, end = 1 + (g + 1) * inner / groups;
    size_t low = begin, high = begin;
    for (size_t i = begin; i < end; ++i) {
      const double value = points[i].figure.value;
      if (std::isnan(value) || value < points[low].figure.value) low = i;
      if (value > points[high].figure.value || std::isnan(points[high].figure.value)) high = i;
    }
    if (low != high) kept.push_back(points[std::min(low, high)]);
    kept.push_back(points[std::max(low, high)]);
  }
  kept.push_back(points.back());
  return kept;
}

std::string series_text(const MetricsTable& table, int64_t most) {
  std::vector<std::vector<Point>> series(table.columns.size());
  for (const MetricsRow& row : table.rows)
    for (const Figure& figure : row.figures) series[figure.column].push_back({row.step, figure});
  std::string text;
  for (size_t i = 0; i < series.size(); ++i) {
    const std::vector<Point> kept = thinned(series[i], size_t(most));
    text += (i > 0 ? ",\n" : "") + ("{\"name\":" + script_string(table.columns[i])) +
            ",\"lines\":" + std::to_string(series[i].size()) +
            ",\"steps\":" + list(kept, [](const Point& p) { return std::to_string(p.step); }) +
            ",\"values\":" + list(kept, [](const Point& p) { return p.figure.text(); }) + "}";
  }
  return "[" + text + "]";
}

/// The samples as data, evenly spaced so that they fit.
std::string samples_text(const std::vector<KeptSample>& samples, uint64_t most_bytes) {
  std::error_code error;
  uint64_t bytes = 0;
  for (const KeptSample& sample : samples) {
    const uintmax_t size = std::filesystem::file_size(sample.path, error);
    bytes += error ? 0 : std::min<uint64_t>(size, most_bytes);
  }
  // How many fit if all are of the mean size.
  size_t count = samples.size();
  if (bytes > most_bytes) count = size_t(double(count) * double(most_bytes) / double(bytes));
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) {  // from the newest to the first
    const size_t at = count == 1 ? samples.size() - 1 : (count - 1 - i) * (samples.size() - 1) / (count - 1);
    try {
      const std::string png = data::read_png_file(samples[at].path);
      if (png.size() > most_bytes) continue;
      const data::PngInfo info = data::png_info(png, samples[at].path);
      most_bytes -= png.size();
      texts.push_back("{\"step\":" + std::to_string(samples[at].step) + ",\"width\":" + std::to_string(info.width) +
                      ",\"height\":" + std::to_string(info.height) + ",\"png\":\"" + base64(png) + "\"}");
    } catch (const IoError&) {
      continue;  // damaged, or removed in the meantime
    }
  }
  std::reverse(texts.begin(), texts.end());
  return list(texts, [](const std::string& text) { return text; });
}

std::string sessions_text(const std::vector<Session>& sessions, size_t most) {
  std::vector<Session> kept;
  for (size_t i = 0; i < sessions.size(); ++i)
    if (i == 0 || i + most > sessions.size()) kept.push_back(sessions[i]);
  return list(kept, [](const Session& session) {
    return list(session, [](const auto& entry) {
      return "[" + script_string(entry.first) + "," + script_string(entry.second) + "]";
    });
  });
}

std::string run_text(const RunData& run, const PageLimits& limits, int64_t points, uint64_t image_bytes) {
  return "{\"name\":" + script_string(run.name) + ",\"configuration\":" +
         list(run.configuration,
              [](const ConfigurationLine& line) {
                return "[" + script_string(line.section) + "," + script_string(line.key) + "," +
                       script_string(line.value) + "]";
              }) +
         ",\"session_count\":" + std::to_string(run.sessions.size()) +
         ",\"sessions\":" + sessions_text(run.sessions, limits.sessions) +
         ",\n\"series\":" + series_text(run.metrics, points) + ",\n\"timing\":" + series_text(run.timing, points) +
         ",\n\"sample_count\":" + std::to_string(run.samples.size()) +
         ",\"samples\":" + samples_text(run.samples, image_bytes) + "}";
}

}  // namespace

std::string report_page(const std::vector<RunData>& runs, const PageLimits& limits) {
  check<ConfigError>(!runs.empty() && runs.size() <= most_runs, "a report takes 1 to ", most_runs, " runs, not ",
                     runs.size());
  size_t curves = 1;
  for (const RunData& run : runs) curves += run.metrics.columns.size() + run.timing.columns.size();
  const int64_t points = std::clamp(limits.points / int64_t(curves), std::min(fewest_points, limits.points_per_series),
                                    limits.points_per_series);
  const uint64_t image_bytes = limits.image_bytes / runs.size();
  const std::string title = runs.size() == 1 ? runs[0].name : std::to_string(runs.size()) + " runs";
  return report_head + html_text(title) + report_body + "{\"title\":" + script_string(title) +
         ",\"runs\":" + list(runs, [&](const RunData& run) { return run_text(run, limits, points, image_bytes); }) +
         "}" + report_charts + report_script;
}

void write_report_page(const std::string& path, const std::vector<RunData>& runs, const PageLimits& limits) {
  const std::string text = report_page(runs, limits);
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace ditharos::training

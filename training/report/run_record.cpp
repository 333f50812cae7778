#include <ditharos/training/report/run_record.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <map>
#include <utility>
#include <vector>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/error.h>
#include <ditharos/training/report/metrics_csv.h>
#include <ditharos/training/report/report_page.h>
#include <ditharos/training/report/run_data.h>
#include <ditharos/training/report/sample_history.h>
#include <ditharos/training/report/session_log.h>

namespace ditharos::training {
namespace {

constexpr double refresh_share = .05;     // of the time, at most, for metrics.csv and report.html during a run
constexpr size_t most_pending = 1 << 20;  // bytes of events in memory while older ones are written anew
constexpr size_t most_past_images = 100;  // sample grids of earlier sessions in the event file

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double seconds(std::chrono::steady_clock::duration time) { return std::chrono::duration<double>(time).count(); }

/// Unix times of the steps of timing.jsonl.
std::map<int64_t, double> times_of(const MetricsTable& timing) {
  const auto column = std::find(timing.columns.begin(), timing.columns.end(), "time") - timing.columns.begin();
  std::map<int64_t, double> times;
  for (const MetricsRow& row : timing.rows)
    for (const Figure& figure : row.figures)
      if (int64_t(figure.column) == column) times[row.step] = figure.value;
  return times;
}

/// The time of the first line of `step` or later, or `otherwise`.
double time_at(const std::map<int64_t, double>& times, int64_t step, double otherwise) {
  const auto at = times.lower_bound(step);
  return at == times.end() ? otherwise : at->second;
}

}  // namespace

RunRecord::RunRecord(const RunFolder& folder, const RecordSettings& settings, Reporter& reporter)
    : folder_(folder), settings_(settings), reporter_(reporter), refreshed_(Clock::now()) {
  keep_until(settings_.began);
}

RunRecord::~RunRecord() {
  try {
    if (!finished_) finish();
  } catch (const std::exception&) {  // no memory for the note
  }
}

void RunRecord::keep_until(int64_t step) {
  attempt(sample_folder, [&] { drop_samples_after(folder_.file(sample_folder), step); });
  attempt(timing_file, [&] {
    timing_.reset();
    timing_.emplace(folder_.file(timing_file), step > 0 ? step : -1);
  });
  write_csv();
}

void RunRecord::write_csv() {
  attempt(metrics_csv_file,
          [&] { write_metrics_csv(folder_.file(metrics_csv_file), read_metrics(folder_.file(metrics_file))); });
}

void RunRecord::rewind(int64_t step) {
  keep_until(step);
  steps_ = 0;
  step_seconds_ = 0;
  if (in_session_) attempt("the event file", [&] { begin_events(); });
}

void RunRecord::begin_session() {
  in_session_ = true;
  attempt(session_file, [&] {
    const std::string path = folder_.file(session_file);
    std::vector<Session> sessions;
    if (settings_.began > 0) sessions = read_sessions(path);
    sessions.push_back(this_session(settings_.began));
    write_sessions(path, sessions);
  });
  attempt("the event file", [&] { begin_events(); });
}

/// Runs `write`. Failures are noted once for each `what`.
void RunRecord::attempt(const std::string& what, const std::function<void()>& write) {
  std::string reason;
  try {
    write();
    return;
  } catch (const std::exception& error) {
    reason = error.what();
  }
  if (!noted_.insert(what).second) return;
  try {
    reporter_.note("training goes on without " + what + ": " + reason);
  } catch (const std::exception&) {  // a note is not needed either
  }
}

void RunRecord::begin_events() {
  const std::string folder = folder_.path();
  if (!settings_.tensorboard) return;
  MetricsTable metrics = read_metrics(folder_.file(metrics_file)), timing;
  attempt(timing_file, [&] { timing = read_metrics(folder_.file(timing_file)); });
  const std::map<int64_t, double> times = times_of(timing);
  const double now = unix_time();
  last_image_step_ = -1;
  try {
    events_.emplace(folder);
    for (MetricsTable* table : {&metrics, &timing}) {
      for (const MetricsRow& row : table->rows) {
        add_scalars(*table, row, time_at(times, row.step, now));
        if (events_->pending() > most_pending) events_->flush();
      }
    }
    attempt("images in the event file", [&] {
      const std::vector<KeptSample> samples = list_samples(folder_.file(sample_folder));
      for (size_t i = samples.size() - std::min(samples.size(), most_past_images); i < samples.size(); ++i) {
        add_image(samples[i].step, time_at(times, samples[i].step, now), samples[i].path);
        events_->flush();
      }
    });
    events_->flush();
    remove_other_event_files(folder, events_->path());
  } catch (...) {
    std::error_code ignored;
    if (events_) std::filesystem::remove(events_->path(), ignored);
    events_.reset();
    throw;
  }
}

void RunRecord::add_scalars(const MetricsTable& table, const MetricsRow& row, double time) {
  std::vector<std::pair<std::string, double>> figures;
  for (const Figure& figure : row.figures) {
    const std::string& name = table.columns[figure.column];
    if (name != "time" && name != "seconds") figures.emplace_back(name, figure.value);
  }
  if (!figures.empty()) events_->add_scalars(row.step, time, figures);
}

void RunRecord::add_image(int64_t step, double time, const std::string& file) {
  // A run that is resumed at a step with samples draws them again.
  if (step <= last_image_step_ || std::filesystem::path(file).extension() != ".png") return;
  const std::string png = data::read_png_file(file);
  const data::PngInfo info = data::png_info(png, file);
  events_->add_image(step, time, "samples", {.png = png, .width = info.width, .height = info.height});
  last_image_step_ = step;
}

void RunRecord::step_begins() {
  if (!in_session_) begin_session();
  step_began_ = Clock::now();
}

void RunRecord::step_ends() {
  step_seconds_ += seconds(Clock::now() - step_began_);
  ++steps_;
}

void RunRecord::logged(int64_t step, const JsonObject& figures) {
  const double now = unix_time();
  std::string lines = log_line(step, figures);
  if (steps_ > 0 && step_seconds_ > 0) {
    const JsonObject speed =
        JsonObject()
            .add("time", now)
            .add("seconds", step_seconds_)
            .add("samples_per_second", double(steps_ * settings_.samples_per_step) / step_seconds_);
    attempt(timing_file, [&] {
      if (timing_) timing_->append(step, speed);
    });
    lines += log_line(step, speed);
    steps_ = 0;
    step_seconds_ = 0;
  }
  attempt("the event file", [&] {
    if (!events_) return;
    try {
      const MetricsTable table = parse_metrics(lines, metrics_file);
      for (const MetricsRow& row : table.rows) add_scalars(table, row, now);
      events_->flush();
    } catch (...) {
      events_.reset();  // what is missing would be a gap: the next session writes all events anew
      throw;
    }
  });
}

void RunRecord::sampled(int64_t step, const std::string& file) {
  attempt(sample_folder, [&] { keep_sample(folder_.file(sample_folder), step, file); });
  if (events_) {
    attempt("images in the event file", [&] {
      add_image(step, unix_time(), file);
      events_->flush();
    });
  }
  const Clock::time_point begin = Clock::now();
  if (refresh_seconds_ > refresh_share * seconds(begin - refreshed_)) return;
  refresh();
  refreshed_ = Clock::now();
  refresh_seconds_ = seconds(refreshed_ - begin);
}

bool RunRecord::refresh() {
  bool written = false;
  write_csv();
  attempt(report_file, [&] {
    write_report_page(folder_.file(report_file), {read_run(folder_.path())});
    written = true;
  });
  return written;
}

std::string RunRecord::finish() {
  finished_ = true;
  return refresh() ? folder_.file(report_file) : "";
}

}  // namespace ditharos::training

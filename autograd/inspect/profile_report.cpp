#include <ditharos/autograd/inspect/profile_report.h>

#include <algorithm>
#include <functional>
#include <map>

#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/json.h>
#include <ditharos/tensor/io/number_text.h>

namespace ditharos {
namespace {

const char* name_of(WorkKind kind) {
  switch (kind) {
    case WorkKind::forward: return "forward";
    case WorkKind::tangent: return "tangent";
    case WorkKind::backward: return "backward";
    case WorkKind::optimizer: return "optimizer";
    case WorkKind::other: break;
  }
  return "other";
}

struct Row {
  std::string what = {}, pass = {};
  int64_t calls = 0, time = 0;
  uint64_t bytes = 0;
  double flops = 0;
};

/// Adds up the outermost events by what `name` calls them and by pass, those that took longest first.
std::vector<Row> grouped(const std::vector<ProfileEvent>& events,
                         const std::function<std::string(const ProfileEvent&)>& name) {
  std::map<std::pair<std::string, WorkKind>, Row> rows;
  for (const ProfileEvent& e : events) {
    if (e.depth > 0) continue;
    const std::string what = name(e);
    Row& row = rows[{what, e.kind}];
    row.what = what;
    row.pass = name_of(e.kind);
    ++row.calls;
    row.time += e.end - e.begin;
    row.bytes += e.bytes;
    row.flops += e.flops;
  }
  std::vector<Row> sorted;
  for (const auto& [key, row] : rows) sorted.push_back(row);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Row& a, const Row& b) { return a.time > b.time; });
  return sorted;
}

std::string line(const Row& row, int width, double whole, int64_t steps) {
  const double ms = double(row.time) * 1e-6 / double(steps);
  const auto column = [](const std::string& text, size_t wide) { return " " + right_aligned(text, wide); };
  std::string text = left_aligned(row.what, size_t(width)) + " " + left_aligned(row.pass, 10) +
                     column(general_text(double(row.calls) / double(steps), 4), 8) + column(fixed_text(ms, 3), 10) +
                     column(fixed_text(100 * double(row.time) / std::max(whole, 1.0), 1), 6) + " %";
  text += column(row.flops > 0 ? fixed_text(row.flops / double(row.time), 1) : "", 9);
  if (row.bytes > 0) text += column(fixed_text(double(row.bytes) * 1e-6 / double(steps), 2), 9);
  return text + "\n";
}

/// A table of the rows; what they leave of the whole time lies between them.
std::string table_of(const char* title, const std::vector<Row>& rows, double seconds, int64_t steps) {
  int width = int(std::string("between operations").size());
  Row between{.what = "between operations"}, total{.what = "total"};
  for (const Row& row : rows) {
    width = std::max(width, int(row.what.size()));
    total.time += row.time;
    total.bytes += row.bytes;
    total.flops += row.flops;
    total.calls += row.calls;
  }
  const double whole = seconds * 1e9;
  between.time = int64_t(whole) - total.time;
  total.time = int64_t(whole);
  std::string text = left_aligned(title, size_t(width)) + " " + left_aligned("pass", 10) +
                     "    calls         ms    share   GFLOP/s        MB\n";
  for (const Row& row : rows) text += line(row, width, whole, steps);
  between.calls = 0;
  return text + line(between, width, whole, steps) + line(total, width, whole, steps);
}

/// "blocks.3.attn.qkv" with two parts and numbers as stars: "blocks.*".
std::string path_prefix(const std::string& path, int parts) {
  std::string text, part;
  for (size_t i = 0; i <= path.size() && parts > 0; ++i) {
    if (i < path.size() && path[i] != '.') {
      part += path[i];
      continue;
    }
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    text += (text.empty() ? "" : ".") + (number ? "*" : part);
    part.clear();
    --parts;
  }
  return text;
}

}  // namespace

std::string operation_table(const std::vector<ProfileEvent>& events, double seconds, int64_t steps) {
  return table_of("operation", grouped(events, [](const ProfileEvent& e) { return std::string(e.name); }), seconds,
                  steps);
}

std::string module_table(const std::vector<ProfileEvent>& events, double seconds, int64_t steps, int depth) {
  return table_of("module",
                  grouped(events,
                          [depth](const ProfileEvent& e) {
                            const std::string path = path_prefix(e.module, depth);
                            return path.empty() ? std::string("(outside modules)") : path;
                          }),
                  seconds, steps);
}

std::string chrome_trace(const std::vector<ProfileEvent>& events) {
  std::string text = R"({"displayTimeUnit": "ms", "traceEvents": [
{"name": "thread_name", "ph": "M", "pid": 1, "tid": 1, "args": {"name": "operations"}})";
  // Viewers nest events by time; the outer one must come first where both begin together.
  std::vector<const ProfileEvent*> order;
  for (const ProfileEvent& e : events) order.push_back(&e);
  std::stable_sort(order.begin(), order.end(), [](const ProfileEvent* a, const ProfileEvent* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->depth < b->depth;
  });
  for (const ProfileEvent* e : order) {
    const double begin = double(e->begin) * 1e-3, duration = double(e->end - e->begin) * 1e-3;  // microseconds
    text += ",\n{\"name\": " + json_string(e->name) + ", \"cat\": " + json_string(name_of(e->kind));
    text +=
        R"(, "ph": "X", "pid": 1, "tid": 1, "ts": )" + fixed_text(begin, 3) + ", \"dur\": " + fixed_text(duration, 3);
    text += ", \"args\": {\"shape\": " + json_string(e->shape) + ", \"module\": " + json_string(e->module);
    text += ", \"bytes\": " + std::to_string(e->bytes);
    if (e->flops > 0) text += ", \"gflops_per_second\": " + fixed_text(e->flops * 1e-3 / std::max(duration, 1e-3), 1);
    text += "}}";
  }
  return text + "\n]}\n";
}

}  // namespace ditharos

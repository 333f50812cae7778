#include <filesystem>

#include <ditharos/training/report/report_page.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

using namespace training;

/// The text files of a run's folder, and the page that is made of them.
void fuzz_run_log(std::string_view bytes) {
  fuzz_one(
      [](std::string_view text) {
        const MetricsTable table = parse_metrics(text, "metrics.jsonl");
        std::string again;
        for (const MetricsRow& row : table.rows) {
          again += "{\"step\": " + std::to_string(row.step);
          for (const Figure& figure : row.figures)
            again += ", \"c" + std::to_string(figure.column) + "\": " + figure.text();
          again += "}\n";
        }
        const MetricsTable same = parse_metrics(again, "again");
        demand(same.rows.size() == table.rows.size(), "as many lines when they are read again");
        for (size_t i = 0; i < same.rows.size(); ++i)
          for (size_t k = 0; k < same.rows[i].figures.size(); ++k)
            demand(same.rows[i].figures[k].text() == table.rows[i].figures[k].text(), "the same figures again");
        RunData run;
        run.metrics = table;
        demand(report_page({run}, {.points_per_series = 8}).ends_with("</html>\n"), "a whole page");
      },
      bytes);
  const std::string file = file_with(session_file, bytes);
  const std::vector<Session> sessions = read_sessions(file);
  file_with("config.toml", bytes);
  const RunData run = read_run(std::filesystem::path(file).parent_path().string());
  demand(report_page({run}).ends_with("</html>\n"), "a whole page");
  if (sessions.size() > 200) return;
  write_sessions(file, sessions);
  demand(read_sessions(file).size() == sessions.size(), "as many sessions when they are read again");
}

}  // namespace ditharos::tests

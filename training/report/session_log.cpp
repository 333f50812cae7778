#include <ditharos/training/report/session_log.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <sstream>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/json.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/system/environment.h>

namespace ditharos::training {
namespace {

constexpr uint64_t most_log_bytes = 16 << 20;
constexpr size_t most_sessions = 200, longest_value = 4096;
constexpr const char* session_header = "[[session]]";

std::string now_in_utc() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts));
}

/// The string that quote() wrote, which is one of JSON too.
class StringHandler : public JsonHandler {
 public:
  void string(std::string&& text) override { value = std::move(text); }
  std::string value;
};

}  // namespace

Session this_session(int64_t from_step) {
  Session session = {{"started", now_in_utc()}, {"from_step", std::to_string(from_step)}};
  if (const std::string command = command_line(); !command.empty()) session.emplace_back("command", command);
  for (auto& entry : describe_environment()) session.push_back(std::move(entry));
  return session;
}

std::vector<Session> read_sessions(const std::string& path) {
  std::vector<Session> sessions;
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) return sessions;
  std::istringstream lines(read_file(path, most_log_bytes));
  for (std::string line; std::getline(lines, line);) {
    const size_t at = line.find(" = ");
    if (line == session_header) sessions.emplace_back();
    if (sessions.empty() || at == std::string::npos) continue;
    StringHandler text;
    try {
      read_json(line.substr(at + 3), "the value", text);
    } catch (const IoError&) {
      continue;  // changed by hand: the other lines still tell something
    }
    sessions.back().emplace_back(line.substr(0, at), text.value);
  }
  return sessions;
}

void write_sessions(const std::string& path, const std::vector<Session>& sessions) {
  std::string text;
  for (size_t i = 0; i < sessions.size(); ++i) {
    if (i > 0 && i + most_sessions <= sessions.size()) continue;
    text += (text.empty() ? "" : "\n") + std::string(session_header) + "\n";
    for (const auto& [name, value] : sessions[i])
      text += name + " = " + quote(std::string_view(value).substr(0, longest_value)) + "\n";
  }
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace ditharos::training

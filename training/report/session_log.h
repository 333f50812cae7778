#pragma once
// env.txt: what each session of a run ran on. A session is the time of one process: a run that is resumed twice has
// three.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ditharos::training {

/// The name of the file in a run's folder.
inline constexpr const char* session_file = "env.txt";

/// Names and values of one session, in the file's order.
using Session = std::vector<std::pair<std::string, std::string>>;

/// The session of this process, which begins now: started (UTC), from_step, command, and describe_environment().
[[nodiscard]] Session this_session(int64_t from_step);
/// The sessions of a file. Lines that are not of its form are passed over; a missing file has no sessions. IoError when
/// it is longer than 16 MiB.
[[nodiscard]] std::vector<Session> read_sessions(const std::string& path);
/// Writes sessions, whole or not at all: TOML text with a table [[session]] each. At most 200 are written, the first
/// and the newest; a value is cut after 4096 bytes.
void write_sessions(const std::string& path, const std::vector<Session>& sessions);

}  // namespace ditharos::training

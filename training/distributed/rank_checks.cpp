#include <ditharos/training/distributed/rank_checks.h>

#include <unistd.h>

#include <array>
#include <chrono>
#include <system_error>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/system/environment.h>
#include <ditharos/training/checkpoint/key_values.h>

namespace ditharos::training {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "an unknown machine";
}

std::string rank_text(size_t rank, const std::string& host) {
  return "rank " + std::to_string(rank) + " (on " + host + ")";
}

}  // namespace

void check_same_on_all(Communicator& ranks, const std::string& values) {
  if (ranks.size() == 1) return;
  const std::vector<std::string> texts = ranks.all_gather(values), hosts = ranks.all_gather(host_name());
  std::string found;
  for (size_t rank = 1; rank < texts.size(); ++rank) {
    const std::string differing = differences(texts[0], texts[rank], {});
    if (!differing.empty()) found += (found.empty() ? "" : "; ") + rank_text(rank, hosts[rank]) + " has " + differing;
  }
  check<ConfigError>(found.empty(), "the ranks of a run must agree, but ", found);
}

void check_folder_is_shared(Communicator& ranks, const std::filesystem::path& folder) {
  if (ranks.size() == 1) return;
  const std::filesystem::path file = folder / ".ranks";
  const std::string token =
      ranks.broadcast(host_name() + " " + std::to_string(::getpid()) + " " +
                      std::to_string(std::chrono::system_clock::now().time_since_epoch().count()));
  if (ranks.is_root()) {
    AtomicFile out(file.string());
    out.write(token.data(), token.size());
    out.commit();
  }
  ranks.barrier();
  bool seen = false;
  try {
    seen = read_file(file.string(), 1 << 12) == token;
  } catch (const IoError&) {  // it is not there, or not readable
  }
  const std::vector<std::string> answers = ranks.all_gather(seen ? "" : host_name());
  if (ranks.is_root()) {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
  }
  for (size_t rank = 0; rank < answers.size(); ++rank)
    check<ConfigError>(answers[rank].empty(), "the folder \"", folder.string(), "\" of rank 0 is not that of ",
                       rank_text(rank, answers[rank]), ": all ranks need a file system that they share");
}

std::string library_values() {
  for (const auto& [name, value] : describe_environment())
    if (name == "version") return "library version = " + value + "\n";
  return "";
}

}  // namespace ditharos::training

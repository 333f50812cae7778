// Event files for TensorBoard, read back by other code.
#include <doctest/doctest.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>

#include <sys/resource.h>

#include <ditharos/tensor/io/file.h>
#include <ditharos/training/report/event_file.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/training/report/event_records.h"

using namespace ditharos;
using namespace ditharos::training;
using tests::message_of;
using tests::ReadEvent;
using tests::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

std::vector<ReadEvent> events_of(const std::string& path) { return tests::read_events(read_file(path, 1 << 24)); }

}  // namespace

TEST_CASE("event file: the events that were written, with their checksums") {
  const TemporaryFolder folder;
  EventFile file(folder.path());
  const std::string png = tests::counting_bytes(1000);
  file.add_scalars(10, 1764438109.25, {{"loss", .1}, {"loss_bins/0", 2}, {"bad", std::nan("")}});
  file.add_scalars(int64_t(1) << 40, -1, {{"", std::numeric_limits<double>::infinity()}});
  file.add_image(20, 3, "samples", {.png = png, .width = 300, .height = 7});
  CHECK_EQ(fs::file_size(file.path()), 0u);
  file.flush();
  CHECK_EQ(file.pending(), 0u);

  const std::vector<ReadEvent> events = events_of(file.path());
  REQUIRE_EQ(events.size(), 5u);
  CHECK_EQ(events[0].version, "brain.Event:2");
  CHECK(events[1].starts_session);
  CHECK_EQ(events[1].step, 0);
  CHECK_EQ(events[2].time, 1764438109.25);
  CHECK_EQ(events[2].step, 10);
  CHECK_EQ(events[2].scalars.at("loss"), .1f);
  CHECK_EQ(events[2].scalars.at("loss_bins/0"), 2);
  CHECK(std::isnan(events[2].scalars.at("bad")));
  CHECK_EQ(events[3].step, int64_t(1) << 40);
  CHECK(std::isinf(events[3].scalars.at("")));
  CHECK_EQ(events[4].images.at("samples"), png);
  CHECK(events[4].image_sizes == std::vector<uint64_t>{7, 300});

  std::string damaged = read_file(file.path(), 1 << 24);
  damaged[damaged.size() / 2] ^= 1;
  CHECK_THROWS_AS(static_cast<void>(tests::read_events(damaged)), Error);
}

TEST_CASE("event file: a new file comes after the older ones, also when the clock was set back") {
  const TemporaryFolder folder;
  std::vector<std::string> made;
  tests::write_bytes(folder / "events.out.tfevents.9000000000.host.7", "");
  tests::write_bytes(folder / "notes.txt", "");
  for (int i = 0; i < 3; ++i) made.push_back(EventFile(folder.path()).path());
  const std::vector<std::string> all = list_event_files(folder.path());
  REQUIRE_EQ(all.size(), 4u);
  CHECK(all[0].ends_with("9000000000.host.7"));
  CHECK(std::vector<std::string>(all.begin() + 1, all.end()) == made);
  remove_other_event_files(folder.path(), made[1]);
  CHECK(list_event_files(folder.path()) == std::vector<std::string>{made[1]});
  CHECK(fs::exists(folder / "notes.txt"));
}

TEST_CASE("event file: after a full disk it ends with a whole record") {
  const TemporaryFolder folder;
  EventFile file(folder.path());
  file.add_scalars(1, 0, {{"a", 1}});
  file.flush();
  const uintmax_t whole = fs::file_size(file.path());

  rlimit old{};
  REQUIRE_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limited = old;
  limited.rlim_cur = rlim_t(whole + 30);
  REQUIRE_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
  const std::string png(5000, 'x');
  file.add_image(2, 0, "b", {.png = png, .width = 1, .height = 1});
  const std::string message = message_of<IoError>([&] { file.flush(); });
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);

  CHECK_MESSAGE(message.starts_with("cannot write " + file.path() + ": "), message);
  CHECK_EQ(fs::file_size(file.path()), whole);
  CHECK_EQ(events_of(file.path()).size(), 3u);
  CHECK_THROWS_AS(EventFile(folder / "missing"), IoError);
}

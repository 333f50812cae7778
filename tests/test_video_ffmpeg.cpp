// MP4 and WebM through the program ffmpeg, where it is installed; the sentence that says so where it is not.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include <ditharos/data/program.h>
#include <ditharos/data/video_file.h>
#include <ditharos/tensor/file.h>
#include <ditharos/tests/data_files.h>
#include <ditharos/tests/temporary_folder.h>
#include <ditharos/tests/video_clips.h>

using namespace ditharos;
using namespace ditharos::tests;
using data::read_clip;
using data::write_clip;
using Status = data::ProgramResult::Status;

namespace {

bool has_ffmpeg() { return data::run_program({"ffmpeg", "-version"}, "", 1 << 20).status == Status::succeeded; }

/// No program is found while this lives.
struct EmptyPath {
  std::string old = std::getenv("PATH");
  explicit EmptyPath(const std::string& folder) { ::setenv("PATH", folder.c_str(), 1); }
  ~EmptyPath() { ::setenv("PATH", old.c_str(), 1); }
};

}  // namespace

TEST_CASE("program: input, output, errors, code") {
  const std::string much(3 << 20, 'x');  // more than any buffer on the way
  const data::ProgramResult copied = data::run_program({"cat"}, much, much.size());
  CHECK(copied.status == Status::succeeded);
  CHECK(copied.output == much);
  CHECK(data::run_program({"cat"}, much, 1000).status == Status::output_too_long);
  CHECK(data::run_program({"true"}, much, 10).status == Status::succeeded);  // reads none of it: no SIGPIPE
  const data::ProgramResult failed = data::run_program({"sh", "-c", "echo '  why' >&2; exit 3"}, "", 10);
  CHECK(failed.status == Status::failed);
  CHECK(failed.errors == "  why\n");
  CHECK(data::run_program({"sh", "-c", "kill -9 $$"}, "", 10).status == Status::failed);
  const data::ProgramResult echoed = data::run_program({"printf", "%s|", "$HOME; `x`", "", "a b"}, "", 100);
  CHECK(echoed.output == "$HOME; `x`||a b|");
  CHECK(data::run_program({"no-such-program-anywhere"}, "", 10).status == Status::not_installed);
}

TEST_CASE("ffmpeg: absent, the message says what to install and what works without") {
  const TemporaryFolder folder;
  write_bytes(folder / "clip.mp4", "x");
  const EmptyPath no_programs(folder.path());
  for (const std::string& message :
       {message_of<IoError>([&] { read_clip(folder / "clip.mp4"); }),
        message_of<IoError>([&] { write_clip(folder / "clip.mp4", square_clip(2, 8, 8), 8); })}) {
    CHECK(contains(message, folder / "clip.mp4" + ": this format goes through the program ffmpeg, which is not "
                                                  "installed (apt-get install ffmpeg)"));
  }
  CHECK(read_file(folder / "clip.mp4", 10) == "x");
}

TEST_CASE("ffmpeg: frames, size and rate come back, pixels nearly") {
  if (!has_ffmpeg()) return;
  const TemporaryFolder folder;
  const Tensor clip = square_clip(8, 24, 32);
  // Characters that a shell, or ffmpeg itself, would take for something else.
  for (const char* name : {"-i $(x) %03d.mp4", "clip.WEBM"}) {
    CAPTURE(name);
    write_clip(folder / name, clip, 12);
    const data::VideoFrames back = read_clip(folder / name);
    REQUIRE(back.frames.shape() == clip.shape());
    CHECK(back.fps == 12);
    double sum = 0;
    for (int64_t i = 0; i < clip.numel(); ++i)
      sum += std::abs(double(back.frames.data<uint8_t>()[i]) - clip.data<uint8_t>()[i]);
    CHECK(sum / static_cast<double>(clip.numel()) < 6);
  }
  write_clip(folder / "odd.mp4", noise_clip(1, 1, 3), 30000.0 / 1001);
  CHECK(read_clip(folder / "odd.mp4").frames.shape() == Shape{1, 3, 2, 4});
  CHECK(std::abs(read_clip(folder / "odd.mp4").fps - 30000.0 / 1001) < 1e-9);
}

TEST_CASE("ffmpeg: damaged files are refused with its words") {
  if (!has_ffmpeg()) return;
  const TemporaryFolder folder;
  write_clip(folder / "clip.mkv", noise_clip(6, 16, 16), 12);
  const std::string whole = read_file(folder / "clip.mkv", 1 << 20);
  for (const double share : {0.0, 0.01, 0.4, 0.9}) {
    CAPTURE(share);
    write_bytes(folder / "cut.mkv", whole.substr(0, size_t(share * double(whole.size()))));
    const std::string message = message_of<IoError>([&] { read_clip(folder / "cut.mkv"); });
    CHECK(message.starts_with("cannot read " + folder / "cut.mkv" + ": ffmpeg says: "));
    CHECK(message.size() > std::string("cannot read : ffmpeg says: ").size() + (folder / "cut.mkv").size());
  }
  // A list of files under a video's name: the protocols that it asks for are not allowed.
  write_bytes(folder / "list.mp4", "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n");
  CHECK(contains(message_of<IoError>([&] { read_clip(folder / "list.mp4"); }), "ffmpeg says: "));
  CHECK(contains(message_of<IoError>([&] { write_clip(folder / "absent/a.mp4", noise_clip(1, 2, 2), 8); }),
                 "cannot create a file in"));
}

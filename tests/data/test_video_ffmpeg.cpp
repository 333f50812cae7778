// MP4 and WebM through the program ffmpeg, where it is installed; the sentence that says so where it is not.
#include <doctest/doctest.h>

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <ditharos/data/codecs/video/program.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/clips/video_folder.h>
#include <ditharos/tensor/io/file.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

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
  CHECK(data::run_program({"sh", "-c", "no-such-program-anywhere"}, "", 10).status == Status::not_installed);
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

TEST_CASE("regression 11: a program that hangs is ended with all that it has started") {
  using namespace std::chrono;
  const auto run = [](const std::string& script, milliseconds limit = milliseconds(300)) {
    const auto begin = steady_clock::now();
    const data::ProgramResult result = data::run_program({"sh", "-c", script}, "", 1 << 20, limit);
    CHECK(duration_cast<milliseconds>(steady_clock::now() - begin).count() < 20000);
    return result;
  };
  const TemporaryFolder folder;
  const auto is_alive = [&](const std::string& file) {
    const std::string id = read_file(folder / file, 100);
    // A killed process may not have been waited for yet by whoever inherited it: a zombie is no longer alive.
    const std::string status = "/proc/" + id.substr(0, id.find('\n')) + "/stat";
    for (int i = 0; i < 100; ++i) {
      std::ifstream stat(status);
      const std::string text((std::istreambuf_iterator<char>(stat)), {});
      if (text.empty() || contains(text, ") Z ")) return false;
      ::usleep(10000);
    }
    return true;
  };
  CHECK(run("sleep 60").status == Status::timed_out);
  CHECK(run("exec >&- 2>&-; sleep 60").status == Status::timed_out);  // without any output to wait for
  // A grandchild is ended too, when the time is over and when its parent has ended.
  CHECK(run("sleep 60 & echo $! > " + folder / "a" + "; wait").status == Status::timed_out);
  CHECK(!is_alive("a"));
  const data::ProgramResult left = run("sleep 60 & echo $! > " + folder / "b" + "; echo done", seconds(30));
  CHECK(left.status == Status::succeeded);
  CHECK(left.output == "done\n");
  CHECK(!is_alive("b"));
  // One that has left the group is not waited for.
  const data::ProgramResult gone = run("setsid sleep 6 & echo done; exit 3", seconds(30));
  CHECK(gone.status == Status::failed);
  CHECK(gone.output == "done\n");
  const data::ProgramResult errors = run("while :; do echo why >&2; done", seconds(30));
  CHECK(errors.status == Status::failed);
  CHECK(errors.errors.size() <= 4096);
  CHECK(errors.errors.starts_with("why\nwhy\n"));
  CHECK(run("while :; do echo much; done", seconds(30)).status == Status::output_too_long);
}

TEST_CASE("regression 11: a playlist under a video's name is refused, and reads no other file") {
  const TemporaryFolder folder, elsewhere;
  const std::vector<std::string> lists{"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
                                       "#EXTM3U\n#EXTINF:1,\nfile:" + elsewhere / "secret.mp4" + "\n#EXT-X-ENDLIST\n",
                                       "\xef\xbb\xbf \r\n#EXTM3U\n" + elsewhere / "secret.mp4" + "\n",
                                       "ffconcat version 1.0\nfile '" + elsewhere / "secret.mp4" + "'\n",
                                       "<?xml version=\"1.0\"?><MPD></MPD>",
                                       "[playlist]\nFile1=" + elsewhere / "secret.mp4" + "\n"};
  for (const std::string& list : lists) {
    CAPTURE(list);
    write_bytes(folder / "list.mp4", list);
    CHECK(message_of<IoError>([&] { read_clip(folder / "list.mp4"); }) ==
          "cannot read " + folder / "list.mp4" + ": it is a playlist, which names other files, and no video");
  }
  if (!has_ffmpeg()) return;
  // What does not look like a list is held by the list of formats.
  write_clip(elsewhere / "secret.mp4", square_clip(2, 16, 16), 8);
  write_bytes(folder / "list.mp4", "file '" + elsewhere / "secret.mp4" + "'\n");
  CHECK(contains(message_of<IoError>([&] { read_clip(folder / "list.mp4"); }), "ffmpeg says: "));
}

TEST_CASE("regression 11: a symbolic link that leads out of a clip's folder is refused") {
  const TemporaryFolder folder, elsewhere;
  write_clip(elsewhere / "frames", square_clip(2, 8, 8), 8);
  write_clip(elsewhere / "secret.gif", square_clip(2, 8, 8), 8);
  write_clip(folder / "clip", square_clip(2, 8, 8), 8);
  namespace fs = std::filesystem;
  fs::create_symlink(elsewhere / "frames/frame_0000.png", folder / "clip/frame_0002.png");
  CHECK(contains(message_of<IoError>([&] { read_clip(folder / "clip"); }),
                 "clip/frame_0002.png: it is a symbolic link to " + elsewhere / "frames/frame_0000.png"));
  fs::remove(folder / "clip/frame_0002.png");
  fs::create_symlink("frame_0000.png", folder / "clip/frame_0002.png");  // inside
  CHECK(read_clip(folder / "clip").frames.size(0) == 3);
  fs::create_directory_symlink(folder / "clip", folder / "same");  // the folder itself may be one
  CHECK(read_clip(folder / "same").frames.size(0) == 3);
  fs::remove(folder / "clip/fps.txt");
  fs::create_symlink(elsewhere / "frames/fps.txt", folder / "clip/fps.txt");
  CHECK(contains(message_of<IoError>([&] { read_clip(folder / "clip"); }), "fps.txt: it is a symbolic link"));

  fs::create_symlink(elsewhere / "secret.gif", folder / "a.gif");
  fs::create_directory_symlink(elsewhere.path(), folder / "sub");
  for (const char* name : {"a.gif", "sub/secret.gif", "sub/frames"}) {
    write_bytes(folder / "captions.txt", name + std::string("\ta square\n"));
    CHECK(contains(message_of<IoError>([&] { data::VideoFolder{folder.path()}; }), "it is a symbolic link to"));
  }
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
  CHECK(contains(message_of<IoError>([&] { write_clip(folder / "absent/a.mp4", noise_clip(1, 2, 2), 8); }),
                 "cannot create a file in"));
}

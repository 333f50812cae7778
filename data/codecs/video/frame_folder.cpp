#include <ditharos/data/codecs/video/frame_folder.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/video_formats.h>
#include <ditharos/data/datasets/folder_bounds.h>
#include <ditharos/data/datasets/folder_contents.h>
#include <ditharos/data/text/text_lines.h>
#include <ditharos/data/text/unicode.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* rate_file = "fps.txt";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// The digits from `at` on without leading zeros; sets `at` to the position behind them.
std::string take_number(const std::string& text, size_t& at) {
  size_t begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  while (begin + 1 < at && text[begin] == '0') ++begin;
  return text.substr(begin, at - begin);
}

double read_rate(const fs::path& file) {
  std::error_code missing;
  if (!fs::exists(file, missing)) return default_fps;
  check_inside(file.parent_path().string(), file.string());
  const std::string text = read_text(file.string(), 4096);
  std::vector<std::string_view> lines = text_lines(text);
  std::erase(lines, "");
  std::string_view number = lines.size() == 1 ? lines[0] : "";
  number.remove_prefix(std::min(number.find_first_not_of(" \t"), number.size()));
  double fps = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), fps);
  const bool whole = error == std::errc() && end == number.data() + number.size();
  check<IoError>(whole && std::isfinite(fps) && fps > 0, "cannot read ", file.string(),
                 ": it does not hold one positive number, the frames a second");
  return fps;
}

void write_text(const fs::path& path, const std::string& text) {
  AtomicFile file(path.string());
  file.write(text.data(), text.size());
  file.commit();
}

fs::path without_slash(const fs::path& directory) {
  return directory.filename().empty() ? directory.parent_path() : directory;
}

TemporaryDirectory directory_beside(const fs::path& target) {
  return TemporaryDirectory(target.parent_path().string(), "cannot write " + target.string());
}

/// An old directory may be replaced when it holds nothing but frames and their rate.
void check_replaceable(const fs::path& directory) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(directory, error))) return;
  check<IoError>(fs::is_directory(fs::symlink_status(directory, error)), "cannot write ", directory.string(),
                 ": it exists and is no directory (a name without an ending stands for a directory of frames)");
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    check<IoError>((has_ending(name, ".png") || name == rate_file) && it->is_regular_file(error), "cannot write ",
                   directory.string(), ": the directory holds ", name, ", which is no frame of a clip");
  }
  check<IoError>(!error, "cannot list ", directory.string(), ": ", error.message());
}

}  // namespace

bool natural_less(const std::string& a, const std::string& b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string x = take_number(a, i), y = take_number(b, j);
      if (x != y) return x.size() != y.size() ? x.size() < y.size() : x < y;
    } else if (a[i] != b[j]) {
      return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    } else {
      ++i;
      ++j;
    }
  }
  const bool a_done = i == a.size(), b_done = j == b.size();
  return a_done != b_done ? a_done : a < b;
}

bool has_ending(const std::string& name, const std::string& ending) {
  return name.size() >= ending.size() && std::equal(ending.rbegin(), ending.rend(), name.rbegin(),
                                                    [](char a, char b) { return ascii_lower(a) == ascii_lower(b); });
}

std::vector<std::string> frame_names(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!is_hidden(name) && has_ending(name, ".png")) names.push_back(name);
  }
  check<IoError>(!error, "cannot list ", directory, ": ", error.message());
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

VideoFrames read_frame_folder(const std::string& directory, int64_t max_pixels) {
  const std::vector<std::string> names = frame_names(directory);
  check<IoError>(!names.empty(), "cannot read ", directory, ": the directory holds no PNG file");
  const fs::path root(directory);
  const auto read = [&](const std::string& name) {
    const std::string path = (root / name).string();
    check_inside(directory, path);
    return read_png(path, 3, max_pixels);
  };
  const Tensor first = read(names[0]);
  const int64_t height = first.size(1), width = first.size(2);
  FrameList frames(directory, static_cast<int64_t>(names.size()), height, width, max_pixels);
  for (size_t i = 0; i < names.size(); ++i) {
    const Tensor image = i == 0 ? first : read(names[i]);
    check<IoError>(image.shape() == first.shape(), "cannot read ", directory, ": ", names[i], " has ", image.size(2),
                   " x ", image.size(1), " pixels, but ", names[0], " has ", width, " x ", height);
    std::memcpy(frames.add(), image.data<uint8_t>(), static_cast<size_t>(image.numel()));
  }
  return {frames.take(), read_rate(root / rate_file)};
}

void check_frame_folder_output(const std::string& directory) {
  const fs::path target = without_slash(directory);
  check_replaceable(target);
  const TemporaryDirectory made_and_removed = directory_beside(target);
}

void write_frame_folder(const std::string& directory, const VideoFrames& clip) {
  const fs::path target = without_slash(directory);
  check_replaceable(target);
  const TemporaryDirectory temporary = directory_beside(target);
  const fs::path root(temporary.path());
  for (int64_t f = 0; f < clip.frames.size(0); ++f) {
    std::array<char, 32> name{};
    std::snprintf(name.data(), name.size(), "frame_%04d.png", static_cast<int>(f));
    write_png((root / name.data()).string(), clip.frames.select(0, f));
  }
  std::array<char, 32> rate{};
  const auto [end, error] = std::to_chars(rate.data(), rate.data() + rate.size(), clip.fps);
  write_text(root / rate_file, std::string(rate.data(), end) + "\n");
  temporary.move_to(target.string());
}

}  // namespace ditharos::data

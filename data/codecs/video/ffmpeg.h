#pragma once
// Internal to data/codecs/.
// Formats that the program ffmpeg reads and writes.
#include <string>

#include <ditharos/data/codecs/video/video_file.h>

namespace ditharos::data {

VideoFrames read_through_ffmpeg(const std::string& path, int64_t max_pixels);
void write_through_ffmpeg(const std::string& path, const VideoFrames& clip);
/// IoError, naming the file that is to be written, unless ffmpeg is installed.
void check_ffmpeg(const std::string& path);

}  // namespace ditharos::data

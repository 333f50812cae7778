#pragma once
// Internal to data/.
// A directory of images as the frames of one clip.
#include <string>
#include <vector>

#include <ditharos/data/codecs/video/video_file.h>

namespace ditharos::data {

/// Natural order: numbers in names are compared by their value, "f2" before "f10". Names that differ only in leading
/// zeros are ordered by their bytes.
bool natural_less(const std::string& a, const std::string& b);

/// True when the name ends with `ending`, in any case of ASCII letters.
bool has_ending(const std::string& name, const std::string& ending);

/// The PNG files of a directory, without hidden ones, in natural order. IoError when it cannot be listed.
std::vector<std::string> frame_names(const std::string& directory);

VideoFrames read_frame_folder(const std::string& directory, int64_t max_pixels);
void write_frame_folder(const std::string& directory, const VideoFrames& clip);
/// IoError unless write_frame_folder can write there.
void check_frame_folder_output(const std::string& directory);

}  // namespace ditharos::data

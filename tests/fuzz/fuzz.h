#pragma once
// All readers of files and text, as functions of bytes. Each takes any bytes: it returns, or throws an Error that
// fuzz_one catches; a crash, a leak, another exception or a long run time is a bug of the library.
#include <string>
#include <string_view>

namespace ditharos::tests {

void fuzz_captions(std::string_view bytes);
void fuzz_checkpoint(std::string_view bytes);
void fuzz_cifar(std::string_view bytes);
void fuzz_class_names(std::string_view bytes);
void fuzz_cpu_quota(std::string_view bytes);
void fuzz_emoji_font(std::string_view bytes);
void fuzz_flags(std::string_view bytes);
void fuzz_frame_rate(std::string_view bytes);
void fuzz_gif(std::string_view bytes);
void fuzz_idx(std::string_view bytes);
void fuzz_jpeg(std::string_view bytes);
void fuzz_json_object(std::string_view bytes);
void fuzz_metadata(std::string_view bytes);
void fuzz_npy(std::string_view bytes);
void fuzz_png(std::string_view bytes);
void fuzz_prompt(std::string_view bytes);
void fuzz_run_log(std::string_view bytes);
void fuzz_safetensors(std::string_view bytes);
void fuzz_safetensors_index(std::string_view bytes);
void fuzz_settings(std::string_view bytes);
void fuzz_step_log(std::string_view bytes);
void fuzz_tar(std::string_view bytes);
void fuzz_tokenizer(std::string_view bytes);
void fuzz_torch_file(std::string_view bytes);
void fuzz_video_text(std::string_view bytes);
void fuzz_webp(std::string_view bytes);
void fuzz_y4m(std::string_view bytes);
void fuzz_zoo_weights(std::string_view bytes);

struct FuzzTarget {
  const char* name;  ///< of the source file, the program fuzz_NAME and the folder of seeds
  void (*run)(std::string_view bytes);
};
inline constexpr FuzzTarget fuzz_targets[] = {
    {"captions", fuzz_captions},
    {"checkpoint", fuzz_checkpoint},
    {"cifar", fuzz_cifar},
    {"class_names", fuzz_class_names},
    {"cpu_quota", fuzz_cpu_quota},
    {"emoji_font", fuzz_emoji_font},
    {"flags", fuzz_flags},
    {"frame_rate", fuzz_frame_rate},
    {"gif", fuzz_gif},
    {"idx", fuzz_idx},
    {"jpeg", fuzz_jpeg},
    {"json_object", fuzz_json_object},
    {"metadata", fuzz_metadata},
    {"npy", fuzz_npy},
    {"png", fuzz_png},
    {"prompt", fuzz_prompt},
    {"run_log", fuzz_run_log},
    {"safetensors", fuzz_safetensors},
    {"safetensors_index", fuzz_safetensors_index},
    {"settings", fuzz_settings},
    {"step_log", fuzz_step_log},
    {"tar", fuzz_tar},
    {"tokenizer", fuzz_tokenizer},
    {"torch_file", fuzz_torch_file},
    {"video_text", fuzz_video_text},
    {"webp", fuzz_webp},
    {"y4m", fuzz_y4m},
    {"zoo_weights", fuzz_zoo_weights},
};

/// Runs one target; an Error is no failure.
void fuzz_one(void (*run)(std::string_view), std::string_view bytes);

/// A path in a folder of this process at which `bytes` lie, for readers that take a path. `name` may have an ending;
/// the same name is written again.
std::string file_with(const std::string& name, std::string_view bytes);

/// Ends the process unless `ok`: what a target demands beyond not crashing.
void demand(bool ok, const char* what);

/// Most pixels that a target decodes, so that an input costs little time.
inline constexpr long fuzz_pixels = 1 << 16;

}  // namespace ditharos::tests

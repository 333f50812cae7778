// Animated WebP through libwebp and libwebpmux. Each frame after the first holds only the part that changes.
//
// WebPAnimEncoder would do that too, but it merges equal frames, and a clip must be read back with all its frames.
#include <webp/encode.h>
#include <webp/mux.h>

#include <algorithm>
#include <memory>

#include <ditharos/data/codecs/pixels.h>
#include <ditharos/data/codecs/video/video_formats.h>
#include <ditharos/data/codecs/video/webp.h>

namespace ditharos::data {
namespace {

constexpr int64_t webp_ticks = 1000;
constexpr int64_t longest_duration = (int64_t{1} << 24) - 1;  // a field of 24 bits

struct MuxDeleter {
  void operator()(WebPMux* mux) const { WebPMuxDelete(mux); }
};
using Mux = std::unique_ptr<WebPMux, MuxDeleter>;

/// An image being encoded, and its bytes.
struct Image {
  Image() {
    WebPMemoryWriterInit(&writer);
    check<Error>(WebPPictureInit(&image), "[webp] libwebp has another version than its headers");
    image.writer = WebPMemoryWrite;
    image.custom_ptr = &writer;
  }
  ~Image() {
    WebPPictureFree(&image);
    WebPMemoryWriterClear(&writer);
  }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  WebPPicture image;
  WebPMemoryWriter writer;
};

WebPConfig make_config(int64_t quality) {
  WebPConfig config;
  check<Error>(WebPConfigInit(&config), "[webp] libwebp has another version than its headers");
  if (quality >= 100) {
    WebPConfigLosslessPreset(&config, 6);  // 0: fast ... 9: small
  } else {
    config.quality = static_cast<float>(quality);
    config.use_sharp_yuv = 1;  // accurate subsampling of chroma, visible in small clips
  }
  return config;
}

void check_mux(WebPMuxError status, const std::string& name) {
  check<IoError>(status == WEBP_MUX_OK, "cannot write ", name, ": libwebpmux fails with error ",
                 static_cast<int>(status));
}

/// Encodes planes [3, part.height, part.width] and appends them to the animation.
void add_frame(WebPMux* mux, const std::vector<uint8_t>& planes, const PixelBox& part, int64_t duration,
               const WebPConfig& config, const std::string& name) {
  const std::vector<uint8_t> rgb = interleave(planes.data(), 3, part.height * part.width);
  Image encoder;
  encoder.image.use_argb = 1;
  encoder.image.width = static_cast<int>(part.width);
  encoder.image.height = static_cast<int>(part.height);
  const bool ok = WebPPictureImportRGB(&encoder.image, rgb.data(), static_cast<int>(3 * part.width)) &&
                  WebPEncode(&config, &encoder.image);
  check<IoError>(ok, "cannot write ", name, ": libwebp fails with error ", static_cast<int>(encoder.image.error_code));

  WebPMuxFrameInfo frame{};
  frame.bitstream = {encoder.writer.mem, encoder.writer.size};
  frame.x_offset = static_cast<int>(part.left);
  frame.y_offset = static_cast<int>(part.top);
  frame.duration = static_cast<int>(std::min(duration, longest_duration));
  frame.id = WEBP_CHUNK_ANMF;
  frame.dispose_method = WEBP_MUX_DISPOSE_NONE;
  frame.blend_method = WEBP_MUX_NO_BLEND;
  check_mux(WebPMuxPushFrame(mux, &frame, 1), name);
}

}  // namespace

std::string encode_webp(const VideoFrames& clip, const WriteClipOptions& options, const std::string& name) {
  check_animation_rate(clip.fps, name);
  const int64_t height = clip.frames.size(2), width = clip.frames.size(3), n = 3 * height * width;
  const WebPConfig config = make_config(options.webp_quality);
  const Mux mux(WebPMuxNew());
  check<Error>(mux != nullptr, "[webp] libwebpmux has no memory");
  check_mux(WebPMuxSetCanvasSize(mux.get(), static_cast<int>(width), static_cast<int>(height)), name);
  // White, in the order blue, green, red, alpha; 0 loops stand for no end.
  const WebPMuxAnimParams animation{0xffffffff, options.loop ? 0 : 1};
  check_mux(WebPMuxSetAnimationParams(mux.get(), &animation), name);

  const uint8_t* frame = clip.frames.data<uint8_t>();
  for (int64_t f = 0; f < clip.frames.size(0); ++f, frame += n) {
    const PixelBox part = f == 0 ? PixelBox{0, 0, height, width} : changed_part(frame - n, frame, height, width, 2);
    const int64_t duration = tick_of(f + 1, clip.fps, webp_ticks) - tick_of(f, clip.fps, webp_ticks);
    add_frame(mux.get(), cut_out(frame, height, width, part), part, duration, config, name);
  }
  WebPData data{};
  const WebPMuxError status = WebPMuxAssemble(mux.get(), &data);
  std::string bytes(reinterpret_cast<const char*>(data.bytes), data.size);
  WebPDataClear(&data);
  check_mux(status, name);
  return bytes;
}

}  // namespace ditharos::data

// WebP, animated or not, through libwebp and libwebpdemux.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include <ditharos/data/codecs/pixels.h>
#include <ditharos/data/codecs/video/video_formats.h>
#include <ditharos/data/codecs/video/webp.h>

namespace ditharos::data {
namespace {

constexpr int64_t webp_ticks_per_second = 1000;

struct DemuxerDeleter {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
struct DecoderDeleter {
  void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
};

/// The number of complete frames in the file.
int64_t count_whole_frames(const WebPDemuxer* demuxer) {
  WebPIterator frame;
  if (!WebPDemuxGetFrame(demuxer, 1, &frame)) return 0;
  int64_t whole = frame.complete;
  while (frame.complete && WebPDemuxNextFrame(&frame)) whole += frame.complete;
  WebPDemuxReleaseIterator(&frame);
  return whole;
}

struct Announced {
  int64_t frames, height, width;
};

/// Checks the file's chunks without decoding images. IoError unless they are whole and within the limits.
Announced check_parts(const WebPData& data, const std::string& name, int64_t max_pixels) {
  WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
  const std::unique_ptr<WebPDemuxer, DemuxerDeleter> demuxer(WebPDemuxPartial(&data, &state));
  check<IoError>(state != WEBP_DEMUX_PARSING_HEADER, "cannot read ", name, ": cut off in its header");
  check<IoError>(demuxer && state != WEBP_DEMUX_PARSE_ERROR, "cannot read ", name, ": its parts are damaged");
  check<IoError>(state == WEBP_DEMUX_DONE, "cannot read ", name, ": cut off ",
                 after_frame(count_whole_frames(demuxer.get())));
  const Announced announced{WebPDemuxGetI(demuxer.get(), WEBP_FF_FRAME_COUNT),
                            WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT),
                            WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH)};
  check_announced_size(name, announced.frames, announced.height, announced.width, max_pixels);
  return announced;
}

}  // namespace

VideoFrames decode_webp(std::string_view bytes, const std::string& name, int64_t max_pixels) {
  check<IoError>(bytes.starts_with("RIFF") && (bytes.size() < 12 || bytes.substr(8, 4) == "WEBP"), "cannot read ", name,
                 ": it is not a WebP file");
  const WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  const auto [count, height, width] = check_parts(data, name, max_pixels);

  WebPAnimDecoderOptions options;
  check<Error>(WebPAnimDecoderOptionsInit(&options), "[webp] libwebpdemux has another version than its headers");
  options.color_mode = MODE_RGBA;
  const std::unique_ptr<WebPAnimDecoder, DecoderDeleter> decoder(WebPAnimDecoderNew(&data, &options));
  check<IoError>(decoder != nullptr, "cannot read ", name, ": libwebp cannot decode it");

  FrameList frames(name, count, height, width, max_pixels);
  int64_t ticks = 0;
  for (int64_t f = 0, before = 0; f < count; ++f) {
    uint8_t* rgba = nullptr;
    int end = 0;  // of the frame, in milliseconds
    check<IoError>(WebPAnimDecoderGetNext(decoder.get(), &rgba, &end), "cannot read ", name, ": damaged ",
                   after_frame(f));
    rgba_over_white(rgba, height * width, frames.add());
    ticks += shown_ticks(end - before, webp_ticks_per_second);
    before = end;
  }
  WebPBitstreamFeatures features;
  const bool animated = WebPGetFeatures(data.bytes, data.size, &features) == VP8_STATUS_OK && features.has_animation;
  return {frames.take(), animated ? rate_of_ticks(count, ticks, webp_ticks_per_second) : default_fps};
}

}  // namespace ditharos::data

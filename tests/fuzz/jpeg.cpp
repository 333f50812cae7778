#include <ditharos/data/codecs/jpeg.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

void fuzz_jpeg(std::string_view bytes) {
  const data::JpegInfo info = data::jpeg_info(bytes, "a", fuzz_pixels);
  demand(info.orientation >= 1 && info.orientation <= 8, "an orientation");
  for (const long channels : {1, 3}) {
    const Tensor image = data::decode_jpeg(bytes, channels, "a", fuzz_pixels);
    demand(image.shape() == Shape{channels, info.height, info.width}, "the size that the header says");
  }
}

}  // namespace ditharos::tests

#pragma once
// Videos with captions: what every source of clips in this folder gives, and what the loader draws batches from.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// Size of a clip, in frames and pixels.
struct ClipShape {
  int64_t frames = 0, height = 0, width = 0;
  friend bool operator==(const ClipShape&, const ClipShape&) = default;
};
/// "16x32x48": frames x height x width.
[[nodiscard]] inline std::string to_text(const ClipShape& shape) {
  return std::to_string(shape.frames) + "x" + std::to_string(shape.height) + "x" + std::to_string(shape.width);
}

/// A clip and what it shows, in words.
struct CaptionedClip {
  Tensor frames;  ///< u8 [F, 3, H, W], RGB
  std::string caption;
};

/// A set of captioned clips that can be had in any shape. Immutable: every function may be called from any thread.
class ClipSource {
 public:
  virtual ~ClipSource() = default;
  virtual int64_t size() const = 0;
  /// Sentences on what its folder holds beside it, and on what its split leaves out.
  virtual std::vector<std::string> notes() const { return {}; }
  /// The caption of clip i, without the work of making its frames; Error unless 0 <= i < size().
  virtual std::string caption(int64_t i) const = 0;
  /// Clip i in this shape; depends on (i, shape) alone. Error unless 0 <= i < size(), ShapeError unless every size is
  /// at least 1.
  virtual CaptionedClip clip(int64_t i, const ClipShape& shape) const = 0;
  /// A CRC-32C of all that clips and captions are made from: while it stays the same, so do they.
  virtual uint32_t checksum() const = 0;
};

}  // namespace ditharos::data

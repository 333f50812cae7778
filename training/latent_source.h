#pragma once
// The latents of images or clips as a source to train on: each is encoded once.
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <ditharos/data/datasets/data_source.h>
#include <ditharos/models/autoencoder/autoencoder.h>

namespace ditharos::training {

struct LatentOptions {
  /// The samples [size, 2 size) are the latents of the mirrored images: latents themselves cannot be mirrored.
  bool mirrored = false;
  /// Latents that take at most this many bytes in all are kept in memory after their first use. Others are encoded at
  /// each use, unless they are packed (data/datasets/packed/write_packed.h).
  int64_t memory_bytes = int64_t{1} << 30;
};

/// Samples are f32 [F, C, H, W], the normalised means of the encoder's distribution (Autoencoder::to_latents) for the
/// samples of `pixels` in `shape`, with their labels and captions. They do not depend on what is kept. The checksum is
/// of the pixels, their shape and the elements of the autoencoder, so packed latents of another autoencoder are found
/// out. May be called from any thread.
class LatentSource final : public data::DataSource {
 public:
  /// `autoencoder` must be in evaluation mode and outlive the source. ShapeError, with the nearest sizes that fit,
  /// unless its strides divide `shape`; ConfigError for pixels of other channels than the autoencoder's.
  LatentSource(std::shared_ptr<const data::DataSource> pixels, const models::Autoencoder& autoencoder,
               const data::SampleShape& shape, const LatentOptions& options = {});

  int64_t size() const override { return pixels_->size() * (options_.mirrored ? 2 : 1); }
  /// ShapeError for another shape than native_shape().
  Tensor sample(int64_t i, const data::SampleShape& shape) const override;
  uint32_t checksum() const override { return checksum_; }
  DType dtype() const override { return DType::f32; }
  int64_t channels() const override { return autoencoder_.latent_channels(); }
  const std::vector<std::string>& class_names() const override { return pixels_->class_names(); }
  int64_t label(int64_t i) const override;
  std::string caption(int64_t i) const override;
  std::optional<data::SampleShape> native_shape() const override { return latents_; }
  std::vector<std::string> notes() const override { return pixels_->notes(); }
  std::optional<data::ImageSelection> image_selection() const override { return pixels_->image_selection(); }
  /// Bytes of all latents where they are kept in memory; 0 where each is encoded at each use.
  int64_t kept_bytes() const { return kept_bytes_; }

 private:
  int64_t index_of(int64_t i) const;  // in pixels_
  Tensor encode(int64_t i) const;

  std::shared_ptr<const data::DataSource> pixels_;
  const models::Autoencoder& autoencoder_;
  data::SampleShape shape_, latents_;
  LatentOptions options_;
  uint32_t checksum_ = 0;
  int64_t kept_bytes_ = 0;
  std::unique_ptr<std::once_flag[]> encoded_;  // null: latents are not kept
  mutable std::vector<Tensor> kept_;
};

/// The latents of `pixels` in each of these shapes, in their order. `memory_bytes` of the options is for all of them:
/// those of a shape are kept where they fit into what the shapes before it leave. Throws what LatentSource does.
[[nodiscard]] std::vector<std::shared_ptr<const LatentSource>> latents_in_shapes(
    const std::shared_ptr<const data::DataSource>& pixels, const models::Autoencoder& autoencoder,
    const std::vector<data::SampleShape>& shapes, LatentOptions options = {});

}  // namespace ditharos::training

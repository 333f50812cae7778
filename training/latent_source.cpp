#include <ditharos/training/latent_source.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/data/loading/batch.h>
#include <ditharos/nn/module.h>
#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/io/crc32c.h>

namespace ditharos::training {
namespace {

uint32_t checksum_of(const models::Autoencoder& autoencoder, uint32_t crc) {
  for (const auto& [name, tensor] : nn::named_tensors(autoencoder)) {
    crc = crc32c(name.c_str(), name.size() + 1, crc);
    const Tensor elements = contiguous(to(tensor.detach(), DType::f32));
    crc = crc32c(elements.data<float>(), size_t(elements.numel()) * sizeof(float), crc);
  }
  return crc;
}

}  // namespace

LatentSource::LatentSource(std::shared_ptr<const data::DataSource> pixels, const models::Autoencoder& autoencoder,
                           const data::SampleShape& shape, const LatentOptions& options)
    : pixels_(std::move(pixels)), autoencoder_(autoencoder), shape_(shape), options_(options) {
  check<ConfigError>(pixels_->channels() == autoencoder.channels(), "the autoencoder encodes samples of ",
                     autoencoder.channels(), " channels, and those of the data have ", pixels_->channels());
  const Shape latent = autoencoder.latent_shape({1, shape.frames, autoencoder.channels(), shape.height, shape.width});
  latents_ = {latent[1], latent[3], latent[4]};
  const int64_t about[] = {shape.frames, shape.height, shape.width, options.mirrored ? 1 : 0, pixels_->checksum()};
  checksum_ = checksum_of(autoencoder, crc32c(about, sizeof about));
  const int64_t bytes = checked_product("LatentSource", {size(), numel(latent), int64_t(sizeof(float))});
  if (bytes > options.memory_bytes) return;
  kept_bytes_ = bytes;
  encoded_ = std::make_unique<std::once_flag[]>(size_t(size()));
  kept_.resize(size_t(size()));
}

int64_t LatentSource::index_of(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[LatentSource] sample ", i, " is not in 0..", size() - 1);
  return i % pixels_->size();
}

Tensor LatentSource::encode(int64_t i) const {
  const NoGrad no_grad;
  const data::Batch one = read_batch(*pixels_, shape_, {index_of(i)}, {i >= pixels_->size()});
  return contiguous(select(autoencoder_.to_latents(one.samples), 0, 0));
}

Tensor LatentSource::sample(int64_t i, const data::SampleShape& shape) const {
  static_cast<void>(index_of(i));
  check<ShapeError>(shape == latents_, "[LatentSource] the latents are ", data::to_text(latents_),
                    " and cannot be read as ", data::to_text(shape));
  if (!encoded_) return encode(i);
  std::call_once(encoded_[size_t(i)], [&] { kept_[size_t(i)] = encode(i); });
  return kept_[size_t(i)];
}

int64_t LatentSource::label(int64_t i) const { return pixels_->label(index_of(i)); }

std::string LatentSource::caption(int64_t i) const { return pixels_->caption(index_of(i)); }

std::vector<std::shared_ptr<const LatentSource>> latents_in_shapes(
    const std::shared_ptr<const data::DataSource>& pixels, const models::Autoencoder& autoencoder,
    const std::vector<data::SampleShape>& shapes, LatentOptions options) {
  std::vector<std::shared_ptr<const LatentSource>> sources;
  for (const data::SampleShape& shape : shapes) {
    sources.push_back(std::make_shared<LatentSource>(pixels, autoencoder, shape, options));
    options.memory_bytes -= sources.back()->kept_bytes();
  }
  return sources;
}

}  // namespace ditharos::training

#include <ditharos/data/loading/loader.h>

#include <algorithm>

#include <ditharos/data/loading/prefetcher.h>
#include <ditharos/tensor/random.h>

namespace ditharos::data {
namespace {

/// A batch and where the one behind it begins.
struct Item {
  Batch batch;
  Cursor after;
};

/// Makes batches one after the other. Used by one thread at a time.
class Assembler {
 public:
  Assembler(Dataset dataset, const LoaderOptions& options, Cursor start)
      : dataset_(std::move(dataset)), options_(options), cursor_(start) {
    for (int value = 0; value < 256; ++value) unit_range_[value] = to_unit_range(static_cast<uint8_t>(value));
    begin_epoch_if_at_end();
  }

  Item next() {
    const Tensor& order = order_of(cursor_.epoch);
    const int64_t n = std::min(options_.batch_size, dataset_.size() - cursor_.position);
    Batch batch;
    batch.images = Tensor({n, dataset_.channels(), dataset_.height(), dataset_.width()});
    batch.labels = Tensor({n}, DType::i64);
    float* image = batch.images.mutable_data<float>();
    int64_t* label = batch.labels.mutable_data<int64_t>();
    const int64_t* index = order.data<int64_t>() + cursor_.position;
    for (int64_t k = 0; k < n; ++k) {
      copy_picture(index[k], image + k * dataset_.picture_size());
      label[k] = dataset_.label(index[k]);
    }
    cursor_.position += n;
    begin_epoch_if_at_end();
    return {batch, cursor_};
  }
  Cursor cursor() const { return cursor_; }

 private:
  void begin_epoch_if_at_end() {
    const int64_t left = dataset_.size() - cursor_.position;
    if (left == 0 || (options_.drop_last && left < options_.batch_size)) cursor_ = {cursor_.epoch + 1, 0};
  }
  Generator generator_of(uint64_t epoch) const { return Generator(options_.seed).fork(epoch); }

  const Tensor& order_of(uint64_t epoch) {
    if (order_.defined() && order_epoch_ == epoch) return order_;
    if (options_.shuffle) {
      order_ = generator_of(epoch).permutation(dataset_.size());
    } else if (!order_.defined()) {
      order_ = Tensor({dataset_.size()}, DType::i64);
      int64_t* p = order_.mutable_data<int64_t>();
      for (int64_t i = 0; i < dataset_.size(); ++i) p[i] = i;
    }
    order_epoch_ = epoch;
    flip_seed_ = generator_of(epoch).fork(1).seed();  // a stream of its own: order and flips are independent
    return order_;
  }

  /// One picture as floats, mirrored or not. [C, H, W]
  void copy_picture(int64_t index, float* to) const {
    const uint8_t* from = dataset_.picture(index);
    const bool flip = options_.horizontal_flip && (philox(flip_seed_, static_cast<uint64_t>(index))[0] & 1) != 0;
    const int64_t width = dataset_.width(), rows = dataset_.channels() * dataset_.height();
    for (int64_t row = 0; row < rows; ++row, from += width, to += width) {
      for (int64_t x = 0; x < width; ++x) to[x] = unit_range_[from[flip ? width - 1 - x : x]];
    }
  }

  Dataset dataset_;
  LoaderOptions options_;
  Cursor cursor_;
  float unit_range_[256];
  Tensor order_;  // i64 [N]: the pictures of epoch order_epoch_
  uint64_t order_epoch_ = 0, flip_seed_ = 0;
};

void validate(const Dataset& dataset, const LoaderOptions& options, Cursor start) {
  check<ConfigError>(options.batch_size >= 1, "[Loader] the batch size must be at least 1, got ", options.batch_size);
  check<ConfigError>(options.prefetch >= 0 && options.prefetch <= 1024, "[Loader] prefetch must be 0..1024, got ",
                     options.prefetch);
  const int64_t least = options.drop_last ? options.batch_size : 1;
  check<ConfigError>(dataset.size() >= least, "[Loader] a set of ", dataset.size(),
                     " pictures is too small for batches of ", options.batch_size);
  check<ConfigError>(start.position >= 0 && start.position <= dataset.size(), "[Loader] cannot start at picture ",
                     start.position, " of a set of ", dataset.size(), "; is this the data set of the checkpoint?");
}

}  // namespace

struct Loader::State {
  State(Dataset dataset, const LoaderOptions& options_, Cursor start)
      : options(options_), pictures(dataset.size()), assembler(std::move(dataset), options_, start),
        cursor(assembler.cursor()), batches(options.prefetch, [this] { return assembler.next(); }) {}

  const LoaderOptions options;
  const int64_t pictures;
  Assembler assembler;
  Cursor cursor;             // of the caller
  Prefetcher<Item> batches;  // last: its thread starts when everything else is there
};

Loader::Loader(Dataset dataset, const LoaderOptions& options, Cursor start) {
  validate(dataset, options, start);
  state_ = std::make_unique<State>(std::move(dataset), options, start);
}
Loader::~Loader() = default;

Batch Loader::next() {
  Item item = state_->batches.take();
  state_->cursor = item.after;
  return std::move(item.batch);
}

Cursor Loader::cursor() const { return state_->cursor; }

int64_t Loader::batches_per_epoch() const {
  const int64_t full = state_->pictures / state_->options.batch_size;
  const bool rest = state_->pictures % state_->options.batch_size != 0;
  return full + (rest && !state_->options.drop_last ? 1 : 0);
}

}  // namespace ditharos::data

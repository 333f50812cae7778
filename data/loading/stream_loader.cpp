#include <ditharos/data/loading/stream_loader.h>

#include <ditharos/data/loading/prefetcher.h>

namespace ditharos::data {

struct PreparedParts::State {
  using Pointer = std::shared_ptr<void>;

  State(int64_t prefetch, Work work_)
      : work(std::move(work_)), items(prefetch, prefetch > 0 ? 1 : 0,
                                      {.begin = [this] { return work.read(); },
                                       .parts = [](const Pointer&) { return int64_t{1}; },
                                       .do_part = [this](Pointer& item, int64_t) { work.finish(item.get()); }}) {}

  const Work work;
  Prefetcher<Pointer> items;  // last: its thread starts when the work is there
};

PreparedParts::PreparedParts(int64_t prefetch, Work work)
    : state_(std::make_unique<State>(prefetch, std::move(work))) {}
PreparedParts::~PreparedParts() = default;

std::shared_ptr<void> PreparedParts::take() { return state_->items.take(); }

}  // namespace ditharos::data

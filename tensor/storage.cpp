#include <ditharos/tensor/storage.h>

#include <utility>

#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/observer.h>

namespace ditharos {
namespace {

int64_t tell_birth(size_t bytes) {
  static std::atomic<int64_t> births{0};
  const int64_t birth = ++births;
  notify([=](Observer& o) { o.on_storage(bytes, birth); });
  return birth;
}

}  // namespace

Storage::Storage(size_t bytes) : data_(allocate(bytes)), bytes_(bytes), birth_(observed() ? tell_birth(bytes) : 0) {}
Storage::Storage(void* data, size_t bytes, std::shared_ptr<void> owner)
    : data_(data), bytes_(bytes), birth_(observed() ? tell_birth(0) : 0), owner_(std::move(owner)) {}
Storage::~Storage() {
  if (!owner_) deallocate(data_, bytes_);
}

}  // namespace ditharos

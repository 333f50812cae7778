#include <ditharos/tensor/storage.h>

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

Storage::Storage(size_t bytes)
    : data_(allocate(bytes)), bytes_(bytes), birth_(observed() ? tell_birth(bytes) : 0) {}
Storage::~Storage() { deallocate(data_, bytes_); }

}  // namespace ditharos

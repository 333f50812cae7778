#include <ditharos/tensor/storage.h>

#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/observer.h>

namespace ditharos {

Storage::Storage(size_t bytes)
    : data_(allocate(bytes)), bytes_(bytes), birth_(observer ? observer->on_storage(bytes) : 0) {}
Storage::~Storage() { deallocate(data_, bytes_); }

}  // namespace ditharos

#include <ditharos/tensor/storage.h>

#include <ditharos/tensor/allocator.h>

namespace ditharos {

Storage::Storage(size_t bytes) : data_(allocate(bytes)), bytes_(bytes) {}
Storage::~Storage() { deallocate(data_, bytes_); }

}  // namespace ditharos

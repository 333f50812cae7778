#pragma once
// Internal to tensor/kernels/onednn/.
// A cache of primitives by their keys: creating one may take longer than the product itself.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace ditharos::kernels::onednn {

/// Hash of a plain struct of numbers.
template <class Key>
struct BytesHash {
  static_assert(std::has_unique_object_representations_v<Key>, "padding has no defined value");
  static_assert(sizeof(Key) % sizeof(uint64_t) == 0, "the hash reads 8 bytes at a time");
  size_t operator()(const Key& key) const {
    uint64_t words[sizeof(Key) / sizeof(uint64_t)], h = 0;
    std::memcpy(words, &key, sizeof(key));
    for (uint64_t word : words) {
      h = (h ^ word) * 0x9e3779b97f4a7c15u;  // Fibonacci hashing, one round per word
      h ^= h >> 29;
    }
    return static_cast<size_t>(h);
  }
};

/// Values by their keys. It belongs to one thread (thread_local), because two threads must not run the same primitive
/// at once.
template <class Key, class Value>
class PrimitiveCache {
 public:
  /// It is emptied when it has `capacity` values, so that the memory of a program with ever new shapes is bounded.
  explicit PrimitiveCache(size_t capacity) : capacity_(capacity) {}

  /// The value of `key`. The first call creates it with create(), which returns a std::unique_ptr<Value>. Null is kept
  /// too, so that a kernel which oneDNN lacks is searched for only once. If create() throws, nothing is kept. A value
  /// is valid until a later call creates another one.
  template <class Create>
  Value* find_or_create(const Key& key, const Create& create) {
    const auto found = values_.find(key);
    if (found != values_.end()) return found->second.get();
    std::unique_ptr<Value> value = create();
    if (values_.size() >= capacity_) values_.clear();
    return values_.emplace(key, std::move(value)).first->second.get();
  }

  size_t size() const { return values_.size(); }

 private:
  size_t capacity_;
  std::unordered_map<Key, std::unique_ptr<Value>, BytesHash<Key>> values_;
};

}  // namespace ditharos::kernels::onednn

// What a thread keeps of oneDNN's primitives. The cache itself needs no oneDNN.
#include <doctest/doctest.h>

#include <stdexcept>

#include <ditharos/tensor/kernels/onednn/primitive_cache.h>

using namespace ditharos;

namespace {

struct Key {
  int64_t rows;
  int32_t columns;
  bool bias, accumulate, transpose_a = false, transpose_b = false;
  friend bool operator==(const Key&, const Key&) = default;
};

using Cache = kernels::onednn::PrimitiveCache<Key, int>;

/// Creates `value`, or nothing for 0, and counts the calls.
struct Create {
  int value;
  int* calls;
  std::unique_ptr<int> operator()() const {
    ++*calls;
    return value ? std::make_unique<int>(value) : nullptr;
  }
};

}  // namespace

TEST_CASE("primitive cache: a value is created once a key, and every field of the key counts") {
  Cache cache(100);
  const Key keys[] = {
      {1, 2, false, false}, {2, 2, false, false}, {1, 3, false, false}, {1, 2, true, false}, {1, 2, false, true}};
  int calls = 0;
  for (const bool again : {false, true})
    for (int i = 0; i < 5; ++i) {
      CAPTURE(again);
      CAPTURE(i);
      const int* value = cache.find_or_create(keys[i], Create{10 + i, &calls});
      REQUIRE(value != nullptr);
      CHECK(*value == 10 + i);
    }
  CHECK(calls == 5);
  CHECK(cache.size() == 5);
}

TEST_CASE("primitive cache: what oneDNN lacks is looked for once") {
  Cache cache(100);
  int calls = 0;
  CHECK(cache.find_or_create({1, 2, false, false}, Create{0, &calls}) == nullptr);
  CHECK(cache.find_or_create({1, 2, false, false}, Create{7, &calls}) == nullptr);
  CHECK(calls == 1);
}

TEST_CASE("primitive cache: an exception leaves it as it was") {
  Cache cache(1);
  int calls = 0;
  const Key kept{1, 2, false, false}, other{2, 2, false, false};
  const int* value = cache.find_or_create(kept, Create{7, &calls});
  const auto create = []() -> std::unique_ptr<int> { throw std::runtime_error("no memory"); };
  CHECK_THROWS_AS(cache.find_or_create(other, create), std::runtime_error);
  CHECK(cache.size() == 1);
  CHECK(cache.find_or_create(kept, Create{8, &calls}) == value);
  CHECK(*cache.find_or_create(other, Create{9, &calls}) == 9);
}

TEST_CASE("primitive cache: it never holds more values than its capacity") {
  Cache cache(3);
  int calls = 0;
  for (int64_t rows = 1; rows <= 10; ++rows) {
    CHECK(*cache.find_or_create({rows, 1, false, false}, Create{int(rows), &calls}) == int(rows));
    CHECK(cache.size() <= 3);
  }
  CHECK(calls == 10);
  CHECK(*cache.find_or_create({10, 1, false, false}, Create{1, &calls}) == 10);
  CHECK(*cache.find_or_create({1, 1, false, false}, Create{2, &calls}) == 2);
}

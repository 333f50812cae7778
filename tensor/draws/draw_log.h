#pragma once
// Recording and replay of random numbers, for a computation that runs twice: the second run draws the numbers of the
// first, from whichever generators.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ditharos {

/// The state of a generator at the beginning of a draw of `count` elements.
struct Draw {
  uint64_t seed, offset, count;
};
using DrawLog = std::vector<Draw>;

/// In a scope, the draws of this thread are recorded in `log`. Scopes nest: an outer one also records the draws of an
/// inner one.
class RecordDraws {
 public:
  explicit RecordDraws(DrawLog& log);
  ~RecordDraws();
  RecordDraws(const RecordDraws&) = delete;
  RecordDraws& operator=(const RecordDraws&) = delete;

 private:
  friend Draw begin_draw(uint64_t seed, uint64_t& offset, uint64_t count);
  DrawLog& log_;
  RecordDraws* outer_;
};

/// In a scope, the draws of this thread return the numbers of `log`, one entry after the other, for any generator, and
/// no generator advances. AutogradError for a draw that has no entry left or whose entry has another length.
class ReplayDraws {
 public:
  explicit ReplayDraws(const DrawLog& log);
  ~ReplayDraws();
  ReplayDraws(const ReplayDraws&) = delete;
  ReplayDraws& operator=(const ReplayDraws&) = delete;
  /// True when every entry of the log was replayed.
  bool finished() const { return next_ == log_.size(); }

 private:
  friend Draw begin_draw(uint64_t seed, uint64_t& offset, uint64_t count);
  const DrawLog& log_;
  size_t next_ = 0;
  ReplayDraws* outer_;
};

/// Called by every draw of a Generator in the state (seed, offset). Returns the state from which to draw. Advances
/// `offset` unless the draw is a replay.
Draw begin_draw(uint64_t seed, uint64_t& offset, uint64_t count);

}  // namespace ditharos

#pragma once
// The random numbers of a computation that is run twice: what it drew the first time, from whichever generators, it
// draws again the second time.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ditharos {

/// Where a draw of `count` elements began.
struct Draw {
  uint64_t seed, offset, count;
};
using DrawLog = std::vector<Draw>;

/// Inside a scope, this thread's draws are noted in `log`. Scopes nest: an outer one notes what an inner one does.
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

/// Inside a scope, this thread's draws give the numbers of `log`, one entry after the other, whatever generator is
/// asked, and no generator advances. AutogradError for a draw of which the log has none, or one of another length.
class ReplayDraws {
 public:
  explicit ReplayDraws(const DrawLog& log);
  ~ReplayDraws();
  ReplayDraws(const ReplayDraws&) = delete;
  ReplayDraws& operator=(const ReplayDraws&) = delete;
  /// Whether all of the log was drawn.
  bool finished() const { return next_ == log_.size(); }

 private:
  friend Draw begin_draw(uint64_t seed, uint64_t& offset, uint64_t count);
  const DrawLog& log_;
  size_t next_ = 0;
  ReplayDraws* outer_;
};

/// Called by every draw of a Generator in the state (seed, offset): where it really begins. Advances `offset` unless
/// the draw is a replay.
Draw begin_draw(uint64_t seed, uint64_t& offset, uint64_t count);

}  // namespace ditharos

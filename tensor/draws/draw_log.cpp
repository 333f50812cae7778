#include <ditharos/tensor/draws/draw_log.h>

#include <ditharos/tensor/error.h>

namespace ditharos {
namespace {
constinit thread_local RecordDraws* recorder = nullptr;  // the innermost
constinit thread_local ReplayDraws* player = nullptr;
}  // namespace

RecordDraws::RecordDraws(DrawLog& log) : log_(log), outer_(recorder) { recorder = this; }
RecordDraws::~RecordDraws() { recorder = outer_; }

ReplayDraws::ReplayDraws(const DrawLog& log) : log_(log), outer_(player) { player = this; }
ReplayDraws::~ReplayDraws() { player = outer_; }

Draw begin_draw(uint64_t seed, uint64_t& offset, uint64_t count) {
  Draw draw{seed, offset, count};
  if (player) {
    check<AutogradError>(player->next_ < player->log_.size() && player->log_[player->next_].count == count,
                         "[checkpoint] the block draws other random numbers when it is computed again: draw ",
                         player->next_, " has ", count, " elements, and the first time it ",
                         player->next_ < player->log_.size() ? "had " + to_text(player->log_[player->next_].count)
                                                             : std::string("was not made"));
    draw = player->log_[player->next_++];
  } else {
    offset += count;
  }
  for (RecordDraws* r = recorder; r; r = r->outer_) r->log_.push_back(draw);
  return draw;
}

}  // namespace ditharos

#include <ditharos/training/distributed/step_summary.h>

#include <type_traits>

#include <ditharos/tensor/error.h>

namespace ditharos::training {
namespace {

static_assert(std::is_trivially_copyable_v<StepPart>);

std::string encode(const StepSummary& s) {
  return bytes_of(std::vector<uint64_t>{s.parts.size(), s.had_gradient.size()}) + bytes_of(s.parts) +
         bytes_of(s.had_gradient) + bytes_of(s.squares) + s.failure;
}

StepSummary decode(const std::string& bytes) {
  const std::vector<uint64_t> counts = values_of_bytes<uint64_t>(bytes.substr(0, 2 * sizeof(uint64_t)));
  size_t at = 2 * sizeof(uint64_t);
  const auto take = [&](size_t count) {
    check(count <= bytes.size() - at, "ranks disagree about the parts of a step");
    at += count;
    return bytes.substr(at - count, count);
  };
  StepSummary s;
  s.parts = values_of_bytes<StepPart>(take(size_t(counts.at(0)) * sizeof(StepPart)));
  s.had_gradient = values_of_bytes<uint8_t>(take(size_t(counts.at(1))));
  s.squares = values_of_bytes<double>(take(size_t(counts.at(1)) * sizeof(double)));
  s.failure = take(bytes.size() - at);
  return s;
}

}  // namespace

StepSummary gather(Communicator& ranks, const StepSummary& own, const GradientExchange& exchange) {
  if (ranks.size() == 1) return own;
  StepSummary all{.failure = {},
                  .parts = {},
                  .had_gradient = std::vector<uint8_t>(own.had_gradient.size(), 0),
                  .squares = std::vector<double>(own.squares.size(), 0)};
  const std::vector<std::string> texts = ranks.all_gather(encode(own));
  for (size_t rank = 0; rank < texts.size(); ++rank) {
    const StepSummary of_rank = decode(texts[rank]);
    check(of_rank.squares.size() == all.squares.size(), "rank ", int(rank), " trains ", of_rank.squares.size(),
          " parameters, this one ", all.squares.size());
    if (all.failure.empty()) all.failure = of_rank.failure;
    all.parts.insert(all.parts.end(), of_rank.parts.begin(), of_rank.parts.end());
    for (size_t p = 0; p < all.squares.size(); ++p) {
      all.had_gradient[p] |= of_rank.had_gradient[p];
      if (exchange.owner(p) == int(rank)) all.squares[p] = of_rank.squares[p];
    }
  }
  return all;
}

}  // namespace ditharos::training

#include <ditharos/models/diffusion/schedule.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include <ditharos/tensor/error.h>

namespace ditharos::models {
namespace {

constexpr int64_t most_steps = 1'000'000;
/// The linear schedule's last beta is 20 / steps; a beta of 1 leaves nothing of the data, and 1 / a_bar is infinite.
constexpr int64_t fewest_linear_steps = 21;

/// Value i of n that are evenly spaced from first to last.
double evenly(double first, double last, int64_t i, double n) { return first + (last - first) * double(i) / (n - 1); }

/// alpha-bar at u in [0, 1]; the offset .008 keeps the first betas from vanishing.
double squared_cosine(double u) {
  const double c = std::cos((u + .008) / 1.008 * std::numbers::pi / 2);
  return c * c;
}

int64_t parse_count(const std::string& text, const std::string& whole) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check<ConfigError>(error == std::errc{} && end == text.data() + text.size() && value >= 1, "the respacing '", whole,
                     "' must be a number of steps such as 250, a list such as 10,15,20, or ddim50; each at least 1");
  return value;
}

/// `count` steps at the smallest stride that gives exactly as many.
std::vector<int64_t> strided_steps(int64_t steps, int64_t count) {
  if (count == 1) return {steps - 1};  // from noise to data at once: what the network is given is noise
  for (int64_t stride = 1; stride <= steps; ++stride) {
    if ((steps + stride - 1) / stride != count) continue;
    std::vector<int64_t> kept;
    for (int64_t t = 0; t < steps; t += stride) kept.push_back(t);
    return kept;
  }
  fail<ConfigError>("no integer stride gives ", count, " of ", steps, " steps; choose another number for ddim");
}

/// `count` multiples of an integer stride from step 0, or steps at an even stride that end at the last step.
std::vector<int64_t> spaced_steps(int64_t steps, int64_t count, bool leading) {
  check<ConfigError>(count <= steps, "a process of ", steps, " steps cannot be respaced to ", count);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < count; ++i) {
    const double back = double(count - 1 - i) * (double(steps) / double(count));
    kept.push_back(leading ? i * (steps / count) : std::llrint(std::nearbyint(double(steps) - back)) - 1);
  }
  return kept;
}

/// `count` steps of [begin, begin + size), evenly spaced from the first to the last; a single one is the last, where
/// the section has most noise.
void append_section(std::vector<int64_t>& kept, int64_t begin, int64_t size, int64_t count) {
  check<ConfigError>(count <= size, "a section of ", size, " steps cannot be respaced to ", count, "; from 1 to ", size,
                     " are possible");
  if (count == 1) return kept.push_back(begin + size - 1);
  const double stride = double(size - 1) / double(count - 1);
  double at = 0;  // summed, not multiplied, and rounded half to even: as the released samplers do
  for (int64_t i = 0; i < count; ++i, at += stride) kept.push_back(begin + std::llrint(std::nearbyint(at)));
}

}  // namespace

std::vector<double> make_betas(BetaSchedule schedule, int64_t steps) {
  check<ConfigError>(steps >= 1 && steps <= most_steps, "a diffusion process has between 1 and ", most_steps,
                     " steps, got ", steps);
  check<ConfigError>(schedule != BetaSchedule::linear || steps >= fewest_linear_steps,
                     "the linear schedule has betas up to 20 / steps, which must be below 1: it needs from ",
                     fewest_linear_steps, " to ", most_steps, " steps, got ", steps);
  check<ConfigError>(schedule == BetaSchedule::squaredcos_cap_v2 || steps >= 2,
                     "a schedule from a first to a last beta needs from 2 to ", most_steps, " steps, got ", steps);
  std::vector<double> betas(static_cast<size_t>(steps));
  const double n = double(steps);
  for (int64_t i = 0; i < steps; ++i) {
    double& beta = betas[size_t(i)];
    switch (schedule) {
      case BetaSchedule::linear: beta = evenly(.0001 * 1000 / n, .02 * 1000 / n, i, n); break;
      case BetaSchedule::squaredcos_cap_v2:
        beta = std::min(1 - squared_cosine(double(i + 1) / n) / squared_cosine(double(i) / n), .999);
        break;
      case BetaSchedule::scaled_linear: {
        const double root = evenly(std::sqrt(.00085), std::sqrt(.012), i, n);
        beta = root * root;
        break;
      }
      case BetaSchedule::sigmoid: beta = .0001 + (.02 - .0001) / (1 + std::exp(-evenly(-6, 6, i, n))); break;
    }
  }
  return betas;
}

std::vector<double> rescale_zero_terminal_snr(const std::vector<double>& betas) {
  const auto is_beta = [](double beta) { return beta > 0 && beta < 1; };
  check<ConfigError>(betas.size() >= 2 && std::all_of(betas.begin(), betas.end(), is_beta),
                     "a process with zero terminal SNR needs two steps or more, with betas in (0, 1)");
  std::vector<double> roots;  // sqrt(alpha-bar)
  double a_bar = 1;
  for (const double beta : betas) roots.push_back(std::sqrt(a_bar *= 1 - beta));
  const double first = roots.front(), last = roots.back(), scale = first / (first - last);
  std::vector<double> rescaled;
  double previous = 1;
  for (const double root : roots) {
    const double moved = (root - last) * scale;
    rescaled.push_back(1 - moved * moved / previous);
    previous = moved * moved;
  }
  return rescaled;
}

std::vector<int64_t> respaced_steps(int64_t steps, const std::string& sections) {
  check<ConfigError>(steps >= 1 && steps <= most_steps, "a diffusion process has between 1 and ", most_steps,
                     " steps, got ", steps);
  if (sections.starts_with("ddim")) return strided_steps(steps, parse_count(sections.substr(4), sections));
  for (const std::string spacing : {"leading", "trailing"})
    if (sections.starts_with(spacing))
      return spaced_steps(steps, parse_count(sections.substr(spacing.size()), sections), spacing == "leading");

  std::vector<int64_t> counts;
  if (sections.empty()) counts.push_back(steps);
  for (size_t begin = 0; begin < sections.size();) {
    const size_t comma = std::min(sections.find(',', begin), sections.size());
    counts.push_back(parse_count(sections.substr(begin, comma - begin), sections));
    begin = comma + 1;
  }
  const int64_t parts = int64_t(counts.size());
  std::vector<int64_t> kept;
  int64_t begin = 0;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t size = steps / parts + (i < steps % parts ? 1 : 0);
    append_section(kept, begin, size, counts[size_t(i)]);
    begin += size;
  }
  return kept;
}

DiffusionTables::DiffusionTables(const std::vector<double>& original_betas, const std::vector<int64_t>& kept)
    : original_step(kept) {
  check<ConfigError>(!kept.empty() && std::is_sorted(kept.begin(), kept.end()) && kept.front() >= 0 &&
                         kept.back() < int64_t(original_betas.size()),
                     "the steps to keep must ascend within the ", original_betas.size(), " of the process");
  double product = 1;
  size_t next = 0;
  for (size_t t = 0; t < original_betas.size() && next < kept.size(); ++t) {
    product *= 1 - original_betas[t];
    if (int64_t(t) == kept[next]) {
      a_bar.push_back(product);
      ++next;
    }
  }
  check<ConfigError>(a_bar.size() == kept.size(), "a step cannot be kept twice");

  const size_t n = kept.size();
  for (size_t t = 0; t < n; ++t) {
    const double previous = t > 0 ? a_bar[t - 1] : 1, b = 1 - a_bar[t] / previous;
    beta.push_back(b);
    a_bar_previous.push_back(previous);
    a_bar_next.push_back(t + 1 < n ? a_bar[t + 1] : 0);
    posterior_variance.push_back(b * (1 - previous) / (1 - a_bar[t]));
    posterior_x0.push_back(b * std::sqrt(previous) / (1 - a_bar[t]));
    posterior_xt.push_back((1 - previous) * std::sqrt(1 - b) / (1 - a_bar[t]));
  }
  for (size_t t = 0; t < n; ++t) {
    // A process of a single step has no posterior with a variance; its beta bounds the range from both sides.
    posterior_log_variance.push_back(std::log(n == 1 ? beta[0] : posterior_variance[std::max<size_t>(t, 1)]));
  }
}

}  // namespace ditharos::models

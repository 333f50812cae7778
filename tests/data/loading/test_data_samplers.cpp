// Samplers, parts of data sets, and joined ones.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include <ditharos/data/datasets/subset.h>
#include <ditharos/data/datasets/tensor_dataset.h>
#include <ditharos/data/loading/data_loader.h>
#include <ditharos/data/loading/sampler.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/message_of.h"

using namespace ditharos;
using namespace ditharos::data;
using tests::message_of;

namespace {

using Numbers = std::vector<int64_t>;
Numbers sorted(Numbers x) {
  std::sort(x.begin(), x.end());
  return x;
}
Numbers range(int64_t n) { return SequentialSampler(n)(0); }

/// How often each index comes in `epochs` epochs.
template <class Sampler>
std::vector<double> counts(const Sampler& sampler, size_t size, uint64_t epochs) {
  std::vector<double> all(size);
  for (uint64_t epoch = 0; epoch < epochs; ++epoch)
    for (const int64_t i : sampler(epoch)) ++all.at(size_t(i));
  return all;
}

struct Noise {
  int64_t size() const { return 4; }
  std::pair<int64_t, double> get(int64_t i, Generator& rng) const { return {i, rng.uniform()}; }
};

}  // namespace

TEST_CASE("samplers: sequential and random orders") {
  CHECK(range(4) == Numbers{0, 1, 2, 3});
  const RandomSampler random(100, 1);
  CHECK(sorted(random(0)) == range(100));
  CHECK(random(0) == random(0));
  CHECK(random(0) != random(1));
  CHECK(random(0) != RandomSampler(100, 2)(0));
  const Numbers some = RandomSampler(100, 1, false, 30)(2);
  CHECK(some.size() == 30);
  CHECK(std::set<int64_t>(some.begin(), some.end()).size() == 30);
  const std::vector<double> drawn = counts(RandomSampler(10, 1, true, 1000), 10, 20);
  for (const double count : drawn) CHECK(std::abs(count - 2000) < 5 * std::sqrt(20000 * .1 * .9));
  CHECK(sorted(SubsetRandomSampler({7, 3, 5}, 1)(4)) == Numbers{3, 5, 7});
  CHECK_THROWS_AS(RandomSampler(0, 1), ConfigError);
  CHECK_THROWS_AS(RandomSampler(5, 1, false, 6), ConfigError);
  CHECK_THROWS_AS(RandomSampler(5, 1, true, -1), ConfigError);
}

TEST_CASE("samplers: weighted, with and without replacement") {
  const std::vector<double> weights{1, 0, 3, 6, 0};
  const WeightedRandomSampler with(weights, 1000, 3);
  CHECK(with(5) == with(5));
  CHECK(with(5) != with(6));
  const std::vector<double> drawn = counts(with, 5, 20);
  for (size_t i = 0; i < 5; ++i) {
    const double p = weights[i] / 10;
    CHECK(std::abs(drawn[i] - 20000 * p) <= 5 * std::sqrt(20000 * p * (1 - p)));
  }
  // Without replacement, two of three: the first by weight, the second by weight among the others.
  const WeightedRandomSampler without(weights, 2, 4, false);
  std::vector<double> first(5), second(5);
  for (uint64_t epoch = 0; epoch < 20000; ++epoch) {
    const Numbers order = without(epoch);
    REQUIRE(order.size() == 2);
    CHECK(order[0] != order[1]);
    ++first[size_t(order[0])], ++second[size_t(order[1])];
  }
  const auto near = [](double count, double p) {
    return std::abs(count - 20000 * p) <= 5 * std::sqrt(20000 * p * (1 - p));
  };
  CHECK(near(first[3], .6));
  CHECK(near(first[0], .1));
  CHECK(near(second[0], .3 * (1. / 7) + .6 * (1. / 4)));
  CHECK(first[1] + second[1] + first[4] + second[4] == 0);
  CHECK_THROWS_AS(WeightedRandomSampler({}, 1, 0), ConfigError);
  CHECK_THROWS_AS(WeightedRandomSampler({0, 0}, 1, 0), ConfigError);
  CHECK_THROWS_AS(WeightedRandomSampler({1, -1}, 1, 0), ConfigError);
  CHECK_THROWS_AS(WeightedRandomSampler({1, NAN}, 1, 0), ConfigError);
  CHECK_THROWS_AS(WeightedRandomSampler({1, 1}, 0, 0), ConfigError);
  CHECK(message_of<ConfigError>([&] { WeightedRandomSampler(weights, 4, 0, false); }) ==
        "[WeightedRandomSampler] cannot draw 4 samples without replacement: 3 have a weight above 0");
}

TEST_CASE("samplers: batches of a sampler") {
  CHECK(BatchSampler(SequentialSampler(5), 2, false)(0) == std::vector<Numbers>{{0, 1}, {2, 3}, {4}});
  CHECK(BatchSampler(SequentialSampler(5), 2, true)(0) == std::vector<Numbers>{{0, 1}, {2, 3}});
  CHECK_THROWS_AS(BatchSampler(SequentialSampler(5), 0, true), ConfigError);
  CHECK_THROWS_AS(BatchSampler({}, 1, true), ConfigError);
}

TEST_CASE("TensorDataset: entries along the first axis, as views") {
  const Tensor x = arange(12).reshape({4, 3}), y = arange(4, DType::i64);
  const TensorDataset dataset(x, y);
  CHECK(dataset.size() == 4);
  const auto [row, label] = dataset[2];
  CHECK(row.to_vector<float>() == std::vector<float>{6, 7, 8});
  CHECK(row.storage() == x.storage());
  CHECK(label.rank() == 0);
  CHECK(label.item() == 2);
  CHECK(TensorDataset(x.transpose(0, 1))[1][0].to_vector<float>() == std::vector<float>{1, 4, 7, 10});
  CHECK(message_of<ShapeError>([&] { TensorDataset(x, arange(5)); }) ==
        "[TensorDataset] the first axes must have one length, got [4, 3] and [5]");
  CHECK(message_of<ShapeError>([&] { TensorDataset(scalar(1)); }) ==
        "[TensorDataset] every tensor must have an axis of samples, got []");
  CHECK(message_of<Error>([&] { dataset[4]; }) == "[TensorDataset] there is no sample 4 of 4");
  CHECK_THROWS_AS(dataset[-1], Error);
}

TEST_CASE("Subset and ConcatDataset: samples of others, random ones too") {
  const std::vector<int64_t> squares{0, 1, 4, 9, 16};
  const Subset part(squares, {4, 1, 1});
  CHECK(part.size() == 3);
  CHECK(part[0] == 16);
  CHECK(part[2] == 1);
  CHECK(Subset(part, {2, 0})[1] == 16);
  CHECK(message_of<Error>([&] { Subset(squares, {5}); }) == "[Subset] there is no sample 5 of 5");
  CHECK(message_of<Error>([&] { part[3]; }) == "[Subset] there is no sample 3 of 3");

  const ConcatDataset both{std::vector<int64_t>{1, 2}, std::vector<int64_t>{}, std::vector<int64_t>{3}};
  CHECK(both.size() == 3);
  CHECK(both[0] == 1);
  CHECK(both[2] == 3);
  CHECK_THROWS_AS(both[3], Error);
  CHECK_THROWS_AS(ConcatDataset(std::vector<std::vector<int64_t>>{}), Error);

  const AnyDataset any(squares), other(part);
  const ConcatDataset mixed(std::vector{any, other});
  Generator rng(1);
  CHECK(mixed.size() == 8);
  CHECK(mixed.get(5, rng) == 16);

  const Subset noisy(Noise{}, {3, 2});
  const ConcatDataset more(std::vector{noisy, noisy});
  Generator a(5), b(5);
  const auto [i, u] = more.get(3, a);
  CHECK(i == 2);
  CHECK(u == b.uniform());
}

TEST_CASE("random_split: disjoint parts of given lengths or fractions") {
  const auto parts = random_split(range(10), {7, 3}, 1);
  CHECK(parts[0].size() == 7);
  Numbers all = parts[0].indices();
  all.insert(all.end(), parts[1].indices().begin(), parts[1].indices().end());
  CHECK(all != range(10));
  CHECK(sorted(all) == range(10));
  CHECK(random_split(range(10), {7, 3}, 1)[0].indices() == parts[0].indices());
  CHECK(random_split(range(10), {7, 3}, 2)[0].indices() != parts[0].indices());
  // As PyTorch's: 10 samples in thirds are 4, 3 and 3.
  CHECK(lengths_of(10, {1. / 3, 1. / 3, 1. / 3}) == Numbers{4, 3, 3});
  CHECK(lengths_of(11, {.5, .25, .25}) == Numbers{6, 3, 2});
  CHECK(random_split(range(11), {.5, .25, .25}, 0)[1].size() == 3);
  CHECK(message_of<ConfigError>([] { (void)random_split(range(10), {7, 2}, 1); }) ==
        "[random_split] the lengths add up to 9, but there are 10 samples");
  CHECK(message_of<ConfigError>([] { (void)random_split(range(10), {11, -1}, 1); }) ==
        "[random_split] a part of 10 samples cannot have 11");
  CHECK_THROWS_AS((void)random_split(range(10), {.5, .4}, 1), ConfigError);
  CHECK_THROWS_AS((void)random_split(range(10), {1.5, -.5}, 1), ConfigError);
  CHECK_THROWS_AS((void)random_split(range(10), {double(NAN), 1.}, 1), ConfigError);
}

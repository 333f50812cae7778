#pragma once
// Batches out of lists of samples, as torch.utils.data.default_collate.
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// [B, ...] of tensors of one shape and dtype, copied. ShapeError or DTypeError, naming the sample, for another one;
/// Error without samples.
[[nodiscard]] Tensor stack_samples(const std::vector<Tensor>& samples);

namespace collate_types {
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<std::map<std::string, T>> = true;
template <class T>
inline constexpr bool is_array = false;
template <class T, size_t n>
inline constexpr bool is_array<std::array<T, n>> = true;
template <class T>
inline constexpr bool is_pair = false;
template <class A, class B>
inline constexpr bool is_pair<std::pair<A, B>> = true;
template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
}  // namespace collate_types

/// The batch of a list of samples, by their type:
///   Tensor                          Tensor [B, ...]
///   whole numbers; float; double; bool   Tensor [B] of i64; f32; f64; bool
///   std::string                     std::vector<std::string>
///   std::pair, tuple, array         the same, of the batch of each element
///   std::vector, map with string keys   the same; all samples have the same length or keys
/// A sample of another type needs a function of one's own, std::vector<Sample> to batch.
struct DefaultCollate {
  template <class Sample>
  auto operator()(const std::vector<Sample>& samples) const {
    using namespace collate_types;
    if constexpr (std::is_same_v<Sample, Tensor>) {
      return stack_samples(samples);
    } else if constexpr (std::is_same_v<Sample, bool> || std::is_floating_point_v<Sample>) {
      return numbers<Sample>(samples);
    } else if constexpr (std::is_integral_v<Sample>) {
      return numbers<int64_t>(samples);
    } else if constexpr (std::is_same_v<Sample, std::string>) {
      return samples;
    } else if constexpr (is_array<Sample>) {
      return [&]<size_t... I>(std::index_sequence<I...>) {
        return std::array{this->field<I>(samples)...};
      }(std::make_index_sequence<std::tuple_size_v<Sample>>());
    } else if constexpr (is_pair<Sample>) {
      return std::pair(field<0>(samples), field<1>(samples));
    } else if constexpr (is_tuple<Sample>) {
      return [&]<size_t... I>(std::index_sequence<I...>) {
        return std::tuple(this->field<I>(samples)...);
      }(std::make_index_sequence<std::tuple_size_v<Sample>>());
    } else if constexpr (is_vector<Sample>) {
      for (const Sample& sample : samples)
        check_alike(sample.size() == samples[0].size(), "lists must have the same length");
      return mapped(samples[0].size(),
                    [&](size_t i) { return (*this)(mapped(samples.size(), [&](size_t k) { return samples[k][i]; })); });
    } else {
      static_assert(is_map<Sample>, "give the DataLoader a function that makes batches of samples of this type");
      std::map<std::string, decltype((*this)(std::vector{samples[0].begin()->second}))> batch;
      for (const auto& entry : samples[0]) {
        const std::string& key = entry.first;  // a structured binding is captured by lambdas from Clang 16 on
        batch[key] = (*this)(mapped(samples.size(), [&](size_t k) {
          const auto found = samples[k].find(key);
          check_alike(found != samples[k].end() && samples[k].size() == samples[0].size(),
                      "maps must have the same keys");
          return found->second;
        }));
      }
      return batch;
    }
  }

 private:
  static void check_alike(bool alike, const char* what);
  template <class F>
  static auto mapped(size_t count, const F& element) {
    std::vector<decltype(element(size_t{0}))> list;
    for (size_t i = 0; i < count; ++i) list.push_back(element(i));
    return list;
  }
  template <size_t I, class Sample>
  auto field(const std::vector<Sample>& samples) const {
    std::vector<std::tuple_element_t<I, Sample>> list;
    for (const Sample& sample : samples) list.push_back(std::get<I>(sample));
    return (*this)(list);
  }
  template <class Number, class T>
  static Tensor numbers(const std::vector<T>& samples) {
    Tensor batch({static_cast<int64_t>(samples.size())}, dtype_of<Number>);
    Number* to = batch.mutable_data<Number>();
    for (const T sample : samples) *to++ = static_cast<Number>(sample);
    return batch;
  }
};

}  // namespace ditharos::data

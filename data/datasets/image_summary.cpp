#include <ditharos/data/datasets/image_summary.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::data {
namespace {

int64_t characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

/// The first sample of each image, in ascending order.
std::vector<int64_t> different_images(const DataSource& source, const DecodedImages* files) {
  std::vector<int64_t> images;
  std::unordered_set<std::string> names;
  for (int64_t i = 0; i < source.size(); ++i)
    if (files == nullptr || names.insert(files->name(i)).second) images.push_back(i);
  return images;
}

std::vector<ImageSize> sizes_of(const DataSource& source, const DecodedImages* files,
                                const std::vector<int64_t>& images) {
  const std::optional<SampleShape> native = source.native_shape();
  std::map<std::pair<int64_t, int64_t>, int64_t> counts;
  for (const int64_t i : images) {
    if (files != nullptr) ++counts[{files->encoded(i).height, files->encoded(i).width}];
    else if (native) ++counts[{native->height, native->width}];
  }
  std::vector<ImageSize> sizes;
  for (const auto& [size, count] : counts) sizes.push_back({size.first, size.second, count});
  return sizes;
}

void add_sizes(ImageSummary& summary, std::vector<ImageSize> sizes) {
  if (sizes.empty()) return;
  const auto pixels = [](const ImageSize& s) { return std::tuple(s.height * s.width, s.height); };
  std::sort(sizes.begin(), sizes.end(), [&](const auto& a, const auto& b) { return pixels(a) < pixels(b); });
  summary.smallest = sizes.front();
  summary.largest = sizes.back();
  int64_t before = 0;
  for (const ImageSize& size : sizes) {
    if (before <= (summary.images - 1) / 2) summary.median = size;
    before += size.count;
  }
  std::sort(sizes.begin(), sizes.end(), [&](const auto& a, const auto& b) {
    return std::tuple(-a.count, pixels(b)) < std::tuple(-b.count, pixels(a));
  });
  summary.sizes = std::move(sizes);
}

/// What a resize to `target` leaves out, of images of these sizes.
void add_crop(ImageSummary& summary, const SampleShape& target, Fit fit) {
  double lost = 0;
  for (const ImageSize& size : summary.sizes) {
    const double wide = double(size.width) * double(target.height), high = double(size.height) * double(target.width);
    if (fit == Fit::crop) lost += double(size.count) * (1 - std::min(wide, high) / std::max(wide, high));
    if (size.height < target.height || size.width < target.width) summary.enlarged += size.count;
  }
  summary.lost = lost / double(summary.images);
}

void add_captions(ImageSummary& summary, const DataSource& source) {
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < source.size(); ++i) {
    const std::string caption = source.caption(i);
    const bool is_class = source.num_classes() > 0 && caption == source.class_names()[size_t(source.label(i))];
    if (!caption.empty() && !is_class) lengths.push_back(characters(caption));
  }
  if (lengths.empty()) return;
  std::sort(lengths.begin(), lengths.end());
  summary.captions = int64_t(lengths.size());
  summary.missing_captions = source.size() - summary.captions;
  summary.shortest_caption = lengths.front();
  summary.median_caption = lengths[(lengths.size() - 1) / 2];
  summary.longest_caption = lengths.back();
}

/// The bytes that decide whether two images are equal.
std::string bytes_of(const DataSource& source, const DecodedImages* files, int64_t i) {
  if (files != nullptr) return files->encoded_bytes(i);
  const Tensor sample = source.sample(i, source.native_shape().value());
  return visit_dtype(sample.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return std::string(reinterpret_cast<const char*>(sample.data<T>()), size_t(sample.numel()) * sizeof(T));
  });
}

void add_duplicates(ImageSummary& summary, const DataSource& source, const DecodedImages* files,
                    const std::vector<int64_t>& images) {
  if (files == nullptr && !source.native_shape()) return;
  std::vector<uint32_t> checksums(images.size());
  parallel_tasks(int64_t(images.size()), [&](int64_t k) {
    const int64_t i = images[size_t(k)];
    const std::string bytes = files == nullptr ? bytes_of(source, files, i) : "";
    checksums[size_t(k)] = files == nullptr ? crc32c(bytes.data(), bytes.size()) : files->encoded(i).checksum;
  });
  std::unordered_map<uint32_t, std::vector<int64_t>> by_checksum;
  for (size_t k = 0; k < images.size(); ++k) by_checksum[checksums[k]].push_back(images[k]);
  for (const auto& [checksum, candidates] : by_checksum) {
    if (candidates.size() < 2) continue;
    // Among 100,000 different images, two have one checksum with a probability of about 2/3: compare the bytes.
    std::map<std::string, std::vector<int64_t>> equal;
    for (const int64_t i : candidates) equal[bytes_of(source, files, i)].push_back(i);
    for (auto& [bytes, group] : equal)
      if (group.size() > 1) summary.duplicates.push_back(std::move(group));
  }
  std::sort(summary.duplicates.begin(), summary.duplicates.end());
  for (const std::vector<int64_t>& group : summary.duplicates) {
    summary.surplus += int64_t(group.size()) - 1;
    if (source.num_classes() == 0) continue;
    std::set<int64_t> labels;
    for (const int64_t i : group) labels.insert(source.label(i));
    summary.conflicts += labels.size() > 1;
  }
}

}  // namespace

ImageSummary summarize_images(const DataSource& source, Fit fit) {
  const auto* files = dynamic_cast<const DecodedImages*>(&source);
  const std::vector<int64_t> images = different_images(source, files);
  ImageSummary summary;
  summary.samples = source.size();
  summary.images = int64_t(images.size());
  summary.channels = source.channels();
  add_sizes(summary, sizes_of(source, files, images));
  if (const auto native = source.native_shape()) add_crop(summary, *native, fit);
  summary.class_counts.resize(size_t(source.num_classes()));
  if (source.num_classes() > 0)
    for (int64_t i = 0; i < source.size(); ++i) ++summary.class_counts[size_t(source.label(i))];
  add_captions(summary, source);
  add_duplicates(summary, source, files, images);
  return summary;
}

std::string sample_name(const DataSource& source, int64_t i) {
  const auto* files = dynamic_cast<const DecodedImages*>(&source);
  return files != nullptr ? files->name(i) : "image " + std::to_string(i);
}

}  // namespace ditharos::data

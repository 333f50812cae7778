#include <ditharos/data/datasets/packed/packed_index.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <limits>

#include <nlohmann/json.hpp>

#include <ditharos/data/datasets/folder_bounds.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::data {
namespace {

using nlohmann::json;

constexpr const char* format = "ditharos packed samples";
constexpr uint64_t version = 2, version_without_images = 1;
constexpr uint64_t max_bytes = (1 << 20) + max_selection_bytes;  // parsed, it takes up to twenty times as much memory
constexpr std::array dtypes = {DType::u8, DType::f32, DType::f16, DType::bf16};

json as_json(const ImageSelection& images) {
  json damaged = json::array();
  for (const DamagedImage& image : images.damaged)
    damaged.push_back({{"name", image.name}, {"checksum", image.checksum}, {"reason", image.reason}});
  return {{"checksum", images.checksum}, {"damaged", std::move(damaged)}};
}
json as_json(const PackedIndex& index, uint64_t as_version) {
  json shards = json::array();
  for (const PackedShard& shard : index.shards)
    shards.push_back({{"samples", shard.samples}, {"bytes", shard.bytes}, {"checksum", shard.checksum}});
  const SampleShape& s = index.shape;
  json root = {{"format", format},
               {"version", as_version},
               {"source_checksum", index.source_checksum},
               {"dtype", name_of(index.dtype)},
               {"shape", {s.frames, index.channels, s.height, s.width}},
               {"class_names", index.class_names},
               {"shards", std::move(shards)}};
  if (as_version > version_without_images) root["images"] = index.images ? as_json(*index.images) : json();
  return root;
}
uint32_t checksum_of(const json& index) {
  const std::string text = index.dump();
  return crc32c(text.data(), text.size());
}

const json& member(const json& object, const char* key) {
  check<IoError>(object.is_object() && object.contains(key), "it has no \"", key, "\"");
  return object[key];
}
uint64_t whole_number(const json& value, const char* key, uint64_t least, uint64_t most) {
  const bool right = value.is_number_unsigned() && value.get<uint64_t>() >= least && value.get<uint64_t>() <= most;
  check<IoError>(right, "\"", key, "\" must be a whole number from ", least, " to ", most);
  return value.get<uint64_t>();
}
uint32_t checksum_member(const json& object, const char* key) {
  return uint32_t(whole_number(member(object, key), key, 0, std::numeric_limits<uint32_t>::max()));
}
const json& array_member(const json& object, const char* key, size_t most) {
  const json& list = member(object, key);
  check<IoError>(list.is_array() && list.size() <= most, "\"", key, "\" must be a list of at most ", most, " values");
  return list;
}

std::string text_member(const json& object, const char* key) {
  const json& value = member(object, key);
  check<IoError>(value.is_string(), "\"", key, "\" must be a string");
  return value.get<std::string>();
}
std::optional<ImageSelection> parse_images(const json& images) {
  if (images.is_null()) return std::nullopt;
  ImageSelection selection{checksum_member(images, "checksum"), {}};
  for (const json& image : array_member(images, "damaged", max_bytes))
    selection.damaged.push_back(
        {text_member(image, "name"), checksum_member(image, "checksum"), text_member(image, "reason")});
  return selection;
}

PackedIndex parse(const std::string& text) {
  const json root = json::parse(text);
  check<IoError>(member(root, "format") == format, "its \"format\" is not \"", format, "\"");
  const uint64_t stored = whole_number(member(root, "version"), "version", version_without_images, version);
  PackedIndex index;
  index.source_checksum = checksum_member(root, "source_checksum");
  const json& dtype = member(root, "dtype");
  const auto* known = std::find_if(dtypes.begin(), dtypes.end(), [&](DType d) { return dtype == name_of(d); });
  check<IoError>(known != dtypes.end(), "its \"dtype\" is not u8, f32, f16 or bf16");
  index.dtype = *known;
  const json& shape = array_member(root, "shape", 4);
  check<IoError>(shape.size() == 4, "\"shape\" must have four sizes");
  std::array<int64_t, 4> sizes{};
  for (size_t i = 0; i < 4; ++i) sizes[i] = int64_t(whole_number(shape[i], "shape", 1, 1 << 24));
  index.shape = {sizes[0], sizes[2], sizes[3]};
  index.channels = sizes[1];
  for (const json& name : array_member(root, "class_names", max_bytes)) {
    check<IoError>(name.is_string(), "a class name is not a string");
    index.class_names.push_back(name.get<std::string>());
  }
  for (const json& shard : array_member(root, "shards", max_packed_shards)) {
    const uint64_t samples = whole_number(member(shard, "samples"), "samples", 1, uint64_t{1} << 48);
    const uint64_t bytes = whole_number(member(shard, "bytes"), "bytes", 1, uint64_t{1} << 62);
    check<IoError>(samples <= bytes, "a shard of ", bytes, " bytes cannot hold ", samples, " samples");
    index.shards.push_back({int64_t(samples), bytes, checksum_member(shard, "checksum")});
  }
  check<IoError>(!index.shards.empty(), "it names no shards");
  if (stored > version_without_images) index.images = parse_images(member(root, "images"));
  check<IoError>(checksum_member(root, "checksum") == checksum_of(as_json(index, stored)),
                 "its checksum does not fit its contents");
  static_cast<void>(numel(index.sample_shape()));
  return index;
}

}  // namespace

int64_t PackedIndex::size() const {
  int64_t samples = 0;
  for (const PackedShard& shard : shards) samples += shard.samples;  // at most 512 * 2^48
  return samples;
}

std::string packed_index_path(const std::string& folder) {
  return (std::filesystem::path(folder) / "index.json").string();
}

std::string packed_shard_path(const std::string& folder, size_t k) {
  std::array<char, 48> name{};
  std::snprintf(name.data(), name.size(), "shard-%05zu.safetensors", k);
  return (std::filesystem::path(folder) / name.data()).string();
}

PackedIndex packed_index_of(const DataSource& source, const SampleShape& shape) {
  for (const std::string& name : source.class_names())
    check<ConfigError>(is_utf8(name), "[write_packed] the class name ", quote(name), " is not UTF-8; rename the class");
  std::optional<ImageSelection> images = source.image_selection();
  for (const DamagedImage& image : images ? images->damaged : std::vector<DamagedImage>())
    check<ConfigError>(is_utf8(image.name) && is_utf8(image.reason), "[write_packed] the name or the reason of the ",
                       "damaged image ", quote(image.name), " is not UTF-8");
  if (images && as_json(*images).dump(1).size() > max_selection_bytes) images.reset();
  return {.source_checksum = source.checksum(),
          .dtype = source.dtype(),
          .channels = source.channels(),
          .shape = shape,
          .class_names = source.class_names(),
          .shards = {},
          .images = std::move(images)};
}

std::string packed_difference(const PackedIndex& cache, int64_t cache_size, const PackedIndex& data,
                              int64_t data_size) {
  const auto text = [](const auto& cached, const auto& wanted) {
    using ditharos::to_text;  // for numbers; in this namespace there are others
    return to_text(cached) + ", and the data have " + to_text(wanted);
  };
  if (cache_size != data_size) return "its number of samples is " + text(cache_size, data_size);
  if (cache.sample_shape() != data.sample_shape())
    return "its samples are " + text(cache.sample_shape(), data.sample_shape());
  if (cache.dtype != data.dtype) return "its elements are " + text(cache.dtype, data.dtype);
  if (cache.class_names != data.class_names) return "its class names are not those of the data";
  if (cache.source_checksum != data.source_checksum)
    return "the checksum of its data is " + text(cache.source_checksum, data.source_checksum);
  return "";
}

PackedIndex read_packed_index(const std::string& folder) {
  const std::string path = packed_index_path(folder);
  std::error_code missing;
  check<IoError>(std::filesystem::exists(path, missing), folder, " holds no packed samples: it has no index.json, ",
                 "which is written last");
  check_inside(folder, path);
  const std::string text = read_file(path, max_bytes);
  try {
    return parse(text);
  } catch (const json::exception& e) {
    fail<IoError>(path, " is no valid index of packed samples: it is not JSON: ", std::string(e.what()).substr(0, 200));
  } catch (const Error& e) {
    fail<IoError>(path, " is no valid index of packed samples: ", e.what());
  }
}

void write_packed_index(const std::string& folder, const PackedIndex& index) {
  json root = as_json(index, version);
  root["checksum"] = checksum_of(root);
  const std::string text = root.dump(1) + "\n";
  check<ConfigError>(text.size() <= max_bytes, "[write_packed] ", index.class_names.size(),
                     " class names make an index of ", text.size(), " bytes; the most is ", max_bytes);
  AtomicFile file(packed_index_path(folder));
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace ditharos::data

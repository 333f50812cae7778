#include <ditharos/data/datasets/webdataset/shard_samples.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include <ditharos/data/codecs/image_file.h>
#include <ditharos/data/datasets/webdataset/tar_index.h>
#include <ditharos/data/text/text_lines.h>
#include <ditharos/data/text/unicode.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/json.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::data {
namespace {

constexpr uint64_t most_text = uint64_t{1} << 20;

bool is_one_of(const std::string& ending, std::initializer_list<const char*> endings) {
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

/// The label and the captions of a .json; everything else is ignored.
class SampleReader : public JsonMemberHandler {
 public:
  SampleReader() : JsonMemberHandler("it") {}
  std::optional<std::string> label, text, caption;

 private:
  void string_member(const std::string& key, std::string&& value) override {
    if (key == "label") label = trimmed(value);
    if (key == "text") text = trimmed(value);
    if (key == "caption") caption = trimmed(value);
  }
  void number_member(const std::string& key, uint64_t value) override {
    if (key != "label") return other_member(key, "a number");
    label = std::to_string(value);
  }
  void other_member(const std::string& key, const std::string& value) override {
    check<IoError>(key != "text" && key != "caption" && key != "label", "the value of ", quote(key), " is ", value,
                   "; a label is a whole number or a string, a caption a string");
  }
};

/// "dir/000.seg.png" has the key "dir/000" and the ending ".seg.png".
struct Name {
  std::string key, ending;
  bool hidden = false;
};
Name parse_name(const std::string& name) {
  const size_t slash = name.rfind('/'), begin = slash == std::string::npos ? 0 : slash + 1;
  const size_t dot = std::min(name.find('.', begin), name.size());
  Name parsed{name.substr(0, dot), name.substr(dot), is_hidden(name.substr(begin))};
  if (parsed.key.starts_with("./")) parsed.key.erase(0, 2);
  std::transform(parsed.ending.begin(), parsed.ending.end(), parsed.ending.begin(), ascii_lower);
  return parsed;
}

/// Collects the members of one shard into samples.
class Collector {
 public:
  Collector(const InputFile& file, uint32_t shard, ShardSamples& result)
      : file_(file), shard_(shard), result_(result) {}

  void add(const TarMember& member) {
    const Name name = parse_name(member.name);
    const bool is_image = std::ranges::find(image_endings, name.ending) != image_endings.end();
    if (name.hidden || (!is_image && !is_one_of(name.ending, {".cls", ".txt", ".json"}))) {
      if (!name.hidden) result_.unread.add_file(member.name);
      return;
    }
    if (!open_ || name.key != sample_.key) begin(name.key);
    if (is_image) add_image(member);
    else add_text(member, name.ending);
  }

  /// The last sample is complete.
  void finish() {
    if (!open_) return;
    open_ = false;
    if (!sample_.label) sample_.label = std::move(json_label_);
    if (!sample_.caption) sample_.caption = std::move(json_caption_);
    if (sample_.image.empty()) blame("has no image (.jpg, .png or .webp)");
    result_.samples.push_back(std::move(sample_));
  }

 private:
  void begin(const std::string& key) {
    finish();
    check<IoError>(keys_.insert(key).second, "cannot read ", file_.path(), ": the sample ", quote(key),
                   " stands at two places; the members of a sample follow each other");
    sample_ = ShardSample();
    sample_.shard = shard_;
    sample_.key = key;
    json_label_.reset();
    json_caption_.reset();
    texts_.clear();
    open_ = true;
  }
  /// The first fault of a sample is kept.
  void blame(const std::string& reason) {
    if (!sample_.fault.empty()) return;
    sample_.fault = "cannot read " + file_.path() + ": the sample " + quote(sample_.key) + " " + reason;
  }

  void add_image(const TarMember& member) {
    if (!sample_.image.empty()) return blame("has two images, " + quote(sample_.image) + " and " + quote(member.name));
    sample_.image = member.name;
    sample_.offset = member.offset;
    sample_.size = member.size;
  }
  void add_text(const TarMember& member, const std::string& ending) {
    if (std::find(texts_.begin(), texts_.end(), ending) != texts_.end())
      return blame("has two members " + quote(ending));
    texts_.push_back(ending);
    if (member.size > most_text)
      return blame("has " + std::to_string(member.size) + " bytes in " + quote(member.name) + "; at most " +
                   std::to_string(most_text) + " are read");
    std::string text(size_t(member.size), '\0');
    if (!text.empty()) file_.read(member.offset, text.data(), text.size());
    if (!is_utf8(text) || text.find('\0') != std::string::npos)
      return blame("has a text that is not UTF-8 in " + quote(member.name));
    if (ending == ".json") return add_json(text, member.name);
    const std::string_view value = trimmed(text);
    if (value.empty()) return blame("has nothing in " + quote(member.name));
    (ending == ".cls" ? sample_.label : sample_.caption) = value;
  }
  void add_json(const std::string& text, const std::string& name) {
    SampleReader reader;
    try {
      read_json(text, name, reader);
    } catch (const IoError& error) {
      return blame("has a .json that cannot be used, " + quote(name) + ": " + error.what());
    }
    json_label_ = std::move(reader.label);
    json_caption_ = reader.text ? std::move(reader.text) : std::move(reader.caption);
    if ((json_label_ && json_label_->empty()) || (json_caption_ && json_caption_->empty()))
      blame("has an empty label or caption in " + quote(name));
  }

  const InputFile& file_;
  uint32_t shard_;
  ShardSamples& result_;
  std::unordered_set<std::string> keys_;
  ShardSample sample_;
  std::optional<std::string> json_label_, json_caption_;
  std::vector<std::string> texts_;
  bool open_ = false;
};

/// A sample lacks what others have.
void blame_incomplete(const std::vector<std::string>& paths, std::vector<ShardSample>& samples) {
  const auto has_label = [](const ShardSample& sample) { return sample.label.has_value(); };
  const auto has_caption = [](const ShardSample& sample) { return sample.caption.has_value(); };
  const bool labels = std::any_of(samples.begin(), samples.end(), has_label);
  const bool captions = std::any_of(samples.begin(), samples.end(), has_caption);
  for (ShardSample& sample : samples) {
    if (!sample.fault.empty()) continue;
    const std::string begin = "cannot read " + paths[sample.shard] + ": the sample " + quote(sample.key) + " has no ";
    if (labels && !sample.label) sample.fault = begin + "label (.cls, or \"label\" in .json), but others have one";
    else if (captions && !sample.caption)
      sample.fault = begin + "caption (.txt, or \"text\" in .json), but others have one";
  }
}

}  // namespace

ShardSamples read_shard_samples(const std::vector<std::string>& paths) {
  ShardSamples result;
  for (size_t shard = 0; shard < paths.size(); ++shard) {
    const InputFile file(paths[shard]);
    const size_t before = result.samples.size();
    Collector collector(file, static_cast<uint32_t>(shard), result);
    for_each_tar_member(file, [&](TarMember&& member) { collector.add(member); });
    collector.finish();
    check<IoError>(result.samples.size() > before, "cannot read ", paths[shard],
                   ": it holds no samples, which are an image (.jpg, .png, .webp) with .cls, .txt or .json");
  }
  blame_incomplete(paths, result.samples);
  return result;
}

}  // namespace ditharos::data

#include "examples/cli/reports/data_report.h"

#include <algorithm>

#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/io/text_table.h>

namespace ditharos::examples {
namespace {

std::string text_of(const data::ImageSize& size) {
  return std::to_string(size.height) + "x" + std::to_string(size.width);
}
std::string percent(double share) { return fixed_text(share * 100, 1) + " %"; }
std::string counted(int64_t n, const std::string& one, const std::string& several) {
  return std::to_string(n) + " " + (n == 1 ? one : several);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
  }
  return lines;
}

std::string sizes_text(const data::ImageSummary& summary, int64_t listed) {
  if (summary.sizes.empty()) return "";
  if (summary.sizes.size() == 1) return "size: " + text_of(summary.sizes.front()) + " (height x width)\n";
  std::vector<std::vector<std::string>> rows;
  for (const data::ImageSize& size : summary.sizes)
    rows.push_back({text_of(size), std::to_string(size.count), percent(double(size.count) / double(summary.images))});
  return std::to_string(summary.sizes.size()) + " sizes (height x width): smallest " + text_of(summary.smallest) +
         ", median " + text_of(summary.median) + ", largest " + text_of(summary.largest) + "; most frequent:\n" +
         first_lines(lines_of(text_table(rows, {false, true, true})), listed);
}

std::string crop_text(const data::DataSource& source, const data::ImageSummary& summary, data::Fit fit) {
  const auto native = source.native_shape();
  if (!native) return "not resized: images of several sizes need --size to be trained on\n";
  const std::string size = std::to_string(native->height) + "x" + std::to_string(native->width);
  std::string text = "samples are " + size;
  if (fit == data::Fit::stretch) text += ", stretched";
  else if (summary.lost > 0)
    text += ", cropped around the middle: " + percent(summary.lost) + " of the pixels are left out";
  else text += ", and nothing is cropped";
  if (summary.enlarged > 0)
    text += "; " + counted(summary.enlarged, "smaller image is", "smaller images are") + " enlarged";
  return text + "\n";
}

std::string classes_text(const data::DataSource& source, const data::ImageSummary& summary, int64_t listed) {
  if (summary.class_counts.empty()) return "no classes\n";
  const auto [least, most] = std::minmax_element(summary.class_counts.begin(), summary.class_counts.end());
  std::vector<std::vector<std::string>> rows;
  for (size_t c = 0; c < summary.class_counts.size(); ++c)
    rows.push_back({std::to_string(c), source.class_names()[c], std::to_string(summary.class_counts[c])});
  return counted(source.num_classes(), "class", "classes") + " of " + std::to_string(*least) + " to " +
         counted(*most, "sample", "samples") + ":\n" +
         first_lines(lines_of(text_table(rows, {true, false, true})), listed);
}

std::string captions_text(const data::ImageSummary& summary) {
  if (summary.captions == 0) return "no captions\n";
  std::string text = counted(summary.captions, "caption", "captions") + " of " +
                     std::to_string(summary.shortest_caption) + " to " + std::to_string(summary.longest_caption) +
                     " characters, median " + std::to_string(summary.median_caption);
  if (summary.missing_captions > 0)
    text += "; " + counted(summary.missing_captions, "sample has none", "samples have none");
  return text + "\n";
}

std::string duplicates_text(const data::DataSource& source, const data::ImageSummary& summary, int64_t listed) {
  if (summary.duplicates.empty()) return "no two images are equal\n";
  std::vector<std::string> groups;
  for (const std::vector<int64_t>& group : summary.duplicates) {
    constexpr size_t most = 4;
    std::string line;
    for (size_t k = 0; k < std::min(most, group.size()); ++k)
      line += (k > 0 ? " = " : "") + data::sample_name(source, group[k]);
    if (group.size() > most) line += " and " + std::to_string(group.size() - most) + " more";
    groups.push_back(line);
  }
  std::string text = "equal images: " + counted(int64_t(groups.size()), "group", "groups");
  if (summary.conflicts > 0) text += ", " + std::to_string(summary.conflicts) + " with different classes";
  return text + ":\n" + first_lines(groups, listed) + counted(summary.surplus, "image equals", "images equal") +
         " one before, " + percent(double(summary.surplus) / double(summary.images)) + " of all\n";
}

}  // namespace

std::string first_lines(const std::vector<std::string>& lines, int64_t listed) {
  std::string text;
  const auto shown = std::min(lines.size(), size_t(listed));
  for (size_t k = 0; k < shown; ++k) text += "  " + lines[k] + "\n";
  if (shown < lines.size()) text += "  and " + std::to_string(lines.size() - shown) + " more\n";
  return text;
}

std::string data_report(const data::DataSource& source, const data::ImageSummary& summary, data::Fit fit,
                        int64_t listed) {
  std::string text = counted(summary.images, "image", "images") + (summary.channels == 1 ? ", gray" : ", RGB");
  if (summary.samples != summary.images)
    text += "; " + std::to_string(summary.samples) + " samples with their captions";
  return text + "\n" + sizes_text(summary, listed) + crop_text(source, summary, fit) +
         classes_text(source, summary, listed) + captions_text(summary) + duplicates_text(source, summary, listed);
}

}  // namespace ditharos::examples

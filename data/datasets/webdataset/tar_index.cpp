#include <ditharos/data/datasets/webdataset/tar_index.h>

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::data {
namespace {

constexpr uint64_t tar_block = 512;

/// The file as libarchive reads it.
struct Reader {
  const InputFile& file;
  uint64_t at = 0;
  std::vector<char> block = std::vector<char>(size_t{1} << 14);
  std::string error = {};  // of the file, not of the archive
};

la_ssize_t read_block(archive*, void* self, const void** to) {
  Reader& reader = *static_cast<Reader*>(self);
  const uint64_t n = std::min<uint64_t>(reader.block.size(), reader.file.size() - reader.at);
  try {
    reader.file.read(reader.at, reader.block.data(), size_t(n));
  } catch (const IoError& e) {
    reader.error = e.what();
    return ARCHIVE_FATAL;
  }
  reader.at += n;
  *to = reader.block.data();
  return la_ssize_t(n);
}

la_int64_t skip_bytes(archive*, void* self, la_int64_t request) {
  Reader& reader = *static_cast<Reader*>(self);
  const uint64_t left = reader.file.size() - reader.at;
  const uint64_t n = request > 0 ? std::min<uint64_t>(uint64_t(request), left) : 0;
  reader.at += n;
  return la_int64_t(n);
}

template <class... Parts>
void check_tar(bool ok, const InputFile& file, const Parts&... parts) {
  check<IoError>(ok, "cannot read ", file.path(), ": ", parts...);
}

void check_start(const InputFile& file) {
  check_tar(file.size() > 0, file, "it is empty");
  std::array<char, 6> bytes{};
  const size_t n = size_t(std::min<uint64_t>(bytes.size(), file.size()));
  file.read(0, bytes.data(), n);
  const std::string_view start(bytes.data(), n);
  struct Kind {
    std::string_view magic;
    const char* name;
  };
  for (const Kind& kind : {Kind{std::string_view("\x1f\x8b", 2), "gzip"}, Kind{"\x28\xb5\x2f\xfd", "zstd"},
                           Kind{"\xfd"
                                "7zXZ",
                                "xz"},
                           Kind{"BZh", "bzip2"}})
    check_tar(!start.starts_with(kind.magic), file, "it is compressed with ", kind.name,
              ", so its members cannot be read one by one; decompress it");
}

std::string name_of(archive_entry* entry) {
  // Names of pax archives are UTF-8, which a locale of plain ASCII cannot express.
  const char* name = archive_entry_pathname_utf8(entry);
  if (!name) name = archive_entry_pathname(entry);
  return name ? name : "";
}

/// Behind the last member stand at least one block of zeros, and nothing else.
void check_end(const InputFile& file, uint64_t end) {
  end = (end + tar_block - 1) / tar_block * tar_block;
  check_tar(end + tar_block <= file.size(), file, "it is cut off: the blocks that end an archive are missing");
  std::vector<char> bytes(size_t{1} << 14);
  for (uint64_t at = end; at < file.size();) {
    const uint64_t n = std::min<uint64_t>(bytes.size(), file.size() - at);
    file.read(at, bytes.data(), size_t(n));
    const auto found = std::find_if(bytes.begin(), bytes.begin() + ptrdiff_t(n), [](char c) { return c != 0; });
    check_tar(found == bytes.begin() + ptrdiff_t(n), file, "other bytes follow the end of the archive, at byte ",
              at + uint64_t(found - bytes.begin()), "; archives are joined with tar --concatenate");
    at += n;
  }
}

}  // namespace

void for_each_tar_member(const InputFile& file, const std::function<void(TarMember&&)>& visit) {
  check_start(file);
  Reader reader{file};
  const std::unique_ptr<archive, decltype(&archive_read_free)> tar(archive_read_new(), &archive_read_free);
  check<Error>(tar != nullptr, "[webdataset] libarchive has no memory");
  archive_read_support_format_tar(tar.get());
  archive_read_set_callback_data(tar.get(), &reader);
  archive_read_set_read_callback(tar.get(), &read_block);
  archive_read_set_skip_callback(tar.get(), &skip_bytes);
  const auto refuse = [&](int64_t members) {
    check<IoError>(reader.error.empty(), reader.error);
    const char* text = archive_error_string(tar.get());
    check_tar(members > 0, file, "it is no tar archive: ", text ? text : "unknown format");
    check_tar(false, file, "it is damaged or cut off after ", members, " members: ", text ? text : "unknown reason");
  };
  if (archive_read_open1(tar.get()) != ARCHIVE_OK) refuse(0);

  uint64_t end = 0;
  for (int64_t number = 0;; ++number) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(tar.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    // A warning concerns a name in another character set, or times and owners that are not used.
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) refuse(number);
    TarMember member{.name = name_of(entry)};
    const std::string title = "its member " + quote(member.name);
    check_tar(!member.name.empty(), file, "its member ", number, " has no name");
    check_tar(!archive_entry_hardlink(entry) && !archive_entry_symlink(entry), file, title,
              " is a link; samples are regular files: pack them with tar --dereference --hard-dereference");
    const auto kind = archive_entry_filetype(entry);
    check_tar(kind == AE_IFREG || kind == AE_IFDIR, file, title, " is neither a file nor a folder");
    check_tar(archive_entry_sparse_count(entry) == 0, file, title,
              " is stored as a sparse file; pack without --sparse");
    const la_int64_t size = archive_entry_size(entry), offset = archive_filter_bytes(tar.get(), 0);
    check_tar(
        size >= 0 && offset >= 0 && uint64_t(offset) <= file.size() && uint64_t(size) <= file.size() - uint64_t(offset),
        file, title, " claims ", size, " bytes, but the archive ends before; it is cut off");
    member.offset = uint64_t(offset);
    member.size = uint64_t(size);
    end = member.offset + member.size;
    if (kind == AE_IFREG) visit(std::move(member));
  }
  check<IoError>(reader.error.empty(), reader.error);
  check_end(file, end);
}

}  // namespace ditharos::data

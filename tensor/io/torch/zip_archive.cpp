#include <ditharos/tensor/io/torch/zip_archive.h>

#include <zip.h>

#include <algorithm>
#include <map>
#include <utility>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos {
namespace {

/// The file as libzip reads it.
struct Reader {
  const InputFile& file;
  uint64_t at = 0;
  uint64_t first = none;  ///< where the first read since it was set to `none` began
  /// Bytes that may still be read. While the archive is opened they are few, because libzip keeps many times the size
  /// of the list of entries.
  uint64_t budget = 0;
  zip_error_t error{};

  static constexpr uint64_t none = ~uint64_t{0};

  zip_int64_t read(void* to, uint64_t n) {
    n = std::min(n, file.size() - at);
    if (n > budget) return fail(ZIP_ER_MEMORY);
    budget -= n;
    if (first == none) first = at;
    try {
      file.read(at, to, size_t(n));
    } catch (const IoError&) {
      return fail(ZIP_ER_READ);
    }
    at += n;
    return zip_int64_t(n);
  }
  zip_int64_t fail(int code) {
    zip_error_set(&error, code, 0);
    return -1;
  }
};

zip_int64_t call_reader(void* self, void* data, zip_uint64_t length, zip_source_cmd_t command) {
  Reader& reader = *static_cast<Reader*>(self);
  switch (command) {
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                            ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
                                            ZIP_SOURCE_SUPPORTS, -1);
    case ZIP_SOURCE_OPEN: reader.at = 0; return 0;
    case ZIP_SOURCE_READ: return reader.read(data, length);
    case ZIP_SOURCE_CLOSE: return 0;
    case ZIP_SOURCE_STAT: {
      auto* stat = static_cast<zip_stat_t*>(data);
      zip_stat_init(stat);
      stat->valid = ZIP_STAT_SIZE;
      stat->size = reader.file.size();
      return sizeof *stat;
    }
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&reader.error, data, length);
    case ZIP_SOURCE_SEEK: {
      const zip_int64_t to = zip_source_seek_compute_offset(reader.at, reader.file.size(), data, length, &reader.error);
      if (to < 0) return -1;
      reader.at = uint64_t(to);
      return 0;
    }
    case ZIP_SOURCE_TELL: return zip_int64_t(reader.at);
    case ZIP_SOURCE_FREE: return 0;
    default: return reader.fail(ZIP_ER_OPNOTSUPP);
  }
}

std::string text_of(zip_error_t& error) {
  const std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

/// DEFLATE makes at most 1032 bytes of one (a match of 258 bytes for two bits).
constexpr uint64_t deflate_ratio = 1032;
constexpr uint64_t list_budget = uint64_t{16} << 20, no_limit = ~uint64_t{0};

}  // namespace

struct ZipArchive::State {
  Reader reader;
  zip_t* archive = nullptr;
  std::map<std::string, Entry> entries;

  explicit State(const InputFile& file) : reader{.file = file, .budget = list_budget} {}
  ~State() {
    if (archive) zip_discard(archive);
  }

  void open() {
    zip_error_t error{};
    zip_error_init(&error);
    zip_source_t* source = zip_source_function_create(&call_reader, &reader, &error);
    if (source) archive = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (archive) return zip_error_fini(&error);
    if (source) zip_source_free(source);
    const bool too_long = zip_error_code_zip(&error) == ZIP_ER_MEMORY;
    const std::string text = text_of(error);
    fail<IoError>(too_long ? "its list of entries is too long" : "it is no intact zip archive: " + text);
  }

  void list(uint64_t max_expanded) {
    const zip_int64_t count = zip_get_num_entries(archive, 0);
    check<IoError>(count >= 0 && uint64_t(count) <= max_entries, "it has ", count, " entries; the limit is ",
                   max_entries);
    const uint64_t size = reader.file.size();
    const bool may_expand = max_expanded > 2 * size;
    uint64_t left = may_expand ? max_expanded : 2 * size;
    for (uint64_t i = 0; i < uint64_t(count); ++i) {
      zip_stat_t stat;
      check<IoError>(zip_stat_index(archive, i, ZIP_FL_ENC_RAW, &stat) == 0 && (stat.valid & ZIP_STAT_SIZE) &&
                         (stat.valid & ZIP_STAT_NAME),
                     "its entry ", i, " has no name or no size");
      const std::string name = stat.name;
      check<IoError>(!(stat.valid & ZIP_STAT_ENCRYPTION_METHOD) || stat.encryption_method == ZIP_EM_NONE, "its entry ",
                     quote(name), " is encrypted");
      check<IoError>(!(stat.valid & ZIP_STAT_COMP_METHOD) || stat.comp_method == ZIP_CM_STORE ||
                         stat.comp_method == ZIP_CM_DEFLATE,
                     "its entry ", quote(name), " is compressed with method ", int(stat.comp_method),
                     "; entries that are stored or deflated can be read");
      check<IoError>(stat.size <= left || may_expand, "its entries decompress to more than twice the ", size,
                     " bytes of the file; torch.save does not compress");
      check<IoError>(stat.size <= left, "its entries decompress to more than the ", max_expanded,
                     " bytes that are read from a compressed archive");
      check<IoError>(!(stat.valid & ZIP_STAT_COMP_SIZE) || stat.size / deflate_ratio <= stat.comp_size, "its entry ",
                     quote(name), " claims ", stat.size, " bytes, more than its ", stat.comp_size,
                     " compressed bytes can hold");
      left -= stat.size;
      const bool stored = (stat.valid & ZIP_STAT_COMP_METHOD) && stat.comp_method == ZIP_CM_STORE;
      check<IoError>(entries.emplace(name, Entry{i, stat.size, stored}).second, "it has two entries ", quote(name));
    }
  }
};

ZipArchive::ZipArchive(const InputFile& file, uint64_t max_expanded) : state_(std::make_unique<State>(file)) {
  state_->open();
  state_->list(max_expanded);
  state_->reader.budget = no_limit;
}

ZipArchive::~ZipArchive() = default;

std::vector<std::string> ZipArchive::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : state_->entries) names.push_back(name);
  return names;
}

const ZipArchive::Entry* ZipArchive::find(const std::string& name) const {
  const auto it = state_->entries.find(name);
  return it == state_->entries.end() ? nullptr : &it->second;
}

struct ZipArchive::Stream::File {
  std::string name;
  uint64_t size = 0, got = 0;
  std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file{nullptr, &zip_fclose};

  /// At most n bytes; 0 at the end.
  uint64_t some(void* to, uint64_t n) {
    const zip_int64_t done = zip_fread(file.get(), to, n);
    check<IoError>(done >= 0, "its entry ", quote(name), " is damaged: ", zip_file_strerror(file.get()));
    return uint64_t(done);
  }
};

ZipArchive::Stream::Stream(std::unique_ptr<File> file) : file_(std::move(file)) {}
ZipArchive::Stream::~Stream() = default;

void ZipArchive::Stream::read(void* to, uint64_t n) {
  char* p = static_cast<char*>(to);
  for (uint64_t done = 0; done < n;) {
    const uint64_t more = file_->some(p + done, n - done);
    check<IoError>(more > 0, "its entry ", quote(file_->name), " ends after ", file_->got, " of ", file_->size,
                   " bytes");
    done += more;
    file_->got += more;
  }
}

void ZipArchive::Stream::expect_end() {
  check<IoError>(file_->got == file_->size, "its entry ", quote(file_->name), " has ", file_->size - file_->got,
                 " more bytes than were expected");
  char beyond = 0;  // libzip compares the CRC when there is nothing left to read
  check<IoError>(file_->some(&beyond, 1) == 0, "its entry ", quote(file_->name), " is longer than the ", file_->size,
                 " bytes that it should have");
}

ZipArchive::Stream ZipArchive::open(const std::string& name, const Entry& entry) const {
  auto file = std::make_unique<Stream::File>();
  file->name = name;
  file->size = entry.size;
  file->file.reset(zip_fopen_index(state_->archive, entry.index, 0));
  check<IoError>(file->file != nullptr, "its entry ", quote(name), " cannot be read: ", zip_strerror(state_->archive));
  return Stream(std::move(file));
}

void ZipArchive::read(const std::string& name, const Entry& entry, void* to) const {
  Stream stream = open(name, entry);
  stream.read(to, entry.size);
  stream.expect_end();
}

std::optional<uint64_t> ZipArchive::offset_of(const std::string& name, const Entry& entry) const {
  if (!entry.stored || entry.size == 0) return std::nullopt;
  constexpr uint64_t capacity = uint64_t{256} << 10;  // stays in the processor's cache
  const auto buffer = std::make_unique<char[]>(capacity);
  Stream stream = open(name, entry);
  // libzip does not tell where an entry begins, but it reads a stored one from there.
  state_->reader.first = Reader::none;
  for (uint64_t left = entry.size; left > 0;) {
    const uint64_t part = std::min(left, capacity);
    stream.read(buffer.get(), part);
    left -= part;
  }
  const uint64_t begin = state_->reader.first, end = state_->reader.at;
  stream.expect_end();
  if (begin > end || end - begin != entry.size) return std::nullopt;
  return begin;
}

}  // namespace ditharos

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

  void list() {
    const zip_int64_t count = zip_get_num_entries(archive, 0);
    check<IoError>(count >= 0 && uint64_t(count) <= max_entries, "it has ", count, " entries; the limit is ",
                   max_entries);
    const uint64_t size = reader.file.size();
    uint64_t left = 2 * size;
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
      check<IoError>(stat.size <= left, "its entries decompress to more than twice the ", size,
                     " bytes of the file; torch.save does not compress");
      left -= stat.size;
      const bool stored = (stat.valid & ZIP_STAT_COMP_METHOD) && stat.comp_method == ZIP_CM_STORE;
      check<IoError>(entries.emplace(name, Entry{i, stat.size, stored}).second, "it has two entries ", quote(name));
    }
  }
};

ZipArchive::ZipArchive(const InputFile& file) : state_(std::make_unique<State>(file)) {
  state_->open();
  state_->list();
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

namespace {

/// An open entry. Each function throws IoError, without the path, when the entry is damaged.
class EntryReader {
 public:
  EntryReader(zip_t* archive, const std::string& name, const ZipArchive::Entry& entry)
      : name_(name),
        left_(entry.size),
        size_(entry.size),
        file_(zip_fopen_index(archive, entry.index, 0), &zip_fclose) {
    check<IoError>(file_ != nullptr, "its entry ", quote(name), " cannot be read: ", zip_strerror(archive));
  }

  /// Reads the next n bytes, or what is left if that is less, and returns their number.
  uint64_t read(char* to, uint64_t n) {
    n = std::min(n, left_);
    for (uint64_t got = 0; got < n;) {
      const zip_int64_t part = zip_fread(file_.get(), to + got, n - got);
      check<IoError>(part >= 0, "its entry ", quote(name_), " is damaged: ", zip_file_strerror(file_.get()));
      check<IoError>(part > 0, "its entry ", quote(name_), " ends after ", size_ - left_ + got, " of ", size_,
                     " bytes");
      got += uint64_t(part);
    }
    left_ -= n;
    return n;
  }
  /// Call it when all bytes are read: at the end, libzip compares the CRC.
  void finish() {
    char beyond = 0;
    const zip_int64_t n = zip_fread(file_.get(), &beyond, 1);
    check<IoError>(n >= 0, "its entry ", quote(name_), " is damaged: ", zip_file_strerror(file_.get()));
    check<IoError>(n == 0, "its entry ", quote(name_), " is longer than the ", size_, " bytes that it should have");
  }

 private:
  const std::string& name_;
  uint64_t left_, size_;
  std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file_;
};

}  // namespace

void ZipArchive::read(const std::string& name, const Entry& entry, void* to) const {
  EntryReader reader(state_->archive, name, entry);
  reader.read(static_cast<char*>(to), entry.size);
  reader.finish();
}

std::optional<uint64_t> ZipArchive::offset_of(const std::string& name, const Entry& entry) const {
  if (!entry.stored || entry.size == 0) return std::nullopt;
  constexpr size_t part = size_t{256} << 10;  // stays in the processor's cache
  const auto buffer = std::make_unique<char[]>(part);
  EntryReader reader(state_->archive, name, entry);
  // libzip does not tell where an entry begins, but it reads a stored one from there.
  state_->reader.first = Reader::none;
  while (reader.read(buffer.get(), part) == part) continue;
  const uint64_t begin = state_->reader.first, end = state_->reader.at;
  reader.finish();
  if (begin > end || end - begin != entry.size) return std::nullopt;
  return begin;
}

}  // namespace ditharos

#include <ditharos/training/checkpoint/checkpoint_record.h>

#include <algorithm>
#include <cereal/archives/portable_binary.hpp>
#include <sstream>

namespace ditharos::training {
namespace {

// cereal reads and writes fixed-width integers and raw bytes here. Texts and lists are read by our own code: cereal
// would allocate any count that the bytes claim before it reaches their end.

class Writer {
 public:
  template <class T>
  void number(T& value) {
    archive_(value);
  }
  void text(std::string& s) {
    uint64_t size = s.size();
    number(size);
    archive_(cereal::binary_data(s.data(), s.size()));
  }
  /// The number of entries of a list; a reader replaces `present` by what it finds.
  uint64_t count(uint64_t present, uint64_t /*least_bytes*/, uint64_t most, const char* what) {
    check(present <= most, "[save_checkpoint] a ", what, " of ", present, " entries; at most ", most, " are possible");
    number(present);
    return present;
  }
  std::string bytes() const { return stream_.str(); }

 private:
  std::ostringstream stream_{std::ios::binary};
  cereal::PortableBinaryOutputArchive archive_{stream_, cereal::PortableBinaryOutputArchive::Options::LittleEndian()};
};

class Reader {
 public:
  // The archive takes the first byte, which tells the byte order.
  explicit Reader(std::string bytes) : left_(bytes.size() - 1), stream_(std::move(bytes)), archive_(stream_) {}

  template <class T>
  void number(T& value) {
    take(sizeof(T));
    archive_(value);
  }
  void text(std::string& s) {
    s.resize(size_t(count(0, 1, left_, "text")));
    take(s.size());
    archive_(cereal::binary_data(s.data(), s.size()));
  }
  uint64_t count(uint64_t /*present*/, uint64_t least_bytes, uint64_t most, const char* what) {
    uint64_t n = 0;
    number(n);
    check<IoError>(n <= most && n <= left_ / least_bytes, "it claims a ", what, " of size ", n, " with ", left_,
                   " bytes left");
    return n;
  }
  void check_end() const { check<IoError>(left_ == 0, "it has ", left_, " bytes too many"); }

 private:
  void take(uint64_t bytes) {
    check<IoError>(bytes <= left_, "it ends early");
    left_ -= bytes;
  }

  uint64_t left_;
  std::istringstream stream_;
  cereal::PortableBinaryInputArchive archive_;
};

DType dtype_from_name(const std::string& name) {
  for (const DType d :
       {DType::f32, DType::f64, DType::bf16, DType::f16, DType::i64, DType::i32, DType::u8, DType::boolean}) {
    if (name == name_of(d)) return d;
  }
  fail<IoError>("it names the unknown element type \"", name, "\"");
}

// The one description of the record, for both directions. What is added in a later format version stands under a test
// of the version; nothing is ever removed or reordered.

template <class Archive>
void describe(Archive& a, std::pair<std::string, std::string>& entry) {
  a.text(entry.first);
  a.text(entry.second);
}

template <class Archive>
void describe(Archive& a, RandomStream& stream) {
  a.text(stream.name);
  a.number(stream.seed);
  a.number(stream.offset);
}

template <class Archive>
void describe(Archive& a, Average& average) {
  a.number(average.decay);
  a.number(average.updates);
}

template <class Archive>
void describe(Archive& a, TensorRecord& t) {
  auto part = static_cast<uint8_t>(t.part);
  std::string dtype = name_of(t.dtype);
  auto rank = static_cast<uint8_t>(t.shape.rank());
  a.number(part);
  a.text(t.name);
  a.text(dtype);
  a.number(rank);
  check<IoError>(part < uint64_t(Part::more_averages) + max_more_averages && rank <= Shape::max_rank, "its tensor \"",
                 t.name, "\" in part ", part, " has ", rank, " dimensions");
  t.part = static_cast<Part>(part);
  t.dtype = dtype_from_name(dtype);
  t.shape = rank == t.shape.rank() ? t.shape : Shape::filled(rank, 0);
  for (int64_t& size : t.shape) a.number(size);
  a.number(t.offset);
  a.number(t.bytes);
  a.number(t.crc);
}

/// least_bytes: what an entry takes at least; most: entries that are accepted.
template <class Archive, class T>
void describe_list(Archive& a, std::vector<T>& list, uint64_t least_bytes, uint64_t most, const char* what) {
  list.resize(size_t(a.count(list.size(), least_bytes, most, what)));
  for (T& entry : list) describe(a, entry);
}

template <class Archive>
void describe(Archive& a, CheckpointRecord& r, uint32_t format) {
  TrainState& s = r.state;
  std::vector<std::pair<std::string, std::string>> metadata(s.metadata.begin(), s.metadata.end());
  a.text(s.kind);
  describe_list(a, metadata, 16, max_entries, "list of settings");
  a.text(s.configuration);
  a.number(s.step);
  a.number(s.epoch);
  a.number(s.position);
  describe_list(a, s.random, 24, max_entries, "list of random streams");
  a.number(s.ema_updates);
  if (format >= 2) describe_list(a, s.more_averages, 16, max_more_averages, "list of averages");
  describe_list(a, r.tensors, 38, max_entries, "list of tensors");
  s.metadata = {metadata.begin(), metadata.end()};
  check<IoError>(s.metadata.size() == metadata.size(), "it names a setting twice");
  const uint64_t parts = uint64_t(Part::more_averages) + s.more_averages.size();
  for (const TensorRecord& t : r.tensors)
    check<IoError>(uint64_t(t.part) < parts, "its tensor \"", t.name, "\" is in part ", int(t.part), " of ", parts);
}

}  // namespace

std::string encode(CheckpointRecord record) {
  Writer writer;
  describe(writer, record, format_of(record.state));
  return writer.bytes();
}

CheckpointRecord decode(std::string bytes, uint32_t format) {
  check<IoError>(!bytes.empty(), "there is none");
  CheckpointRecord record;
  try {
    Reader reader(std::move(bytes));
    describe(reader, record, format);
    reader.check_end();
  } catch (const cereal::Exception& e) {
    fail<IoError>(e.what());
  }
  return record;
}

}  // namespace ditharos::training

#include <ditharos/training/checkpoint/checkpoint.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include <ditharos/nn/state_dict.h>
#include <ditharos/optim/ema.h>
#include <ditharos/optim/optimizer.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/training/checkpoint/checkpoint_record.h>
#include <ditharos/training/not_finite.h>

namespace ditharos::training {
namespace {

static_assert(std::endian::native == std::endian::little, "checkpoints store numbers as they lie in memory");

constexpr char magic[] = {'d', 'i', 't', 'h', 'a', 'r', 'o', 's'};
constexpr size_t header_bytes = 32;
constexpr uint64_t max_elements = uint64_t{1} << 58;

struct Header {
  char magic[8];
  uint32_t format, record_crc;
  uint64_t record_bytes;
  uint32_t header_crc, zero;
};
static_assert(sizeof(Header) == header_bytes && offsetof(Header, header_crc) == 24);

uint64_t align_up(uint64_t n) { return (n + payload_alignment - 1) / payload_alignment * payload_alignment; }

char* bytes_of(const Tensor& contiguous) {
  return static_cast<char*>(contiguous.storage()->data()) + size_t(contiguous.offset()) * size_of(contiguous.dtype());
}

nn::NamedTensors& list_of(TrainState& state, Part part) {
  if (part >= Part::more_averages) return state.more_averages[size_t(part) - size_t(Part::more_averages)].tensors;
  return part == Part::model ? state.model : part == Part::ema ? state.ema : state.optimizer;
}

/// The parts of a state, in the order of the file.
std::vector<Part> parts_of(const TrainState& state) {
  std::vector<Part> parts{Part::model, Part::ema, Part::optimizer};
  for (size_t i = 0; i < state.more_averages.size(); ++i) parts.push_back(Part(size_t(Part::more_averages) + i));
  return parts;
}

std::string label(const TensorRecord& t) { return std::string("tensor \"") + t.name + "\" of the " + name_of(t.part); }

template <class... Parts>
void check_undamaged(bool ok, const InputFile& file, const Parts&... parts) {
  check<IoError>(ok, "damaged checkpoint ", file.path(), ": ", parts...);
}

// ---- saving

struct Payload {
  CheckpointRecord record;
  std::vector<Tensor> tensors;  // contiguous, in the order of the record
};

Payload collect(const TrainState& state) {
  Payload p;
  TrainState copy = state;  // handles and texts
  check(state.more_averages.size() <= max_more_averages, "[save_checkpoint] ", state.more_averages.size(),
        " averages beside the first one; at most ", max_more_averages, " are possible");
  for (const Part part : parts_of(state)) {
    std::set<std::string> names;
    for (const auto& [name, tensor] : list_of(copy, part)) {
      check(tensor.defined() && names.insert(name).second, "[save_checkpoint] \"", name, "\" of the ", name_of(part),
            tensor.defined() ? " comes twice" : " is undefined");
      p.tensors.push_back(kernels::contiguous(tensor));
      const uint64_t bytes = uint64_t(tensor.numel()) * size_of(tensor.dtype());
      p.record.tensors.push_back(
          {part, name, tensor.dtype(), tensor.shape(), 0, bytes, crc32c(bytes_of(p.tensors.back()), bytes)});
    }
    list_of(copy, part).clear();
  }
  p.record.state = std::move(copy);
  return p;
}

void write_padding(AtomicFile& file) {
  constexpr char zeros[payload_alignment] = {};
  file.write(zeros, size_t(align_up(file.size()) - file.size()));
}

// ---- loading

void check_padding(const InputFile& file, uint64_t from) {
  char padding[payload_alignment] = {};
  const size_t n = size_t(align_up(from) - from);
  file.read(from, padding, n);
  check_undamaged(std::all_of(padding, padding + n, [](char c) { return c == 0; }), file, "bytes ", from, " to ",
                  from + n, " should be zero");
}

/// Checks that the tensors fill the rest of the file exactly, in order, each of the size that its shape gives.
void check_layout(const InputFile& file, const std::vector<TensorRecord>& tensors, uint64_t end) {
  std::set<std::pair<Part, std::string>> names;
  for (const TensorRecord& t : tensors) {
    check_undamaged(names.emplace(t.part, t.name).second, file, label(t), " comes twice");
    uint64_t elements = 1, extent = 1;  // extent: without the zeros among the sizes, so that no product overflows
    for (const int64_t size : t.shape) {
      const uint64_t n = uint64_t(std::max<int64_t>(size, 1));
      check_undamaged(size >= 0 && extent <= max_elements / n, file, label(t), " has the impossible shape ", t.shape);
      elements *= uint64_t(size);
      extent *= n;
    }
    check_undamaged(t.bytes == elements * size_of(t.dtype), file, label(t), " of shape ", t.shape, " claims ", t.bytes,
                    " bytes");
    check_undamaged(t.offset == end, file, label(t), " claims to start at byte ", t.offset, " instead of ", end);
    check_undamaged(end <= file.size() && t.bytes <= file.size() - end, file, label(t), " ends at byte ", end + t.bytes,
                    ", the file at byte ", file.size());
    end = align_up(end + t.bytes);
  }
  check_undamaged(file.size() == end, file, "it has ", file.size(), " bytes instead of ", end);
}

struct Metadata {
  uint32_t format;
  CheckpointRecord record;
};

Metadata read_metadata(const InputFile& file) {
  Header h{};
  file.read(0, &h, size_t(std::min<uint64_t>(file.size(), header_bytes)));
  const std::string cannot = "cannot read " + file.path() + ": ";
  check<IoError>(std::memcmp(h.magic, magic, sizeof magic) == 0, cannot, "it is not a checkpoint of ditharos");
  check_undamaged(file.size() >= header_bytes, file, "it has only ", file.size(), " bytes");
  check<IoError>(h.format <= checkpoint_format, cannot, "it was written by format ", h.format,
                 ", this program reads up to ", checkpoint_format);
  check_undamaged(h.format > 0 && h.header_crc == crc32c(&h, offsetof(Header, header_crc)) && h.zero == 0, file,
                  "its header does not fit its checksum");
  check_undamaged(h.record_bytes <= max_record_bytes && h.record_bytes <= file.size() - header_bytes, file,
                  "its header claims ", h.record_bytes, " bytes of metadata, the file has ", file.size());
  std::string bytes(size_t(h.record_bytes), '\0');
  file.read(header_bytes, bytes.data(), bytes.size());
  check_undamaged(crc32c(bytes.data(), bytes.size()) == h.record_crc, file, "its metadata does not fit its checksum");
  CheckpointRecord record;
  try {
    record = decode(std::move(bytes), h.format);
  } catch (const IoError& e) {
    check_undamaged(false, file, "its metadata cannot be read: ", e.what());
  }
  const uint64_t end = header_bytes + h.record_bytes;
  check_layout(file, record.tensors, align_up(end));
  check_padding(file, end);
  return {h.format, std::move(record)};
}

/// The checks of a tensor's elements, read at once or piece by piece.
struct Digest {
  uint32_t crc = 0;
  bool sound = true;  // a bool that is neither 0 nor 1 would be undefined behaviour wherever it is read

  void take(DType dtype, const char* bytes, size_t n) {
    crc = crc32c(bytes, n, crc);
    const auto is_bool = [](char c) { return c == 0 || c == 1; };
    sound = sound && (dtype != DType::boolean || std::all_of(bytes, bytes + n, is_bool));
  }
};

void check_elements(const InputFile& file, const TensorRecord& t, const Digest& digest) {
  check_undamaged(digest.crc == t.crc, file, label(t), " does not fit its checksum");
  check_undamaged(digest.sound, file, label(t), " holds values that are neither true nor false");
  check_padding(file, t.offset + t.bytes);
}

bool has_same_bytes(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape() || !a.is_contiguous() || !b.is_contiguous()) return false;
  return visit_dtype(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return a.numel() == 0 || std::memcmp(a.data<T>(), b.data<T>(), size_t(a.numel()) * sizeof(T)) == 0;
  });
}

/// Loads the values that the module does not have yet. `state` has the names and shapes of its tensors.
void load_changed(nn::ModuleBase& module, const nn::NamedTensors& state) {
  std::map<std::string, Tensor> own;
  for (const auto& [name, tensor] : nn::named_tensors(module)) own[name] = tensor;
  nn::NamedTensors changed;
  for (const nn::NamedTensor& given : state)
    if (!has_same_bytes(own.at(given.name), given.tensor)) changed.push_back(given);
  nn::load_state_dict(module, changed, {.strict = false});
}

}  // namespace

void capture(TrainState& state, const nn::ModuleBase& model, const optim::Optimizer& optimizer, const optim::Ema* ema) {
  state.model = nn::named_tensors(model);
  state.optimizer = optimizer.state();
  state.ema = ema ? ema->state() : nn::NamedTensors{};
  state.ema_updates = ema ? ema->updates() : 0;
}

void restore(const TrainState& state, nn::ModuleBase& model, optim::Optimizer& optimizer, optim::Ema* ema) {
  nn::check_same_tensors("the checkpoint's model", nn::named_tensors(model), state.model);
  optimizer.check_state(state.optimizer);
  if (ema) ema->check_state(state.ema, state.ema_updates);
  load_changed(model, state.model);
  optimizer.load_state(state.optimizer);
  if (ema) ema->load_state(state.ema, state.ema_updates);
}

uint64_t payload_bytes(const TrainState& state) {
  uint64_t bytes = 0;  // no overflow: all of them are in memory
  TrainState handles = state;
  for (const Part part : parts_of(state))
    for (const auto& [name, tensor] : list_of(handles, part))
      bytes += uint64_t(tensor.numel()) * size_of(tensor.dtype());
  return bytes;
}

void check_finite(const TrainState& state) {
  const auto check_list = [&](Part part, const nn::NamedTensors& list) {
    for (const auto& [name, tensor] : list) {
      if (!tensor.defined() || !is_floating(tensor.dtype()) || kernels::all_finite(tensor)) continue;
      const std::vector<double> values = tensor.to_vector<double>();
      const auto bad = std::count_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
      fail<NotFiniteError>(
          "at step ", state.step, " \"", name, "\" of the ", name_of(part), " holds ", bad, " of ", values.size(),
          " values that are not finite, so no checkpoint is saved; those from before stay, and a smaller learning "
          "rate or clipping helps");
    }
  };
  TrainState handles = state;
  for (const Part part : parts_of(state)) check_list(part, list_of(handles, part));
}

void save_checkpoint(const std::string& path, const TrainState& state) {
  Payload p = collect(state);
  const uint64_t record_bytes = encode(p.record).size();  // numbers have fixed widths: offsets do not change the size
  check(record_bytes <= max_record_bytes, "[save_checkpoint] ", path, " would have ", record_bytes,
        " bytes of metadata; at most ", max_record_bytes, " are possible");
  uint64_t end = align_up(header_bytes + record_bytes);
  for (TensorRecord& t : p.record.tensors) {
    t.offset = end;
    end = align_up(end + t.bytes);
  }
  const std::string record = encode(p.record);
  Header h{};
  std::memcpy(h.magic, magic, sizeof magic);
  h.format = format_of(state);
  h.record_crc = crc32c(record.data(), record.size());
  h.record_bytes = record.size();
  h.header_crc = crc32c(&h, offsetof(Header, header_crc));

  AtomicFile file(path);
  file.write(&h, sizeof h);
  file.write(record.data(), record.size());
  write_padding(file);
  for (size_t i = 0; i < p.tensors.size(); ++i) {
    file.write(bytes_of(p.tensors[i]), size_t(p.record.tensors[i].bytes));
    write_padding(file);
  }
  file.commit();
}

TrainState load_checkpoint(const std::string& path) {
  const InputFile file(path);
  CheckpointRecord record = read_metadata(file).record;
  for (const TensorRecord& t : record.tensors) {
    const Tensor tensor(t.shape, t.dtype);
    Digest digest;
    file.read(t.offset, bytes_of(tensor), size_t(t.bytes));
    digest.take(t.dtype, bytes_of(tensor), size_t(t.bytes));
    check_elements(file, t, digest);
    list_of(record.state, t.part).push_back({t.name, tensor});
  }
  return std::move(record.state);
}

void verify_checkpoint(const std::string& path) {
  const InputFile file(path);
  const CheckpointRecord record = read_metadata(file).record;
  std::string piece(1u << 20, '\0');
  for (const TensorRecord& t : record.tensors) {
    Digest digest;
    for (uint64_t done = 0; done < t.bytes;) {
      const size_t n = size_t(std::min<uint64_t>(piece.size(), t.bytes - done));
      file.read(t.offset + done, piece.data(), n);
      digest.take(t.dtype, piece.data(), n);
      done += n;
    }
    check_elements(file, t, digest);
  }
}

CheckpointContents read_contents(const std::string& path) {
  const InputFile file(path);
  Metadata metadata = read_metadata(file);
  CheckpointContents contents{metadata.format, file.size(), std::move(metadata.record.state), {}};
  for (const TensorRecord& t : metadata.record.tensors)
    contents.tensors.push_back({name_of(t.part), t.name, t.dtype, t.shape, t.bytes});
  return contents;
}

}  // namespace ditharos::training

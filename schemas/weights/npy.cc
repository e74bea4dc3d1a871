#include "schemas/weights/npy.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "schemas/base/limits.h"
#include "schemas/weights/dtype.h"

namespace augstore {
namespace {

static_assert(std::endian::native == std::endian::little,
              "elements are read as they lie in memory");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kPrefixBytes = 8;  // magic and version
constexpr size_t kMaxHeaderBytes = 65536;
constexpr size_t kMaxWordBytes = 64;  // of a key or a dtype
constexpr size_t kHeaderAlignment = 64;
constexpr size_t kReadBytes = 1u << 20;

struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileClose>;

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<uint64_t> shape;
};

// Parses the header: a Python dict literal with exactly three known keys. Every method returns
// false where the text is something else.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  bool Parse(Header* header) {
    if (!Take('{')) return false;
    bool descr = false, order = false, shape = false;
    while (!Take('}')) {
      std::string key;
      if (!Text(&key) || !Take(':')) return false;
      if (key == "descr" && !descr) {
        descr = Text(&header->descr);
        if (!descr) return false;
      } else if (key == "fortran_order" && !order) {
        order = Bool(&header->fortran_order);
        if (!order) return false;
      } else if (key == "shape" && !shape) {
        shape = Tuple(&header->shape);
        if (!shape) return false;
      } else {
        return false;
      }
      if (Take(',')) continue;
      if (!Take('}')) return false;
      break;
    }
    SkipBlanks();
    return rest_.empty() && descr && order && shape;
  }

 private:
  void SkipBlanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  bool Take(char c) {
    SkipBlanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool TakeWord(std::string_view word) {
    SkipBlanks();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool Text(std::string* text) {
    SkipBlanks();
    if (!rest_.starts_with('\'') && !rest_.starts_with('"')) return false;
    const size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos || end > kMaxWordBytes) return false;
    *text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool Bool(bool* value) {
    *value = TakeWord("True");
    return *value || TakeWord("False");
  }
  bool Number(uint64_t* value) {
    SkipBlanks();
    const char* first = rest_.data();
    const auto [end, error] = std::from_chars(first, first + rest_.size(), *value);
    if (error != std::errc()) return false;
    rest_.remove_prefix(static_cast<size_t>(end - first));
    return true;
  }
  bool Tuple(std::vector<uint64_t>* values) {
    if (!Take('(')) return false;
    while (!Take(')')) {
      if (!Number(&values->emplace_back())) return false;
      if (!Take(',')) return Take(')');
    }
    return true;
  }

  std::string_view rest_;
};

// A file whose header was read and found to fit the file's size; the elements come next.
class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  const Header& header() const { return header_; }
  // Product of the shape; valid after CheckElements().
  uint64_t count() const { return count_; }

  Status Open() {
    file_.reset(std::fopen(path_.c_str(), "rbe"));
    if (file_ == nullptr && (errno == ENOENT || errno == ENOTDIR)) {
      return NotFound("file '{}' does not exist: check the path", path_);
    }
    struct stat info = {};
    if (file_ == nullptr || ::fstat(::fileno(file_.get()), &info) != 0) {
      return Unavailable("opening '{}' failed: {}", path_, std::generic_category().message(errno));
    }
    if (!S_ISREG(info.st_mode)) {
      return InvalidArgument("'{}' is not a regular file: give a .npy file", path_);
    }
    left_ = static_cast<uint64_t>(info.st_size);
    return ReadHeader();
  }

  // Checks that the file holds exactly the shape's elements, so that memory for them may be
  // allocated.
  Status CheckElements(uint64_t element_bytes) {
    count_ = 1;
    uint64_t bytes = element_bytes;
    bool overflow = false;
    for (uint64_t size : header_.shape) {
      overflow = overflow || __builtin_mul_overflow(count_, size, &count_);
    }
    if (overflow || __builtin_mul_overflow(count_, bytes, &bytes)) {
      return InvalidArgument("file '{}' has a shape whose size overflows 64 bits: it is damaged",
                             path_);
    }
    if (bytes == left_) return OkStatus();
    return InvalidArgument("file '{}' has {} bytes of elements, but its shape takes {}: it is {}",
                           path_, left_, bytes,
                           bytes > left_ ? "truncated" : "longer than one array");
  }

  Status Read(void* to, size_t bytes) {
    if (bytes > left_) return Truncated();
    if (bytes > 0 && std::fread(to, 1, bytes, file_.get()) != bytes) {
      if (std::ferror(file_.get()) == 0) return Truncated();
      return Unavailable("reading '{}' failed: {}", path_, std::generic_category().message(errno));
    }
    left_ -= bytes;
    return OkStatus();
  }

  Status Refuse(std::string_view what) const {
    return InvalidArgument("file '{}' {}", path_, what);
  }

 private:
  Status Truncated() const { return Refuse("is truncated: give the whole file"); }

  Status ReadHeader() {
    std::array<uint8_t, kPrefixBytes> prefix{};
    AUGSTORE_TRY(Read(prefix.data(), prefix.size()));
    if (std::memcmp(prefix.data(), kMagic.data(), kMagic.size()) != 0) {
      return Refuse("is no .npy file: write it with numpy.save()");
    }
    const int version = prefix[kMagic.size()];
    if (version < 1 || version > 3) {
      return Refuse(fmt::format("has .npy version {}: give 1, 2 or 3", version));
    }
    std::array<uint8_t, 4> length{};
    AUGSTORE_TRY(Read(length.data(), version == 1 ? 2 : 4));
    const size_t size =
        length[0] | size_t{length[1]} << 8 | size_t{length[2]} << 16 | size_t{length[3]} << 24;
    if (size > kMaxHeaderBytes) {
      return Refuse(
          fmt::format("has a header of {} bytes: at most {} are read", size, kMaxHeaderBytes));
    }
    std::string text(size, '\0');
    AUGSTORE_TRY(Read(text.data(), size));
    if (HeaderParser(text).Parse(&header_)) return CheckOrder();
    return Refuse(
        "has a header that is not a dict of descr (text), fortran_order and shape: write "
        "one plain array with numpy.save()");
  }

  Status CheckOrder() const {
    if (header_.fortran_order) {
      return Refuse("is in Fortran order: save numpy.ascontiguousarray(x)");
    }
    if (header_.descr.starts_with('>')) {
      return Refuse(fmt::format("has the big-endian dtype '{}': save x.astype('<{}')",
                                header_.descr, header_.descr.substr(1)));
    }
    return OkStatus();
  }

  std::string path_;
  File file_;
  uint64_t left_ = 0;
  Header header_;
  uint64_t count_ = 0;
};

// Hands every element, of type From, to `store(index, value)`, whose first error ends it.
template <typename From, typename Store>
Status Convert(Reader& reader, Store store) {
  std::vector<From> buffer(kReadBytes / sizeof(From));
  for (uint64_t i = 0; i < reader.count();) {
    const size_t n = static_cast<size_t>(std::min<uint64_t>(buffer.size(), reader.count() - i));
    AUGSTORE_TRY(reader.Read(buffer.data(), n * sizeof(From)));
    for (size_t k = 0; k < n; ++k) AUGSTORE_TRY(store(i + k, buffer[k]));
    i += n;
  }
  return OkStatus();
}

Status FillMatrix(Reader& reader, Matrix* matrix) {
  float* out = matrix->data();
  const std::string& descr = reader.header().descr;
  if (descr == "<f4") return reader.Read(out, reader.count() * sizeof(float));
  if (descr == "<f2") {
    return Convert<uint16_t>(reader, [out](uint64_t i, uint16_t half) {
      DecodeRow(Dtype::kF16, {reinterpret_cast<const uint8_t*>(&half), sizeof half}, {out + i, 1});
      return OkStatus();
    });
  }
  return Convert<double>(reader, [out, &reader](uint64_t i, double value) {
    out[i] = static_cast<float>(value);
    if (!std::isinf(out[i]) || std::isinf(value)) return OkStatus();
    return reader.Refuse(
        fmt::format("has {} at element {}, which float32 cannot hold: scale it", value, i));
  });
}

template <typename From>
Result<std::vector<int64_t>> FillIntegers(Reader& reader) {
  AUGSTORE_TRY(reader.CheckElements(sizeof(From)));
  std::vector<int64_t> values(reader.count());
  AUGSTORE_TRY(Convert<From>(reader, [&values](uint64_t i, From value) {
    // An i1 has a sign. NOLINTNEXTLINE(bugprone-signed-char-misuse)
    values[i] = static_cast<int64_t>(value);
    return OkStatus();
  }));
  return values;
}

std::string WriteHeader(std::string_view descr, std::string_view shape) {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  const size_t before = kPrefixBytes + 2;
  const size_t total =
      (before + header.size() + kHeaderAlignment) / kHeaderAlignment * kHeaderAlignment;
  header.resize(total - before - 1, ' ');
  header += '\n';
  std::string bytes(kMagic);
  bytes += {'\x01', '\x00', static_cast<char>(header.size() & 255),
            static_cast<char>(header.size() >> 8)};
  return bytes + header;
}

}  // namespace

Result<Matrix> ReadNpyMatrix(const std::string& path) {
  Reader reader(path);
  AUGSTORE_TRY(reader.Open());
  const Header& header = reader.header();
  const uint64_t bytes = header.descr == "<f8" ? 8 : header.descr == "<f4" ? 4 : 2;
  if (bytes == 2 && header.descr != "<f2") {
    return reader.Refuse(fmt::format("has dtype '{}': save x.astype('<f4')", header.descr));
  }
  if (header.shape.size() != 2 || header.shape[1] == 0 || header.shape[1] > kMaxDim) {
    return reader.Refuse(
        fmt::format("has the shape ({}): give rows x columns, with 1 .. {} columns",
                    fmt::join(header.shape, ", "), kMaxDim));
  }
  AUGSTORE_TRY(reader.CheckElements(bytes));
  Matrix matrix(header.shape[0], header.shape[1]);
  AUGSTORE_TRY(FillMatrix(reader, &matrix));
  return matrix;
}

Result<std::vector<int64_t>> ReadNpyIntegers(const std::string& path) {
  Reader reader(path);
  AUGSTORE_TRY(reader.Open());
  const Header& header = reader.header();
  if (header.shape.size() != 1) {
    return reader.Refuse(fmt::format("has {} dimensions: give a vector, such as x.reshape(-1)",
                                     header.shape.size()));
  }
  if (header.descr == "|i1") return FillIntegers<int8_t>(reader);
  if (header.descr == "|u1") return FillIntegers<uint8_t>(reader);
  if (header.descr == "<i2") return FillIntegers<int16_t>(reader);
  if (header.descr == "<u2") return FillIntegers<uint16_t>(reader);
  if (header.descr == "<i4") return FillIntegers<int32_t>(reader);
  if (header.descr == "<u4") return FillIntegers<uint32_t>(reader);
  if (header.descr == "<i8") return FillIntegers<int64_t>(reader);
  return reader.Refuse(fmt::format("has dtype '{}': save x.astype('<i8')", header.descr));
}

std::string WriteNpyMatrix(ConstMatrixView matrix) {
  std::string bytes = WriteHeader("<f4", fmt::format("{}, {}", matrix.rows, matrix.cols));
  const size_t size = matrix.rows * matrix.cols * sizeof(float);
  if (size > 0) bytes.append(reinterpret_cast<const char*>(matrix.data), size);
  return bytes;
}

std::string WriteNpyIntegers(std::span<const int64_t> values) {
  std::string bytes = WriteHeader("<i8", fmt::format("{},", values.size()));
  if (!values.empty())
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return bytes;
}

}  // namespace augstore

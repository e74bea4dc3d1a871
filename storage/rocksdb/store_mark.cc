#include "storage/rocksdb/store_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <system_error>

#include "schemas/base/digest.h"
#include "schemas/base/files.h"

namespace augstore {
namespace {

constexpr unsigned kMarkVersion = 2;
constexpr size_t kSlotBytes = 512;  // a sector: a device writes it whole or not at all
constexpr size_t kSlots = 2;
// Syncs that follow each other closely would slow the writes that they follow.
constexpr auto kSyncPause = std::chrono::milliseconds(100);

struct Slot {
  MarkNote note;
  uint64_t turn = 0;
};

std::string PathOf(const std::string& folder) { return folder + "/" + kMarkFile; }

// Readable text, so that an operator can look at it.
std::string Encode(const Slot& slot) {
  std::string text = fmt::format("augstore mark {}\nstore {}\nsequence {}\nturn {}\n", kMarkVersion,
                                 slot.note.store_id, slot.note.sequence, slot.turn);
  const std::span bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  text += fmt::format("check {:016x}\n", Checksum64(bytes));
  AUGSTORE_CHECK(text.size() < kSlotBytes);
  text.resize(kSlotBytes - 1, ' ');
  return text + "\n";
}

// Nothing when a byte is not as Encode writes it.
std::optional<Slot> Decode(const std::string& text) {
  Slot slot;
  std::array<char, 33> id{};
  const int read =
      std::sscanf(text.c_str(), "augstore mark %*u store %32s sequence %" SCNu64 " turn %" SCNu64,
                  id.data(), &slot.note.sequence, &slot.turn);
  slot.note.store_id = id.data();
  if (read != 3 || Encode(slot) != text) return std::nullopt;
  return slot;
}

// The newer of the slots that are whole.
Result<Slot> ReadSlot(const std::string& folder) {
  AUGSTORE_ASSIGN(const std::string bytes, ReadFile(PathOf(folder), kSlots * kSlotBytes));
  std::optional<Slot> newest;
  for (size_t i = 0; i < kSlots && (i + 1) * kSlotBytes <= bytes.size(); ++i) {
    const std::optional<Slot> slot = Decode(bytes.substr(i * kSlotBytes, kSlotBytes));
    if (slot.has_value() && (!newest.has_value() || slot->turn > newest->turn)) newest = slot;
  }
  if (!newest.has_value()) {
    if (unsigned version = 0;
        std::sscanf(bytes.c_str(), "augstore mark %u", &version) == 1 && version > kMarkVersion) {
      return FailedPrecondition(
          "'{}' has version {}, this augstore reads version {}: use a newer augstore",
          PathOf(folder), version, kMarkVersion);
    }
    return DataLoss(
        "'{}' is damaged, so that lost writes could not be noticed: restore a backup, or run "
        "`augstore repair`",
        PathOf(folder));
  }
  return *newest;
}

}  // namespace

Status WriteMark(const std::string& folder, const MarkNote& note) {
  return WriteFileAtomically(PathOf(folder), Encode({note, 0}) + Encode({note, 1}));
}

Result<MarkNote> ReadMark(const std::string& folder) {
  AUGSTORE_ASSIGN(const Slot slot, ReadSlot(folder));
  return slot.note;
}

Result<std::unique_ptr<StoreMark>> StoreMark::Open(const std::string& folder) {
  AUGSTORE_ASSIGN(const Slot slot, ReadSlot(folder));
  const std::string path = PathOf(folder);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    return Unavailable("'{}' cannot be written: {}", path, std::generic_category().message(errno));
  }
  return std::unique_ptr<StoreMark>(new StoreMark(fd, slot.note, slot.turn, path));
}

StoreMark::StoreMark(int fd, MarkNote note, uint64_t turn, std::string path)
    : fd_(fd), path_(std::move(path)), note_(std::move(note)), turn_(turn), syncer_([this] {
        SyncLoop();
      }) {}

StoreMark::~StoreMark() {
  {
    const MutexLock lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  syncer_.join();
  ::close(fd_);
}

Status StoreMark::Acknowledge(uint64_t sequence) {
  note_.sequence = sequence;
  const std::string slot = Encode({note_, ++turn_});
  const auto offset = static_cast<off_t>(turn_ % kSlots * kSlotBytes);
  ssize_t written = 0;
  do {
    written = ::pwrite(fd_, slot.data(), slot.size(), offset);
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(slot.size())) {
    return Unavailable("writing '{}' failed: {}", path_, std::generic_category().message(errno));
  }
  {
    const MutexLock lock(mutex_);
    unsynced_ = true;
  }
  changed_.notify_one();
  return OkStatus();
}

Status StoreMark::Sync() {
  if (::fdatasync(fd_) == 0) return OkStatus();
  return Unavailable("syncing '{}' failed: {}", path_, std::generic_category().message(errno));
}

void StoreMark::SyncLoop() {
  MutexLock lock(mutex_);
  while (true) {
    while (!unsynced_ && !closing_) changed_.wait(lock.native());
    if (!unsynced_) return;
    unsynced_ = false;
    const bool last = closing_;
    lock.unlock();
    // A failure leaves an older note, which is no harm.
    (void)::fdatasync(fd_);
    lock.lock();
    if (last) return;
    const auto until = std::chrono::steady_clock::now() + kSyncPause;
    while (!closing_ && changed_.wait_until(lock.native(), until) != std::cv_status::timeout) {
    }
  }
}

}  // namespace augstore

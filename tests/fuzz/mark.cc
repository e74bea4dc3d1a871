#include <fmt/format.h>

#include "schemas/base/digest.h"
#include "storage/rocksdb/store_mark.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/targets.h"

namespace augstore::fuzz {
namespace {

constexpr size_t kSlotBytes = 512;

// Sets the checksum of a slot that has one, so that bytes that nobody could guess stop nothing.
void Seal(std::string* bytes, size_t slot) {
  const size_t line = bytes->find("check ", slot);
  if (line == std::string::npos || line + 22 > slot + kSlotBytes) return;
  const Bytes before(reinterpret_cast<const uint8_t*>(bytes->data()) + slot, line - slot);
  bytes->replace(line + 6, 16, fmt::format("{:016x}", Checksum64(before)));
}

}  // namespace

void Fuzz_mark(Bytes input) {
  std::string bytes(Text(input));
  for (size_t slot = 0; slot + kSlotBytes <= bytes.size(); slot += kSlotBytes) Seal(&bytes, slot);
  Folder().Write(kMarkFile, bytes);
  const Result<MarkNote> note = ReadMark(Folder().path());
  if (!note.ok()) return;
  AUGSTORE_CHECK(WriteMark(Folder().path(), *note).ok());
  const Result<MarkNote> again = ReadMark(Folder().path());
  AUGSTORE_CHECK(again.ok() && again->store_id == note->store_id);
  AUGSTORE_CHECK(again->sequence == note->sequence);
}

}  // namespace augstore::fuzz

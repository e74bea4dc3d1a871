#include "schemas/base/address.h"

#include "tests/fuzz/targets.h"

namespace augstore::fuzz {

void Fuzz_address(Bytes input) {
  const Result<Address> address = ParseAddress(Text(input));
  if (!address.ok()) return;
  const Result<Address> again = ParseAddress(address->ToString());
  AUGSTORE_CHECK(again.ok() && *again == *address);
  AUGSTORE_CHECK(again->IsLoopback() == address->IsLoopback());
}

}  // namespace augstore::fuzz

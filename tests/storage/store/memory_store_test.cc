#include "storage/store/memory_store.h"
#include "tests/storage/store/store_contract.h"
#include "tests/storage/store/store_rows_contract.h"

namespace augstore {
namespace {

struct MemoryMaker {
  std::unique_ptr<Store> Make() { return NewMemoryStore(); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreContract, MemoryMaker);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreRowsContract, MemoryMaker);

}  // namespace
}  // namespace augstore

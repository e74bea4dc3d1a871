#include "tests/storage/store_contract.h"

namespace augstore {
namespace {

struct MemoryMaker {
  std::unique_ptr<Store> Make() { return NewMemoryStore(); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreContract, MemoryMaker);

}  // namespace
}  // namespace augstore

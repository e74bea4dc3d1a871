// What every engine must do, checked for each by one list of tests.
#ifndef AUGSTORE_TESTS_ENGINE_KERNELS_ENGINE_CONTRACT_H_
#define AUGSTORE_TESTS_ENGINE_KERNELS_ENGINE_CONTRACT_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/kernels/engine.h"
#include "tests/engine/kernels/networks.h"

namespace augstore {

using EngineFactory = std::unique_ptr<Engine> (*)();

class EngineContract : public testing::TestWithParam<EngineFactory> {
 protected:
  std::unique_ptr<Engine> engine_ = GetParam()();
};

// Whether every row of network(in) comes out with the same bytes alone, in slices of many sizes,
// among other neighbours and in another order.
testing::AssertionResult RowsStandAlone(Engine& engine, const NetworkPtr& network);
// Whether `engine` agrees with plain loops within 1e-4 of the largest value of each row.
testing::AssertionResult AgreesWithPlainLoops(Engine& engine, const NetworkPtr& network,
                                              size_t rows);

}  // namespace augstore

#endif  // AUGSTORE_TESTS_ENGINE_KERNELS_ENGINE_CONTRACT_H_

#include <unistd.h>

#include <array>
#include <cstdlib>

#include "engine/onednn_gemm.h"
#include "tests/engine/engine_contract.h"

namespace augstore {
namespace {

INSTANTIATE_TEST_SUITE_P(OneDnn, EngineContract, testing::Values(&NewOneDnnEngine));

TEST(OneDnnEngine, SaysItsName) { EXPECT_EQ(NewOneDnnEngine()->name(), "onednn"); }

TEST(OneDnnEngine, AgreesWithPlainLoopsAtFullSize) {
  const std::unique_ptr<Engine> engine = NewOneDnnEngine();
  EXPECT_TRUE(AgreesWithPlainLoops(*engine, RandomNetwork(MlpShapes(512)), 25));
  EXPECT_TRUE(RowsStandAlone(*engine, RandomNetwork(MlpShapes(512, true))));
}

// What a machine with an older processor would compute: oneDNN reads the limit once, so another
// process runs the contract.
TEST(OneDnnEngine, KeepsTheContractOnOlderProcessors) {
  std::array<char, 4096> self{};
  ASSERT_GT(readlink("/proc/self/exe", self.data(), self.size() - 1), 0);
  for (const std::string isa : {"SSE41", "AVX", "AVX2"}) {
    const std::string command =
        "DNNL_MAX_CPU_ISA=" + isa + " '" + self.data() +
        "' --gtest_filter='OneDnn/EngineContract.*:OneDnnEngine.Agrees*' >&2";
    EXPECT_EQ(std::system(command.c_str()), 0) << isa;
  }
}

TEST(OneDnnEngine, LeavesTheThreadsOfItsCallerAlone) {
  const int before = ComputeThreads();
  SetComputeThreads(2);
  const std::unique_ptr<Engine> engine = NewOneDnnEngine();
  const NetworkPtr network = RandomNetwork(MlpShapes(32));
  const Matrix in = RandomMatrix(50, 32, 1);
  const Matrix with_two = Applied(*engine, network, in.view());
  EXPECT_EQ(ComputeThreads(), 2);
  SetComputeThreads(1);
  EXPECT_TRUE(SameBytes(Applied(*engine, network, in.view()).view(), with_two.view()));
  SetComputeThreads(before);
}

TEST(OneDnnEngine, TellsNetworksOfOneShapeApart) {
  const std::unique_ptr<Engine> engine = NewOneDnnEngine();
  const Matrix in = RandomMatrix(10, 16, 1);
  // Networks that die and networks that live, in turn: what was kept for a dead one must not answer
  // for the next.
  const NetworkPtr kept = RandomNetwork(MlpShapes(16), 1000);
  const Matrix expected = Applied(*engine, kept, in.view());
  for (unsigned seed = 0; seed < 20; ++seed) {
    EXPECT_TRUE(AgreesWithPlainLoops(*engine, RandomNetwork(MlpShapes(16), seed), 10)) << seed;
    EXPECT_TRUE(SameBytes(Applied(*engine, kept, in.view()).view(), expected.view()));
  }
}

}  // namespace
}  // namespace augstore

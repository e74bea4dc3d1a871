#include "tools/transform/pair_training.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "schemas/base/files.h"
#include "schemas/weights/npy.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

class ReadPairsTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const Matrix& matrix) {
    const std::string path = dir_.path() + "/" + name;
    EXPECT_TRUE(WriteFileAtomically(path, WriteNpyMatrix(matrix.view())).ok());
    return path;
  }
  static BackboneRecord Phi(uint32_t dim) {
    BackboneRecord record;
    record.dim = dim;
    return record;
  }

  TempDir dir_;
};

TEST_F(ReadPairsTest, ReadsRowsOfTheSameImages) {
  Matrix z(3, 2);
  Matrix z2(3, 2);
  z.row(2)[1] = 5;
  z2.row(0)[0] = 7;
  const Pairs pairs = ReadPairs(Write("z.npy", z), Write("z2.npy", z2), Phi(2)).value();
  EXPECT_EQ(pairs.z.row(2)[1], 5);
  EXPECT_EQ(pairs.z_target.row(0)[0], 7);
  EXPECT_EQ(pairs.views, 1u);
}

TEST_F(ReadPairsTest, NamesTheFileThatDoesNotFit) {
  const std::string three = Write("three.npy", Matrix(3, 2));
  const std::string four = Write("four.npy", Matrix(4, 2));
  const std::string wide = Write("wide.npy", Matrix(3, 3));
  Matrix infinite(3, 2);
  infinite.row(1)[0] = std::numeric_limits<float>::infinity();
  const std::string numberless = Write("numberless.npy", infinite);
  const auto refusal = [](const std::string& a, const std::string& b) {
    const Status status = ReadPairs(a, b, Phi(2)).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    return status.message();
  };
  EXPECT_NE(refusal(three, four).find("four.npy has 4"), std::string::npos);
  EXPECT_NE(refusal(three, wide).find("wide.npy has 3 columns"), std::string::npos);
  EXPECT_NE(refusal(three, numberless).find("numberless.npy"), std::string::npos);
  const std::string none = Write("none.npy", Matrix(0, 2));
  EXPECT_NE(refusal(none, none).find("0 rows"), std::string::npos);
  EXPECT_EQ(ReadPairs(three, dir_.path() + "/absent.npy", Phi(2)).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace augstore

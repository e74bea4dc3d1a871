#include "tools/cli/stream_flags.h"

#include <gtest/gtest.h>

#include "tools/flags/flags.h"

namespace augstore {
namespace {

TEST(SplitOrDefault, IsTrainWhereThatIsASplitAndElseEverySample) {
  CollectionRecord collection;
  collection.splits = {{"test", 1}, {"train", 2}};
  EXPECT_EQ(SplitOrDefault(std::nullopt, collection), "train");
  EXPECT_EQ(SplitOrDefault("", collection), "");
  EXPECT_EQ(SplitOrDefault("test", collection), "test");
  collection.splits.pop_back();
  EXPECT_EQ(SplitOrDefault(std::nullopt, collection), "");
}

TEST(StreamFlags, ReadDtypesAndPrecisionsByName) {
  StreamSpec spec;
  SplitFlag split;
  Command command("stream", "");
  AddStreamFlags(&command, &spec, &split);
  ASSERT_TRUE(command.GetFlag("--dtype").Set({"u8"}).ok());
  ASSERT_TRUE(command.GetFlag("--precision").Set({"int8"}).ok());
  EXPECT_EQ(spec.dtype, Dtype::kU8);
  EXPECT_EQ(spec.precision, Precision::kInt8);
  const Status refused = command.GetFlag("--dtype").Set({"f8"});
  EXPECT_NE(refused.message().find("f32, f16, u8"), std::string::npos) << refused.message();
}

}  // namespace
}  // namespace augstore

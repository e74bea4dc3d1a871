#include "schemas/weights/safetensors.h"

#include <gtest/gtest.h>

#include <random>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

// A file with the given header and as many zero bytes of data.
std::string File(std::string_view header, size_t data_bytes) {
  std::string bytes;
  for (size_t i = 0; i < 8; ++i) bytes += static_cast<char>((header.size() >> (8 * i)) & 255);
  return bytes.append(header) + std::string(data_bytes, '\0');
}

std::string Valid() {
  static const std::vector<uint8_t> data = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const std::span<const uint8_t> all = data;
  const std::vector<TensorView> tensors = {{"b", "F32", {1, 2}, all.first(8)},
                                           {"a", "U16", {2}, all.subspan(8)},
                                           {"empty", "F32", {0, 3}, {}},
                                           {"scalar", "U8", {}, all.first(1)}};
  return WriteSafetensors({{"format", "pt"}, {"note", "\"x\"\n"}}, tensors);
}

void ExpectRefused(std::string_view bytes, std::string_view part) {
  const auto view = ParseSafetensors(bytes);
  ASSERT_FALSE(view.ok()) << part;
  EXPECT_EQ(view.status().code(), Code::kInvalidArgument);
  EXPECT_NE(view.status().message().find(part), std::string::npos) << view.status().message();
}

TEST(ParseSafetensors, ReadsWhatWasWritten) {
  const std::string bytes = Valid();
  const auto view = ParseSafetensors(bytes);
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  EXPECT_EQ(view->metadata.at("note"), "\"x\"\n");
  ASSERT_EQ(view->tensors.size(), 4U);
  EXPECT_EQ(view->tensors[0].name, "a");
  EXPECT_EQ(view->tensors[0].dtype, "U16");
  EXPECT_EQ(view->tensors[0].data[0], 9);
  EXPECT_EQ(view->tensors[1].shape, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(view->tensors[1].data.size(), 8U);
  EXPECT_TRUE(view->tensors[2].data.empty());
  EXPECT_EQ(view->tensors[3].data.size(), 1U);
}

TEST(ParseSafetensors, PointsIntoTheBytes) {
  const std::string bytes = Valid();
  const auto view = ParseSafetensors(bytes);
  for (const TensorView& tensor : view->tensors) {
    const auto* begin = reinterpret_cast<const char*>(tensor.data.data());
    EXPECT_GE(begin, bytes.data());
    EXPECT_LE(begin + tensor.data.size(), bytes.data() + bytes.size());
  }
}

TEST(ParseSafetensors, ReadsAFileWithoutTensors) {
  EXPECT_TRUE(ParseSafetensors(File("{}", 0)).ok());
  EXPECT_TRUE(ParseSafetensors(File("{}      ", 0)).ok());
}

TEST(ParseSafetensors, RefusesEveryTruncation) {
  const std::string bytes = Valid();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseSafetensors(std::string(bytes, 0, size)).ok()) << size;
  }
}

TEST(ParseSafetensors, RefusesBytesBehindTheTensors) { ExpectRefused(Valid() + "x", "end at 13"); }

TEST(ParseSafetensors, SurvivesRandomDamage) {
  std::mt19937 random(1);
  const std::string valid = Valid();
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = valid;
    for (size_t flips = 1 + random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random() & 255);
    }
    const auto view = ParseSafetensors(bytes);
    if (view.ok()) continue;
    EXPECT_EQ(view.status().code(), Code::kInvalidArgument);
  }
}

TEST(ParseSafetensors, RefusesAHeaderLengthBeyondTheFileOrTheLimit) {
  ExpectRefused(std::string(8, '\xff'), "limit");
  ExpectRefused(File(std::string(kMaxSafetensorsHeaderBytes + 1, ' '), 0), "limit");
  std::string longer = File("{}", 0);
  longer[0] = 3;
  ExpectRefused(longer, "only 2 follow");
}

TEST(ParseSafetensors, RefusesAHeaderThatIsNoJsonObject) {
  ExpectRefused(File("", 0), "begin");
  ExpectRefused(File(" {}", 0), "begin");
  ExpectRefused(File("[]", 0), "begin");
  ExpectRefused(File("{", 0), "not JSON");
  ExpectRefused(File("{} x", 0), "not JSON");
  ExpectRefused(File("{\"\xff\":1}", 0), "not JSON");
  ExpectRefused(File("{\"a\":1}", 0), "dtype, shape and data_offsets");
}

TEST(ParseSafetensors, RefusesDeepNesting) {
  const std::string open(100000, '[');
  ExpectRefused(File("{\"a\":" + open + std::string(100000, ']') + "}", 0), "nested");
  std::string objects;
  for (int i = 0; i < 10000; ++i) objects += "{\"a\":";
  ExpectRefused(File(objects + "1" + std::string(10000, '}'), 0), "nested");
  ExpectRefused(File("{\"a\":" + open, 0), "not JSON");
}

TEST(ParseSafetensors, RefusesDuplicateKeys) {
  const std::string a = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  EXPECT_TRUE(ParseSafetensors(File("{" + a + "}", 1)).ok());
  ExpectRefused(File("{" + a + "," + a + "}", 1), "'a' twice");
  ExpectRefused(File(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
                "'dtype' twice");
  ExpectRefused(File(R"({"__metadata__":{"k":"1","k":"2"}})", 0), "'k' twice");
}

TEST(ParseSafetensors, RefusesMetadataThatIsNoText) {
  ExpectRefused(File(R"({"__metadata__":[]})", 0), "not an object");
  ExpectRefused(File(R"({"__metadata__":{"k":1}})", 0), "'k'");
}

TEST(ParseSafetensors, RefusesMalformedTensors) {
  const auto tensor = [](std::string_view entry) {
    return File(fmt::format(R"({{"t":{}}})", entry), 4);
  };
  EXPECT_TRUE(ParseSafetensors(tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})")).ok());
  for (const char* entry :
       {R"({"dtype":"F33","shape":[1],"data_offsets":[0,4]})",
        R"({"dtype":4,"shape":[1],"data_offsets":[0,4]})", R"({"shape":[1],"data_offsets":[0,4]})",
        R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1})",
        R"({"dtype":"F32","shape":1,"data_offsets":[0,4]})",
        R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})",
        R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})",
        R"({"dtype":"F32","shape":["1"],"data_offsets":[0,4]})",
        R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})",
        R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,4]})",
        R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})",
        R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})",
        R"({"dtype":"F32","shape":[1],"data_offsets":[-4,0]})",
        R"({"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551616]})",
        R"({"dtype":"U8","shape":[3],"data_offsets":[0,3]})",
        R"({"dtype":"U8","shape":[3],"data_offsets":[1,4]})"}) {
    ExpectRefused(tensor(entry), "");
  }
}

TEST(ParseSafetensors, RefusesSizesThatOverflow) {
  // 2^62 elements of 4 bytes wrap around to 0, and 2^62 + 1 to 4.
  ExpectRefused(
      File(R"({"t":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0),
      "overflows");
  ExpectRefused(
      File(R"({"t":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})", 4),
      "overflows");
  ExpectRefused(
      File(R"({"t":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0),
      "overflows");
}

TEST(ParseSafetensors, RefusesOverlapsAndHoles) {
  const auto two = [](int begin_b, int end_b) {
    return fmt::format(R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":[0,4]}},)"
                       R"("b":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}}}})",
                       end_b - begin_b, begin_b, end_b);
  };
  EXPECT_TRUE(ParseSafetensors(File(two(4, 8), 8)).ok());
  ExpectRefused(File(two(3, 8), 8), "overlap");
  ExpectRefused(File(two(0, 4), 4), "overlap");
  ExpectRefused(File(two(5, 8), 8), "hole");
  ExpectRefused(File(two(4, 7), 8), "end at 7");
}

TEST(ParseSafetensors, KeepsItsMessagesShort) {
  const std::string name(100000, 'n');
  const auto view = ParseSafetensors(
      File("{\"" + name + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 0));
  ASSERT_FALSE(view.ok());
  EXPECT_LT(view.status().message().size(), 1000U);
  EXPECT_LT(ParseSafetensors(File("{\"" + name, 0)).status().message().size(), 1000U);
}

TEST(WriteSafetensors, IsCanonical) {
  const std::vector<uint8_t> data = {1, 2};
  const std::vector<TensorView> tensors = {{"t", "U8", {2}, data}};
  const std::string header =
      R"({"__metadata__":{"a":"1","b":"2"},"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
  std::string padded = header;
  while (padded.size() % 8 != 0) padded += ' ';
  EXPECT_EQ(WriteSafetensors({{"b", "2"}, {"a", "1"}}, tensors), File(padded, 0) + "\x01\x02");
}

TEST(WriteSafetensors, ReplacesBytesThatAreNoUtf8) {
  const std::string bytes = WriteSafetensors({{"k", "\xff"}}, {});
  EXPECT_EQ(ParseSafetensors(bytes)->metadata.at("k"), "\xef\xbf\xbd");
}

}  // namespace
}  // namespace augstore

#include "schemas/records/fields.h"

#include <gtest/gtest.h>

#include "schemas/records_generated.h"
#include "tests/schemas/records/record_samples.h"

namespace augstore {
namespace {

// Structs whose lists name what table CardMeasure { name:string; value:double; } has, or not.
struct Right {
  std::string name;
  double value = 0;
};
struct OtherType {
  std::string name;
  uint64_t value = 0;
};
struct OtherOrder {
  double value = 0;
  std::string name;
};
struct TooFew {
  std::string name;
};

}  // namespace

namespace codec {

AUGSTORE_FIELDS(Right, fb::records::CardMeasure, AtMost(m.name, 5), m.value);
AUGSTORE_FIELDS(OtherType, fb::records::CardMeasure, AtMost(m.name, 5), m.value);
AUGSTORE_FIELDS(OtherOrder, fb::records::CardMeasure, m.value, AtMost(m.name, 5));
AUGSTORE_FIELDS(TooFew, fb::records::CardMeasure, AtMost(m.name, 5));

}  // namespace codec

namespace {

template <typename M>
SharedBytes Write(const M& m) {
  codec::Builder b;
  return b.Seal(codec::WriteTable(b, m));
}

template <typename M>
Status Read(const SharedBytes& body, M* m) {
  codec::Reader in("Measure", body);
  return codec::ReadRoot(in, m);
}

TEST(Fields, AreTheBytesOfTheGeneratedFunctions) {
  codec::Builder b;
  const auto name = b.PutText("g");
  const SharedBytes expected = b.Seal(fb::records::CreateCardMeasure(b, name, -0.5));
  EXPECT_EQ(Write(Right{"g", -0.5}).text(), expected.text());
}

TEST(Fields, ComeBack) {
  Right back;
  ASSERT_TRUE(Read(Write(Right{"g", -0.5}), &back).ok());
  EXPECT_EQ(back.name, "g");
  EXPECT_EQ(back.value, -0.5);
}

TEST(Fields, OverTheirLimitAreRefusedByName) {
  Right back;
  EXPECT_EQ(Read(Write(Right{"longer", 0}), &back).ToString(),
            "InvalidArgument: Measure.name has the length or value 6, the limit is 5");
}

TEST(Fields, OfNestedTablesAreNamedByTheirPath) {
  TransformRecord record = samples::Transform();
  record.card.candidates[1].family = std::string(kMaxNameBytes + 1, 'x');
  const Status status = Decode<TransformRecord>(Encode(record)).status();
  EXPECT_TRUE(status.message().starts_with("transform record.card.candidates.family has"))
      << status.ToString();
}

TEST(FieldsDeathTest, OtherThanTheSchemasEndTheProgram) {
  EXPECT_DEATH(Write(OtherType{}), "types");
  EXPECT_DEATH(Write(OtherOrder{}), "types");
  EXPECT_DEATH(Write(TooFew{}), "next_ == size");
}

}  // namespace
}  // namespace augstore

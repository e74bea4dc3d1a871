#include "schemas/weights/npy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "schemas/base/limits.h"
#include "tests/support/temp_dir.h"

namespace augstore {
namespace {

// A .npy file of version 1 with the given dict, unpadded.
std::string File(std::string_view dict, std::string_view data) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(dict.size() & 255);
  bytes += static_cast<char>(dict.size() >> 8);
  return bytes.append(dict).append(data);
}

std::string Dict(std::string_view descr, std::string_view shape) {
  return fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}\n", descr, shape);
}

template <typename T>
std::string Raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

Result<Matrix> LoadMatrix(std::string_view bytes) {
  const TempDir folder;
  return ReadNpyMatrix(folder.Write("x.npy", bytes));
}

Result<std::vector<int64_t>> LoadIntegers(std::string_view bytes) {
  const TempDir folder;
  return ReadNpyIntegers(folder.Write("x.npy", bytes));
}

template <typename T>
void ExpectRefused(const Result<T>& result, std::string_view part) {
  ASSERT_FALSE(result.ok()) << part;
  EXPECT_EQ(result.status().code(), Code::kInvalidArgument);
  EXPECT_NE(result.status().message().find(part), std::string::npos) << result.status().message();
  EXPECT_NE(result.status().message().find("x.npy"), std::string::npos);
}

TEST(WriteNpyMatrix, WritesTheHeaderThatNumpyWrites) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const std::string bytes = WriteNpyMatrix({values.data(), 2, 3});
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  expected.resize(127, ' ');
  expected += '\n';
  EXPECT_EQ(bytes, expected + Raw(values));
}

TEST(WriteNpyIntegers, WritesTheHeaderThatNumpyWrites) {
  const std::vector<int64_t> values = {-1, 5};
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }";
  expected.resize(127, ' ');
  expected += '\n';
  EXPECT_EQ(WriteNpyIntegers(values), expected + Raw(values));
}

TEST(ReadNpyMatrix, ReadsWhatWasWritten) {
  for (size_t rows : {size_t{0}, size_t{1}, size_t{300}}) {
    Matrix matrix(rows, 1000);
    for (size_t i = 0; i < rows * 1000; ++i) matrix.data()[i] = static_cast<float>(i) * 0.25F;
    const auto read = LoadMatrix(WriteNpyMatrix(matrix.view()));
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    ASSERT_EQ(read->rows(), rows);
    ASSERT_EQ(read->cols(), 1000U);
    EXPECT_EQ(std::memcmp(read->data(), matrix.data(), rows * 1000 * sizeof(float)), 0);
  }
}

TEST(ReadNpyMatrix, ConvertsDoubles) {
  std::vector<double> values(200000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i) / 3;
  const auto read = LoadMatrix(File(Dict("<f8", "(100, 2000)"), Raw(values)));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(read->data()[i], static_cast<float>(values[i]));
  }
}

TEST(ReadNpyMatrix, RefusesDoublesThatAFloatCannotHold) {
  ExpectRefused(LoadMatrix(File(Dict("<f8", "(1, 2)"), Raw<double>({1, 1e300}))), "element 1");
}

TEST(ReadNpyMatrix, ConvertsHalves) {
  const std::vector<uint16_t> halves = {0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0400,
                                        0x0001, 0x3555, 0x7c00, 0xfc00, 0x7e00};
  const auto read = LoadMatrix(File(Dict("<f2", "(1, 11)"), Raw(halves)));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  const std::vector<float> expected = {0.0F,     -0.0F,          1.0F,           -2.0F,
                                       65504.0F, 6.10351562e-5F, 5.96046448e-8F, 0.333251953F,
                                       INFINITY, -INFINITY};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(read->data()[i], expected[i]) << i;
  EXPECT_TRUE(std::signbit(read->data()[1]));
  EXPECT_TRUE(std::isnan(read->data()[10]));
}

TEST(ReadNpyMatrix, ReadsVersionsTwoAndThree) {
  const std::string dict = Dict("<f4", "(1, 1)");
  for (char version : {'\x02', '\x03'}) {
    std::string bytes("\x93NUMPY", 6);
    bytes += {version, '\0', static_cast<char>(dict.size()), '\0', '\0', '\0'};
    const auto read = LoadMatrix(bytes + dict + Raw<float>({7}));
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(read->data()[0], 7.0F);
  }
}

TEST(ReadNpyMatrix, ReadsHeadersInAnyLayout) {
  for (const char* dict :
       {"{\"shape\":(1,1),\"descr\":\"<f4\",\"fortran_order\":False}",
        " { 'fortran_order' : False , 'shape' : ( 1 , 1 , ) , 'descr' : '<f4' }  \n"}) {
    EXPECT_TRUE(LoadMatrix(File(dict, Raw<float>({7}))).ok()) << dict;
  }
}

TEST(ReadNpyMatrix, RefusesDamagedHeaders) {
  for (const char* dict :
       {"", "{", "}", "{}", "x", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, -1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 18446744073709551616)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (1, 1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)} x"}) {
    ExpectRefused(LoadMatrix(File(dict, Raw<float>({7}))), "header");
  }
}

TEST(ReadNpyMatrix, RefusesOtherOrdersAndDtypesWithARemedy) {
  ExpectRefused(LoadMatrix(File("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }",
                                Raw<float>({7}))),
                "ascontiguousarray");
  ExpectRefused(LoadMatrix(File(Dict(">f4", "(1, 1)"), Raw<float>({7}))), "astype('<f4')");
  ExpectRefused(LoadMatrix(File(Dict("<i4", "(1, 1)"), Raw<int32_t>({7}))), "astype('<f4')");
  ExpectRefused(LoadMatrix(File(Dict("|O", "(1, 1)"), "12345678")), "'|O'");
}

TEST(ReadNpyMatrix, RefusesOtherShapes) {
  for (const char* shape :
       {"()", "(1,)", "(1, 1, 1)", "(1, 0)", "(1152921504606846976, 0)", "(0, 65537)"}) {
    ExpectRefused(LoadMatrix(File(Dict("<f4", shape), "")), "columns");
  }
}

TEST(ReadNpyMatrix, ChecksTheFilesSizeBeforeItAllocates) {
  ExpectRefused(LoadMatrix(File(Dict("<f4", "(1000000000000, 65536)"), "1234")), "truncated");
  ExpectRefused(LoadMatrix(File(Dict("<f4", "(70368744177664, 65536)"), "")), "overflows");
  ExpectRefused(LoadMatrix(File(Dict("<f4", "(18446744073709551615, 65536)"), "")), "overflows");
  ExpectRefused(LoadMatrix(File(Dict("<f4", "(1, 1)"), "12345")), "longer");
}

TEST(ReadNpyMatrix, RefusesAHeaderThatIsTooLong) {
  std::string bytes("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12);
  ExpectRefused(LoadMatrix(bytes), "4294967295");
}

TEST(ReadNpyMatrix, RefusesOtherFiles) {
  ExpectRefused(LoadMatrix("PK\x03\x04 a zip file, as .npz is"), "numpy.save");
  ExpectRefused(LoadMatrix(std::string("\x93NUMPY\x04\x00", 8)), "version 4");
  const TempDir folder;
  EXPECT_EQ(ReadNpyMatrix(folder.path()).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(ReadNpyMatrix(folder.path() + "/missing").status().code(), Code::kNotFound);
}

TEST(ReadNpyMatrix, RefusesEveryTruncation) {
  const std::vector<float> values = {1, 2, 3, 4};
  const std::string bytes = WriteNpyMatrix({values.data(), 2, 2});
  const TempDir folder;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto read = ReadNpyMatrix(folder.Write("x.npy", bytes.substr(0, size)));
    ExpectRefused(read, "");
  }
}

TEST(ReadNpyMatrix, SurvivesRandomDamage) {
  std::mt19937 random(4);
  const std::vector<float> values = {1, 2, 3, 4};
  const std::string valid = WriteNpyMatrix({values.data(), 2, 2});
  const TempDir folder;
  for (int i = 0; i < 400; ++i) {
    std::string bytes = valid;
    bytes[random() % 75] = static_cast<char>(random() & 255);
    const auto read = ReadNpyMatrix(folder.Write("x.npy", bytes));
    EXPECT_TRUE(!read.ok() || read->rows() * read->cols() <= 8);
  }
}

TEST(ReadNpyIntegers, ReadsEveryType) {
  const auto expect = [](const std::string& bytes, const std::vector<int64_t>& expected) {
    const auto read = LoadIntegers(bytes);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(*read, expected);
  };
  expect(File(Dict("|i1", "(2,)"), Raw<int8_t>({-128, 127})), {-128, 127});
  expect(File(Dict("|u1", "(2,)"), Raw<uint8_t>({0, 255})), {0, 255});
  expect(File(Dict("<i2", "(2,)"), Raw<int16_t>({-32768, 1})), {-32768, 1});
  expect(File(Dict("<u2", "(2,)"), Raw<uint16_t>({65535, 1})), {65535, 1});
  expect(File(Dict("<i4", "(2,)"), Raw<int32_t>({INT32_MIN, 1})), {INT32_MIN, 1});
  expect(File(Dict("<u4", "(2,)"), Raw<uint32_t>({UINT32_MAX, 1})), {UINT32_MAX, 1});
  expect(File(Dict("<i8", "(2,)"), Raw<int64_t>({INT64_MIN, INT64_MAX})), {INT64_MIN, INT64_MAX});
  expect(File(Dict("<i8", "(0,)"), ""), {});
}

TEST(ReadNpyIntegers, ReadsWhatWasWritten) {
  std::vector<int64_t> values(300000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(i) - 7;
  EXPECT_EQ(*LoadIntegers(WriteNpyIntegers(values)), values);
}

TEST(ReadNpyIntegers, RefusesOtherDtypesAndShapes) {
  for (const char* descr : {"<u8", "|b1", "<f4", "<f8", "", "<U3"}) {
    ExpectRefused(LoadIntegers(File(Dict(descr, "(1,)"), "12345678")), "astype('<i8')");
  }
  ExpectRefused(LoadIntegers(File(Dict(">i8", "(1,)"), "12345678")), "big-endian");
  ExpectRefused(LoadIntegers(File(Dict("<i8", "(1, 1)"), "12345678")), "2 dimensions");
  ExpectRefused(LoadIntegers(File(Dict("<i8", "()"), "12345678")), "0 dimensions");
}

TEST(ReadNpyIntegers, ChecksTheFilesSizeBeforeItAllocates) {
  ExpectRefused(LoadIntegers(File(Dict("<i8", "(1000000000000,)"), "12345678")), "truncated");
  ExpectRefused(LoadIntegers(File(Dict("<i8", "(2305843009213693953,)"), "12345678")), "overflows");
}

}  // namespace
}  // namespace augstore

// The example of client/README.md, compiled and run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "client/client.h"
#include "tests/support/places.h"
#include "tests/support/serving.h"

namespace augstore {
namespace {

// clang-format off
Status CountRows(const std::string& address) {
  AUGSTORE_ASSIGN(const auto client, Client::Connect(address));
  AUGSTORE_ASSIGN(const auto stream, client->OpenStream({.collection = "toy", .policy = "identity:1,double:1"}));
  size_t rows = 0;
  for (const Result<Batch>& batch : stream->Epoch(0)) {
    AUGSTORE_TRY(batch);
    rows += batch->size();  // batch->embeddings: size() x dim, batch->labels, batch->samples, batch->chains
  }
  fmt::print("{} rows of dimension {}\n", rows, stream->info().dim);
  return OkStatus();
}
// clang-format on

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ClientReadme, ShowsAnExampleThatRuns) {
  Serving serving;
  ::testing::internal::CaptureStdout();
  const Status status = CountRows(serving.tcp().ToString());
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "1000 rows of dimension 8\n");
}

TEST(ClientReadme, ShowsTheExampleThatIsTestedHere) {
  const std::string here = ReadText(SourcePath("tests/client/readme_test.cc"));
  const size_t begin = here.find("Status CountRows");
  const size_t end = here.find("// clang-format on", begin);
  EXPECT_THAT(ReadText(SourcePath("client/README.md")),
              ::testing::HasSubstr("```cpp\n" + here.substr(begin, end - begin) + "```\n"));
}

}  // namespace
}  // namespace augstore

// The main function of a test program. AUGSTORE_TEST_ROOM=head: only the tests of the sources in a
// folder of that name, so that a room can be tested without the others.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

// "Suite.Test:Suite.Other:…", of the tests whose sources are in `room`.
std::string TestsOf(const std::string& room) {
  std::string names;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const testing::TestInfo& test = *suite.GetTestInfo(j);
      if (std::string(test.file()).find("/" + room + "/") == std::string::npos) continue;
      names += std::string(suite.name()) + "." + test.name() + ":";
    }
  }
  return names;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (const char* const room = std::getenv("AUGSTORE_TEST_ROOM"); room != nullptr) {
    const std::string names = TestsOf(room);
    if (names.empty()) {
      std::fprintf(stderr, "no test's source is in a folder '%s'\n", room);
      return 2;
    }
    GTEST_FLAG_SET(filter, names);
  }
  return RUN_ALL_TESTS();
}

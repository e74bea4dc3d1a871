#include "tools/collection/phi_cost.h"

#include <gtest/gtest.h>

namespace augstore {
namespace {

TEST(PhiCostText, HasCallsAndTime) {
  EXPECT_EQ(PhiCostText({200, 1800, 15}),
            "200 images, at most 1800 Φ calls: about 2 min at the measured 15 images/s; views that "
            "are stored are not embedded again\n");
  EXPECT_NE(PhiCostText({10, 30, 1}).find("about 30 s"), std::string::npos);
  EXPECT_NE(PhiCostText({100000, 900000, 60}).find("about 4.2 h"), std::string::npos);
}

}  // namespace
}  // namespace augstore

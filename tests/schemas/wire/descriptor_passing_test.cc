#include "schemas/wire/descriptor_passing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <vector>

namespace augstore {
namespace {

class DescriptorPassingTest : public testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    here_ = Descriptor(pair[0]);
    there_ = Descriptor(pair[1]);
  }
  static ptrdiff_t OpenDescriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  }
  void SendMany(size_t count) {
    std::vector<int> fds(count, here_.get());
    std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
    char byte = 'x';
    iovec part{&byte, 1};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::copy(fds.begin(), fds.end(), reinterpret_cast<int*>(CMSG_DATA(header)));
    ASSERT_EQ(::sendmsg(here_.get(), &message, 0), 1);
  }
  Descriptor here_;
  Descriptor there_;
  std::array<uint8_t, 16> bytes_{};
  std::array<Descriptor, 2> fds_;
};

TEST_F(DescriptorPassingTest, TakesAPairOfFilesAlong) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Descriptor out(ends[0]);
  const Descriptor in(ends[1]);
  const std::array<uint8_t, 3> sent = {1, 2, 3};
  ASSERT_TRUE(SendWithDescriptors(here_.get(), sent, {in.get(), out.get()}).ok());
  ASSERT_EQ(ReceiveWithDescriptors(there_.get(), bytes_, &fds_), 3);
  EXPECT_EQ(bytes_[2], 3);
  ASSERT_EQ(::write(fds_[0].get(), "ping", 4), 4);
  ASSERT_EQ(::read(fds_[1].get(), bytes_.data(), 16), 4);
  EXPECT_EQ(bytes_[0], 'p');
}

TEST_F(DescriptorPassingTest, ReceivesBytesAlone) {
  ASSERT_EQ(::send(here_.get(), "abc", 3, 0), 3);
  ASSERT_EQ(ReceiveWithDescriptors(there_.get(), bytes_, &fds_), 3);
  EXPECT_EQ(fds_[0].get(), -1);
}

TEST_F(DescriptorPassingTest, KeepsNothingOfAnotherNumberOfFiles) {
  const ptrdiff_t before = OpenDescriptors();
  for (const size_t count : {1u, 3u, 9u}) {
    SendMany(count);
    ASSERT_EQ(ReceiveWithDescriptors(there_.get(), bytes_, &fds_), 1);
    EXPECT_EQ(OpenDescriptors(), before) << count;
  }
}

TEST_F(DescriptorPassingTest, SaysThatThePeerIsGone) {
  there_ = Descriptor();
  const std::array<uint8_t, 3> sent = {1, 2, 3};
  EXPECT_EQ(SendWithDescriptors(here_.get(), sent, {here_.get(), here_.get()}).code(),
            Code::kResourceExhausted);
}

}  // namespace
}  // namespace augstore

#include "server/metrics/stream_table.h"

#include <gtest/gtest.h>

#include <map>

namespace augstore {
namespace {

// Stands for the connection of a peer.
const void* Connection(const std::string& peer) {
  static std::map<std::string, char> connections;
  return &connections[peer];
}

StreamDescription OfPeer(const std::string& peer, uint32_t rank = 0) {
  StreamDescription description;
  description.connection = Connection(peer);
  description.who = "key k";
  description.peer = peer;
  description.collection = "photos@1";
  description.rank = rank;
  return description;
}

TEST(StreamTableTest, KnowsAStreamAgainOverItsRuns) {
  StreamTable table;
  const auto first = table.Join(OfPeer("tcp a:1"));
  first->rows += 10;
  EXPECT_EQ(table.Join(OfPeer("tcp a:1")), first);
  EXPECT_NE(table.Join(OfPeer("tcp a:2")), first) << "another connection";
  EXPECT_NE(table.Join(OfPeer("tcp a:1", 1)), first) << "another rank";
  StreamDescription other = OfPeer("tcp a:1");
  other.fingerprint.bytes[0] = 1;
  EXPECT_NE(table.Join(other), first) << "another stream";
  other = OfPeer("tcp a:1");
  other.who = "key l";
  EXPECT_NE(table.Join(other), first) << "another key that came from the same port";
  ASSERT_EQ(table.List().size(), 5u);
  EXPECT_EQ(table.List()[0]->rows, 10u);
}

TEST(StreamTableTest, TellsConnectionsOfOneProcessApart) {
  StreamTable table;
  StreamDescription first = OfPeer("unix pid 7");
  StreamDescription second = first;
  second.connection = Connection("another");
  const auto a = table.Join(first);
  EXPECT_NE(table.Join(second), a);
  EXPECT_EQ(table.Leave(second.connection).size(), 1u);
  EXPECT_FALSE(a->gone);
}

TEST(StreamTableTest, ListsNothingThatHasHadNoRunForLong) {
  StreamTable table;
  const auto past = StreamActivity::Clock::now() - 2 * StreamTable::kKept;
  const auto over = table.Join(OfPeer("tcp a:1"));
  over->last = past;
  --over->runs;
  table.Join(OfPeer("tcp a:2"))->last = past;  // and it has a run
  --table.Join(OfPeer("tcp a:3"))->runs;
  const auto known = table.List();
  ASSERT_EQ(known.size(), 2u);
  EXPECT_EQ(known[0]->of.peer, "tcp a:2");
  EXPECT_EQ(known[1]->of.peer, "tcp a:3");
  EXPECT_EQ(table.Leave(Connection("tcp a:1")).size(), 1u) << "and knows it until it leaves";
}

TEST(StreamTableTest, ForgetsTheStreamsOfAClosedConnectionOnceTheirRunsEnd) {
  StreamTable table;
  const auto stream = table.Join(OfPeer("tcp a:1"));
  const auto other = table.Join(OfPeer("tcp a:2"));
  EXPECT_EQ(table.Leave(Connection("tcp a:1")).size(), 1u);
  EXPECT_TRUE(table.Leave(Connection("tcp a:1")).empty()) << "it has left already";
  EXPECT_EQ(table.List().size(), 2u) << "a worker still makes a batch";
  --stream->runs;
  --other->runs;
  ASSERT_EQ(table.List().size(), 1u);
  EXPECT_EQ(table.List()[0], other);
  table.Leave(Connection("tcp a:2"));
  EXPECT_TRUE(table.List().empty());
}

TEST(StreamTableTest, CountsAWaitThatGoesOn) {
  using Wait = StreamActivity::Wait;
  StreamTable table;
  const auto stream = table.Join(OfPeer("tcp a:1"));
  const auto now = StreamActivity::Clock::now();
  EXPECT_EQ(stream->OpenSeconds(Wait::kServer, now), 0);
  stream->Begin(Wait::kClient, now);
  EXPECT_EQ(stream->OpenSeconds(Wait::kServer, now + std::chrono::seconds(3)), 0);
  EXPECT_EQ(stream->OpenSeconds(Wait::kClient, now + std::chrono::seconds(3)), 3);
  stream->Begin(Wait::kNothing, now);
  EXPECT_EQ(stream->OpenSeconds(Wait::kClient, now + std::chrono::seconds(3)), 0);
}

TEST(StreamTableTest, ListsNoMoreThanItsLimitHoweverManyThereAre) {
  StreamTable table;
  std::vector<std::shared_ptr<StreamActivity>> held;
  for (size_t i = 0; i < StreamTable::kMost; ++i) {
    held.push_back(table.Join(OfPeer("tcp a:" + std::to_string(i))));
    if (i == 0) --held.back()->runs;
  }
  const auto next = table.Join(OfPeer("tcp b:1"));
  EXPECT_EQ(table.List().size(), StreamTable::kMost);
  EXPECT_NE(table.List()[0], held[0]) << "the one without a run made room";
  const auto unlisted = table.Join(OfPeer("tcp b:2"));
  ASSERT_NE(unlisted, nullptr);
  EXPECT_EQ(table.List().size(), StreamTable::kMost);
  EXPECT_EQ(table.List().back(), next);
}

}  // namespace
}  // namespace augstore

// Prints how many rows one epoch of a collection has: reader ADDRESS COLLECTION. Every header of
// the client that is installed is included, so that each must be there with what it includes.
#include <client/batch_stream.h>
#include <client/channel.h>
#include <client/client.h>
#include <client/exchange.h>
#include <client/greeting.h>
#include <client/key_source.h>
#include <client/retry.h>
#include <client/socket_channel.h>

#include <cstdio>

using augstore::Batch;
using augstore::Client;
using augstore::Result;
using augstore::Status;

static Status CountRows(const char* address, const char* collection) {
  AUGSTORE_ASSIGN(const auto client, Client::Connect(address));
  AUGSTORE_ASSIGN(const auto stream, client->OpenStream({.collection = collection}));
  size_t rows = 0;
  double sum = 0;
  for (const Result<Batch>& batch : stream->Epoch(0)) {
    AUGSTORE_TRY(batch);
    rows += batch->size();
    for (size_t i = 0; i < batch->size() * batch->embeddings.cols; ++i)
      sum += batch->embeddings.data[i];
  }
  std::printf("%zu rows of dimension %u, sum %.0f\n", rows, stream->info().dim, sum);
  return augstore::OkStatus();
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const Status status = CountRows(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}

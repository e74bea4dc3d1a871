#include "engine/streams/stream_batch.h"

#include <algorithm>
#include <vector>

#include "engine/math/counter_rng.h"
#include "engine/streams/chain_rows.h"
#include "engine/streams/shuffle_order.h"
#include "engine/streams/view_choice.h"
#include "schemas/wire/batch.h"

namespace augstore {
namespace {

// The rows of one batch, in its order.
struct Plan {
  std::vector<uint64_t> entries;  // indices into the sample table
  std::vector<size_t> begins;     // of each chain, and the end
};

Plan PlanBatch(const Stream& stream, uint64_t epoch, uint64_t begin, size_t count) {
  const SampleTable& table = *stream.table;
  const StreamSpec& spec = stream.info.spec;
  ShuffleOrder order(table.samples.size(), spec.seed, epoch, spec.shuffle_window);
  std::vector<uint64_t> entries(count);
  std::vector<uint16_t> chains(count);
  Plan plan;
  plan.begins.assign(stream.chains.size() + 1, 0);
  for (size_t i = 0; i < count; ++i) {
    entries[i] = spec.shuffle ? order.At(begin + i) : begin + i;
    chains[i] = DrawChain(stream, epoch, table.samples[entries[i]]);
    ++plan.begins[chains[i] + 1u];
  }
  for (size_t c = 1; c < plan.begins.size(); ++c) plan.begins[c] += plan.begins[c - 1];
  std::vector<size_t> next(plan.begins.begin(), plan.begins.end() - 1);
  plan.entries.resize(count);
  for (size_t i = 0; i < count; ++i) plan.entries[next[chains[i]]++] = entries[i];
  return plan;
}

// Rows [first, first + rows.size()) of the batch, which one chain makes.
Status FillGroup(const Stream& stream, const ResolvedChain& chain, std::span<const RowId> rows,
                 const RowKeys& keys, Store& store, Engine& engine,
                 const Cancellation& cancellation, size_t first, BatchWriter* writer,
                 BatchTimes* times) {
  if (rows.empty()) return OkStatus();
  const SampleTable& table = *stream.table;
  const Dtype dtype = stream.info.spec.dtype;
  if (chain.steps.empty() && dtype == table.dtype && dtype != Dtype::kF32) {
    const BatchTimes::Lap lap(times, &BatchTimes::store);
    return store.ReadStoredRows(table.space, rows, writer->TakeRows(first, rows.size()),
                                cancellation);
  }
  const MatrixView out = writer->embeddings().Slice(first, rows.size());
  return ReadThroughChain(store, engine, chain.steps, {table.space, rows, keys}, cancellation, out,
                          times)
      .WithContext("chain " + chain.text);
}

}  // namespace

uint16_t DrawChain(const Stream& stream, uint64_t epoch, SampleId sample) {
  const size_t last = stream.chains.size() - 1;
  if (last == 0) return 0;
  const uint64_t draw = PhiloxU64(stream.info.spec.seed, RngUse::kChain, epoch, sample);
  size_t chain = 0;
  while (chain < last && draw >= stream.chains[chain].threshold) ++chain;
  return static_cast<uint16_t>(chain);
}

Result<SharedBytes> BuildBatch(const Stream& stream, uint64_t epoch, uint64_t step, Store& store,
                               Engine& engine, const Cancellation& cancellation,
                               BatchTimes* times) {
  const StreamSpec& spec = stream.info.spec;
  if (step >= stream.info.steps) {
    return InvalidArgument("step {} is past the end: rank {} of {} has {} steps in an epoch of {}",
                           step, spec.rank, spec.world_size, stream.info.steps, spec.collection);
  }
  const SampleTable& table = *stream.table;
  const uint64_t begin = (step * spec.world_size + spec.rank) * spec.batch_size;
  const size_t count = std::min<uint64_t>(spec.batch_size, table.samples.size() - begin);
  const Plan plan = PlanBatch(stream, epoch, begin, count);
  BatchWriter writer(count, table.dim, spec.dtype);
  std::vector<RowId> rows(count);
  for (size_t i = 0; i < count; ++i) {
    writer.samples()[i] = table.samples[plan.entries[i]];
    writer.labels()[i] = table.labels[plan.entries[i]];
  }
  for (size_t c = 0; c < stream.chains.size(); ++c) {
    const size_t first = plan.begins[c];
    const size_t size = plan.begins[c + 1] - first;
    std::fill_n(writer.chains().begin() + static_cast<std::ptrdiff_t>(first), size,
                static_cast<uint16_t>(c));
    for (size_t i = first; i < first + size; ++i) {
      rows[i] = DrawRow(table, stream.chains[c].views, spec.seed, epoch, plan.entries[i]);
    }
    const RowKeys keys{spec.seed, epoch, writer.samples().subspan(first, size)};
    AUGSTORE_TRY(FillGroup(stream, stream.chains[c], std::span(rows).subspan(first, size), keys,
                           store, engine, cancellation, first, &writer, times));
  }
  return writer.Finish(epoch, step);
}

}  // namespace augstore

#include "tools/collection/collection_writer.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <span>

#include "schemas/base/limits.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

// The draft's class indices for the caller's: the draft may already have classes in another order.
Result<std::vector<int32_t>> MapClasses(const std::vector<std::string>& ours,
                                        const std::vector<std::string>& theirs) {
  std::map<std::string, int32_t> index;
  for (size_t i = 0; i < theirs.size(); ++i) index.emplace(theirs[i], static_cast<int32_t>(i));
  std::vector<int32_t> out;
  for (const std::string& name : ours) {
    const auto found = index.find(name);
    if (found == index.end())
      return Internal("class '{}' is missing from the draft's classes", name);
    out.push_back(found->second);
  }
  return out;
}

SampleChunk MakeChunk(std::span<const SampleToWrite> samples, const std::vector<int32_t>& classes) {
  SampleChunk chunk;
  std::map<std::string, uint16_t> splits;
  chunk.labels.resize(1);
  for (const SampleToWrite& sample : samples) {
    const auto [split, added] = splits.emplace(sample.split, static_cast<uint16_t>(splits.size()));
    if (added) chunk.split_names.push_back(sample.split);
    chunk.images.push_back(sample.image);
    chunk.splits.push_back(split->second);
    chunk.labels[0].push_back(sample.label < 0 ? -1 : classes[static_cast<size_t>(sample.label)]);
    chunk.keys.push_back(sample.key);
  }
  return chunk;
}

Status AppendAll(Client& client, const DraftReply& draft, const std::vector<int32_t>& classes,
                 std::span<const SampleToWrite> samples) {
  for (size_t begin = 0; begin < samples.size(); begin += kSampleChunkRows) {
    const auto part =
        samples.subspan(begin, std::min<size_t>(kSampleChunkRows, samples.size() - begin));
    AppendSamplesRequest request{.draft = draft.draft, .samples = MakeChunk(part, classes)};
    AUGSTORE_TRY(client.Call<EndReply>(request));
  }
  return OkStatus();
}

Status Fill(Client& client, const BeginDraftRequest& begin, const DraftReply& draft,
            const std::vector<SampleToWrite>& samples) {
  AUGSTORE_ASSIGN(const std::vector<int32_t> classes,
                  MapClasses(begin.labels[0].classes, draft.labels[0].classes));
  return AppendAll(client, draft, classes, samples);
}

Result<RecordReply> FillAndCommit(Client& client, const BeginDraftRequest& begin,
                                  const DraftReply& draft,
                                  const std::vector<SampleToWrite>& samples,
                                  const std::function<void(const DraftChanges&)>& before_commit,
                                  bool show, DraftChanges* changes) {
  AUGSTORE_TRY(Fill(client, begin, draft, samples));
  Progress progress("commit", "chunks", 0, show);
  const auto tell = [&](const DraftProgressReply& step) {
    progress.Update(step.done, fmt::format("{} of {} chunks", step.phase, step.total));
  };
  AUGSTORE_ASSIGN(*changes,
                  client.CallInSteps<DraftChangesReply>(CompareDraftRequest{draft.draft}, tell));
  if (before_commit) before_commit(*changes);
  return client.CallInSteps<RecordReply>(CommitDraftRequest{draft.draft, samples.size()}, tell);
}

}  // namespace

Result<WrittenCollection> WriteCollection(
    Client& client, const BeginDraftRequest& begin, const std::vector<SampleToWrite>& samples,
    const std::function<void(const DraftChanges&)>& before_commit, bool show) {
  uint32_t latest = 0;
  const auto before = client.Get<CollectionRecord>(begin.collection);
  if (before.ok()) latest = before->version;
  if (before.ok() && begin.start_empty && !before->record.views.empty()) {
    fmt::print(stderr,
               "warning: {} has stored views, and a version that starts empty has none: `augstore "
               "view add` adds them again, those that are stored without Φ\n",
               before->ref());
  }

  AUGSTORE_ASSIGN(const DraftReply draft, client.Call<DraftReply>(begin));
  DraftChanges changes;
  const Result<RecordReply> committed =
      FillAndCommit(client, begin, draft, samples, before_commit, show, &changes);
  if (!committed.ok()) {
    // The first error is the one to tell; a draft that cannot be aborted dies with the server.
    (void)client.Call<EndReply>(AbortDraftRequest{draft.draft});
    return committed.status();
  }
  const RecordReply& reply = *committed;
  AUGSTORE_ASSIGN(CollectionRecord record, Decode<CollectionRecord>(reply.record));
  return WrittenCollection{reply.name + "@" + std::to_string(reply.version), std::move(record),
                           reply.version == latest, std::move(changes)};
}

void WarnOfSharedRows(const std::string& collection, std::string_view things,
                      const DraftChanges& changes) {
  for (const SharedRows& shared : changes.shared) {
    const std::string conflicting =
        shared.conflicting == 0
            ? ""
            : fmt::format(" ({} of them with different labels)", shared.conflicting);
    if (shared.split == shared.other) {
      fmt::print(stderr,
                 "warning: {} {} of {} are in {} under several keys{}: they count several times in "
                 "training\n",
                 shared.rows, things, collection, shared.split, conflicting);
    } else {
      fmt::print(stderr,
                 "warning: {} {} of {} are both in {} and {}{}: accuracies on one after training "
                 "on the other are too high\n",
                 shared.rows, things, collection, shared.split, shared.other, conflicting);
    }
  }
}

Json ChangesJson(const DraftChanges& changes) {
  return {{"added", changes.added},
          {"replaced", changes.replaced},
          {"left", changes.left},
          {"refilled", changes.refilled}};
}

std::string ChangesText(const DraftChanges& changes) {
  std::string text = fmt::format("{} added, {} replaced, {} left as they were", changes.added,
                                 changes.replaced, changes.left);
  if (changes.refilled > 0) text += fmt::format(", {} stored anew", changes.refilled);
  return text;
}

Result<Dtype> StoredDtype(Client& client, const std::string& collection,
                          const std::optional<Dtype>& asked, bool start_empty) {
  const auto latest = client.Get<CollectionRecord>(collection);
  if (latest.status().code() == Code::kNotFound) return asked.value_or(Dtype::kF32);
  AUGSTORE_TRY(latest);
  const Dtype has = latest->record.dtype;
  if (start_empty || !asked.has_value() || *asked == has) return asked.value_or(has);
  return FailedPrecondition(
      "collection '{}' is stored in {}, not in {}: ask for the same dtype, or give --start-empty",
      latest->ref(), DtypeName(has), DtypeName(*asked));
}

void AddWriteFlags(Command* command, WriteFlags* flags) {
  command->AddFlag("--start-empty", &flags->start_empty,
                   "Start the new version empty instead of from the latest one");
  command->AddFlag("--replace-samples", &flags->replace_samples,
                   "Replace samples of the latest version that have the split and key of one of "
                   "these (default: refuse)");
}

}  // namespace augstore

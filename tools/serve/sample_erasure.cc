#include "tools/serve/sample_erasure.h"

#include "schemas/base/names.h"
#include "tools/cli/progress.h"

namespace augstore {
namespace {

Status CheckTarget(const ErasureTarget& target) {
  if (target.collection.empty() == target.image.empty()) {
    return InvalidArgument("name a collection with --key, or an image with --image: one of them");
  }
  if (target.collection.empty() != target.key.empty()) {
    return InvalidArgument("--key is the key of a sample of a collection: give both, or --image");
  }
  return OkStatus();
}

std::string RefOf(const DeletedRecord& record) {
  return Ref{record.name, record.version, ""}.ToString();
}

std::string Line(const DeletedRecord& record) {
  if (!record.alias.empty()) return fmt::format("  alias {} {}\n", record.alias, record.reason);
  return fmt::format("  {} {}{}\n", RecordKindName(record.kind), RefOf(record),
                     record.reason.empty() ? "" : " " + record.reason);
}

}  // namespace

void AddSampleFlags(Command* command, SampleFlags* flags) {
  command->AddFlag("collection", &flags->target.collection,
                   "Collection that has the sample: name, name@version or name@alias");
  command->AddFlag("--key", &flags->target.key, "Key of the sample, such as cat/001.png");
  command->AddFlag("--split", &flags->target.split,
                   "Its split (default: the one that has the key)");
  command->AddFlag("--image", &flags->target.image,
                   "In place of a collection: the image's content hash, 32 hexadecimal digits");
}

Result<ErasureStep> RunErasure(Client& client, const SampleFlags& flags) {
  AUGSTORE_TRY(CheckTarget(flags.target));
  EraseSampleRequest request{0, flags.target};
  EraseSampleReply reply;
  bool said = false;  // what ends this erasure if it is cut off
  Progress progress("search", "items", 0, !flags.common.quiet);
  do {
    AUGSTORE_ASSIGN(reply, client.Call<EraseSampleReply>(request));
    request.run = reply.run;
    if (!flags.target.preview && !said && !flags.common.quiet && !reply.step.image.empty()) {
      fmt::print(stderr, "image {}\n", reply.step.image);
      said = true;
    }
    progress.Update(reply.step.done, fmt::format("of {} {}", reply.step.total, reply.step.phase));
    if (Interrupted() && !reply.step.phase.empty()) {
      return InterruptedStatus("nothing was changed");
    }
  } while (!reply.step.phase.empty());
  return reply.step;
}

std::string ErasureText(const ErasureStep& step) {
  std::string text = fmt::format("image {}, {} embeddings, {} of augmented views\n", step.image,
                                 step.rows, step.views);
  for (const DeletedRecord& record : step.records) text += Line(record);
  if (step.records.empty()) text += "  in no collection\n";
  return text;
}

Json ErasureJson(const ErasureStep& step) {
  Json json = {{"image", step.image},          {"embeddings", step.rows},  {"views", step.views},
               {"collections", Json::array()}, {"aliases", Json::array()}, {"heads", Json::array()},
               {"applied", step.applied}};
  for (const DeletedRecord& record : step.records) {
    if (!record.alias.empty()) {
      json["aliases"].push_back({{"alias", record.alias}, {"ref", RefOf(record)}});
    } else {
      json[record.kind == RecordKind::kHead ? "heads" : "collections"].push_back(RefOf(record));
    }
  }
  return json;
}

}  // namespace augstore

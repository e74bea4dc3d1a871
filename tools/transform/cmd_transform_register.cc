// augstore transform register
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/images/image_ops.h"
#include "schemas/base/digest.h"
#include "schemas/base/files.h"
#include "schemas/base/limits.h"
#include "schemas/base/names.h"
#include "tools/cli/record_text.h"
#include "tools/transform/cmd_transform.h"
#include "tools/transform/transform_training.h"

namespace augstore {
namespace {

struct RegisterFlags {
  CommonFlags common;
  std::string name;
  std::string weights;
  std::string backbone;
  std::string backbone_digest;
  std::string op;
  std::string family = "custom";
};

// The digest that --backbone or --backbone-digest means.
Result<Digest> BackboneDigest(const RegisterFlags& flags, Client& client) {
  if (!flags.backbone_digest.empty()) {
    Result<Digest> digest = Digest::FromHex(flags.backbone_digest);
    if (!digest.ok()) return digest.status().WithContext("--backbone-digest");
    return digest;
  }
  // A path is no name, and a name without a file is surely meant as one.
  if (ParseRef(flags.backbone).ok()) {
    auto registered = client.Get<BackboneRecord>(flags.backbone);
    if (registered.ok()) return registered->record.digest;
    const bool absent = registered.status().code() == Code::kNotFound;
    std::error_code ignored;
    if (!absent || !std::filesystem::exists(flags.backbone, ignored)) return registered.status();
  }
  return Sha256File(flags.backbone);
}

Result<std::string> CanonicalOp(const std::string& text) {
  if (text.empty()) return text;
  Result<ImageOp> op = ImageOp::Parse(text);
  if (!op.ok()) {
    return InvalidArgument(
        "--op: {} (leave --op out for an augmentation that augstore cannot draw)",
        op.status().message());
  }
  return op->text();
}

Status Register(const RegisterFlags& flags) {
  if (flags.backbone.empty() == flags.backbone_digest.empty()) {
    return InvalidArgument(
        "say which backbone the transform belongs to: either --backbone (a registered name or a "
        "file) or --backbone-digest (64 hexadecimal digits)");
  }
  AUGSTORE_TRY(ValidateTransformName(flags.name));
  AUGSTORE_ASSIGN(const std::string op, CanonicalOp(flags.op));
  AUGSTORE_ASSIGN(const std::string bytes, ReadFile(flags.weights, kMaxWeightsBytes));
  Result<TransformWeights> weights = TransformWeights::FromSafetensors(bytes);
  if (!weights.ok()) return weights.status().WithContext(flags.weights);
  const std::string ops = weights->conditional() ? weights->ops : op;
  const std::string family = weights->conditional() ? "conditional" : flags.family;
  AUGSTORE_ASSIGN(const auto database, Database::Open(flags.common));
  Client& client = database->client();
  BackboneRecord backbone;
  backbone.dim = weights->dim();
  AUGSTORE_ASSIGN(backbone.digest, BackboneDigest(flags, client));
  AUGSTORE_ASSIGN(const auto registered, FindBackbone(client, backbone.digest));
  if (registered.has_value() && registered->record.normalised) weights->normalised = true;
  // Stored in the canonical form, so that equal weights have equal digests whoever wrote the file.
  AUGSTORE_ASSIGN(const auto added, RegisterTrained(client, flags.name, backbone, ops,
                                                    {family, *std::move(weights), {}}, {}));
  Emit(flags.common, TransformJson(added, {}),
       fmt::format("{}: {}, {} multiply-adds per row\n", added.ref(),
                   LayersText(added.record.layers), added.record.card.multiply_adds));
  return OkStatus();
}

void AddFlags(Command* command, RegisterFlags* flags) {
  command->AddFlag("--name", &flags->name, "Name of the transform").Required();
  command
      ->AddFlag("--weights", &flags->weights,
                "safetensors file: \"<i>.weight\" [out, in] and \"<i>.bias\" [out], as "
                "torch.nn.Sequential names them")
      .Required();
  command->AddFlag("--backbone", &flags->backbone, "Registered backbone, or its file");
  command->AddFlag("--backbone-digest", &flags->backbone_digest, "SHA-256 of the backbone's file");
  command->AddFlag("--op", &flags->op, "The augmentation that it imitates:\n" + ImageOp::Help());
  command->AddFlag("--family", &flags->family, "What kind of model it is");
}

}  // namespace

void AddTransformRegisterCommand(Command* group) {
  AddCommand<RegisterFlags>(group, "register", "Register weights that were trained elsewhere",
                            "augstore transform register --store DIR --name myop --weights "
                            "w.safetensors --backbone resnet",
                            AddFlags, Register);
}

}  // namespace augstore

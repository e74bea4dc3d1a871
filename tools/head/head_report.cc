#include "tools/head/head_report.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/heads/torch_head_script.h"
#include "schemas/base/files.h"
#include "tools/cli/progress.h"
#include "tools/cli/record_text.h"
#include "tools/cli/table.h"

namespace augstore {
namespace {

Json HeadMetricsJson(const HeadTrainFlags& flags, const TrainedHeads& trained, size_t h) {
  const HeadConfig& config = flags.trainer.heads[h];
  const bool tested = trained.tested();
  const HeadMetrics test = tested ? trained.report.tests[h][0] : HeadMetrics{};
  return {{"head", h},
          {"optimizer", trained.optimizers[h]},
          {"lr", config.learning_rate},
          {"weight_decay", config.weight_decay},
          {"seed", config.seed},
          {"test_accuracy", NumberOrNull(tested, test.accuracy)},
          {"test_loss", NumberOrNull(tested, test.loss)},
          {"train_loss", trained.report.train_loss[h]},
          {"ref", TextOrNull(trained.refs[h])}};
}

Json ReportJson(const HeadTrainFlags& flags, const TrainedHeads& trained) {
  Json heads = Json::array();
  for (size_t h = 0; h < trained.refs.size(); ++h)
    heads.push_back(HeadMetricsJson(flags, trained, h));
  const Json& best = heads[trained.best];
  const std::string& ref = trained.refs[trained.best];
  const HeadRunsReport& report = trained.report;
  Json version = nullptr;
  if (!ref.empty()) version = std::stoul(ref.substr(ref.rfind('@') + 1));
  return {
      {"name", flags.name},
      {"version", version},
      {"ref", best["ref"]},
      {"best", trained.best},
      {"arch", flags.trainer.arch},
      {"test_accuracy", best["test_accuracy"]},
      {"test_loss", best["test_loss"]},
      {"train_loss", best["train_loss"]},
      {"test_split", trained.tested() ? Json(trained.tests[0].name) : Json(nullptr)},
      {"heads", heads},
      {"samples", report.samples},
      {"seconds", report.seconds},
      {"samples_per_second", static_cast<double>(report.samples) / std::max(report.seconds, 1e-9)},
      {"policy", trained.stream.spec.policy},
      {"collection", trained.stream.spec.collection},
      {"fingerprint", trained.stream.fingerprint.Hex()}};
}

}  // namespace

size_t BestHead(const TrainedHeads& trained) {
  const HeadRunsReport& report = trained.report;
  size_t best = 0;
  for (size_t h = 1; h < report.heads.size(); ++h) {
    if (!trained.tested()) {
      if (report.train_loss[h] < report.train_loss[best]) best = h;
      continue;
    }
    const HeadMetrics& here = report.tests[h][0];
    const HeadMetrics& there = report.tests[best][0];
    if (here.accuracy > there.accuracy ||
        (here.accuracy == there.accuracy && here.loss < there.loss))
      best = h;
  }
  return best;
}

Status MetricsFile::Open(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Unavailable("--out: folder {} cannot be made: {}", folder, error.message());
  path_ = folder + "/metrics.jsonl";
  file_.open(path_, std::ios::trunc);
  return Check();
}

void MetricsFile::Add(const CurvePoint& point, const HeadConfig& config) {
  if (!file_.is_open()) return;
  const bool tested = !point.tests.empty();
  const HeadMetrics test = tested ? point.tests[0] : HeadMetrics{};
  const Json line = {{"head", point.head},
                     {"epoch", point.epoch},
                     {"train_loss", point.train_loss},
                     {"test_accuracy", NumberOrNull(tested, test.accuracy)},
                     {"test_loss", NumberOrNull(tested, test.loss)},
                     {"seconds", point.seconds},
                     {"lr", config.learning_rate},
                     {"weight_decay", config.weight_decay},
                     {"seed", config.seed}};
  file_ << line.dump() << '\n' << std::flush;
}

Status MetricsFile::Check() const {
  if (path_.empty() || file_.good()) return OkStatus();
  return Unavailable("{} cannot be written: check the folder's permissions and space", path_);
}

Status SaveHeads(const HeadRunsReport& report, const std::string& folder) {
  for (size_t h = 0; h < report.heads.size(); ++h) {
    const std::string stem =
        folder + (report.heads.size() == 1 ? std::string("/head") : fmt::format("/head-{}", h));
    AUGSTORE_TRY(WriteFileAtomically(stem + ".safetensors", report.heads[h].ToSafetensors()));
    AUGSTORE_TRY(SaveTorchScript(report.heads[h], stem + ".pt"));
  }
  return OkStatus();
}

void PrintHeadReport(const HeadTrainFlags& flags, const TrainedHeads& trained) {
  const HeadRunsReport& report = trained.report;
  const std::string text = fmt::format(
      "{} on {} {}, policy {}: {} samples in {:.1f} s, {} samples/s\n\n",
      trained.refs.size() == 1 ? "1 head" : fmt::format("{} heads", trained.refs.size()),
      trained.stream.spec.collection, trained.stream.spec.split, trained.stream.spec.policy,
      report.samples, report.seconds,
      HumanCount(static_cast<double>(report.samples) / std::max(report.seconds, 1e-9)));
  Table table({"", "head", "optimizer", "lr", "weight decay", "seed", "accuracy", "loss",
               "train loss", "registered"});
  for (size_t h = 0; h < trained.refs.size(); ++h) {
    const HeadConfig& config = flags.trainer.heads[h];
    const bool tested = trained.tested();
    table.Row({h == trained.best ? "best" : "", std::to_string(h), trained.optimizers[h],
               fmt::format("{:g}", config.learning_rate), fmt::format("{:g}", config.weight_decay),
               std::to_string(config.seed), tested ? Percent(report.tests[h][0].accuracy) : "-",
               tested ? Decimal(report.tests[h][0].loss) : "-", Decimal(report.train_loss[h]),
               trained.refs[h].empty() ? "-" : trained.refs[h]});
  }
  Emit(flags.common, ReportJson(flags, trained), text + table.ToString());
}

}  // namespace augstore

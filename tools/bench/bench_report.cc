#include "tools/bench/bench_report.h"

#include <cmath>
#include <fstream>

#include "tools/bench/bench_measure.h"
#include "tools/cli/progress.h"
#include "tools/cli/table.h"

namespace augstore {
namespace {

std::string CellText(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_integer()) return std::to_string(value.get<int64_t>());
  const double number = value.get<double>();
  if (std::abs(number) >= 1000) return HumanCount(number);
  return fmt::format("{:.3g}", number);
}

std::string CpuName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

Json BenchJson(const BenchFlags& flags, const BenchReport& report) {
  Json tables = Json::object();
  for (const BenchTable& table : report.tables) tables[table.name] = table.rows;
  Json targets = Json::array();
  for (const Target& target : report.targets) {
    targets.push_back({{"name", target.name},
                       {"value", target.value},
                       {"target", target.target},
                       {"direction", target.at_most ? "<=" : ">="},
                       {"met", target.met()}});
  }
  return {{"cpu", CpuName()},       {"cores", AllWorkers()},    {"quick", flags.quick},
          {"repeat", flags.repeat}, {"seconds", flags.seconds}, {"scale", flags.scale},
          {"dim", flags.dim},       {"tables", tables},         {"targets", targets}};
}

std::string TableText(const BenchTable& table) {
  std::vector<std::string> columns;
  for (const auto& [column, value] : table.rows.at(0).items()) columns.push_back(column);
  Table text(columns);
  for (const Json& values : table.rows) {
    std::vector<std::string> row;
    row.reserve(columns.size());
    for (const std::string& column : columns) row.push_back(CellText(values.at(column)));
    text.Row(std::move(row));
  }
  return table.name + ": " + table.legend + "\n\n" + text.ToString() + "\n";
}

std::string TargetsText(const std::vector<Target>& targets) {
  Table text({"target", "value", "", "wanted", "met"});
  for (const Target& target : targets) {
    text.Row({target.name, fmt::format("{:.3g}", target.value), target.at_most ? "<=" : ">=",
              fmt::format("{:g}", target.target), target.met() ? "yes" : "no"});
  }
  return text.ToString();
}

}  // namespace augstore

// What `augstore bench` prints.
#include <cmath>
#include <fstream>

#include "tools/bench/bench.h"
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
  for (const BenchTable& table : report.tables) {
    Json rows = Json::array();
    for (const std::vector<Json>& cells : table.rows) {
      Json row = Json::object();
      for (size_t c = 0; c < cells.size(); ++c) row[table.columns.at(c)] = cells[c];
      rows.push_back(std::move(row));
    }
    tables[table.name] = std::move(rows);
  }
  Json bars = Json::array();
  for (const Bar& bar : report.bars) {
    bars.push_back({{"name", bar.name},
                    {"value", bar.value},
                    {"bar", bar.bar},
                    {"direction", bar.at_most ? "<=" : ">="},
                    {"met", bar.met()}});
  }
  return {{"cpu", CpuName()},       {"cores", AllWorkers()},    {"quick", flags.quick},
          {"repeat", flags.repeat}, {"seconds", flags.seconds}, {"scale", flags.scale},
          {"dim", flags.dim},       {"tables", tables},         {"bars", bars}};
}

std::string TableText(const BenchTable& table) {
  Table text(table.columns);
  for (const std::vector<Json>& cells : table.rows) {
    std::vector<std::string> row;
    for (const Json& cell : cells) row.push_back(CellText(cell));
    text.Row(std::move(row));
  }
  return table.name + ": " + table.legend + "\n\n" + text.ToString() + "\n";
}

std::string BarsText(const std::vector<Bar>& bars) {
  Table text({"bar", "value", "", "wanted", "met"});
  for (const Bar& bar : bars) {
    text.Row({bar.name, fmt::format("{:.3g}", bar.value),
              bar.at_most ? "<=" : ">=", fmt::format("{:g}", bar.bar), bar.met() ? "yes" : "no"});
  }
  return text.ToString();
}

}  // namespace augstore

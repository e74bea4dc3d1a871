#include "tools/cli/table.h"

#include <algorithm>

#include "schemas/base/status.h"

namespace augstore {
namespace {

std::string Printable(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return text;
}

size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// "12", "-0.5", "1.2k", "93.1%": what should stand with its digits under one another.
bool LooksNumeric(const std::string& cell) {
  if (cell.empty() || cell == "-") return true;
  const size_t digit = cell[0] == '-' || cell[0] == '+' ? 1 : 0;
  if (digit >= cell.size() || cell[digit] < '0' || cell[digit] > '9') return false;
  const size_t end = cell.find_first_not_of("0123456789.e+-", digit);
  return end == std::string::npos ||
         (end + 1 == cell.size() && std::string("kMGT%x").find(cell[end]) != std::string::npos);
}

void AppendCell(const std::string& cell, size_t width, bool right, bool last, std::string* line) {
  const std::string padding(width - Width(cell), ' ');
  if (right) *line += padding;
  *line += cell;
  if (!right && !last) *line += padding;
  if (!last) *line += "  ";
}

}  // namespace

Table::Table(std::vector<std::string> headers) : headers_(std::move(headers)) {}

void Table::Row(std::vector<std::string> cells) {
  AUGSTORE_CHECK(cells.size() <= headers_.size());
  cells.resize(headers_.size());
  std::transform(cells.begin(), cells.end(), cells.begin(), Printable);
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const {
  const size_t columns = headers_.size();
  std::vector<size_t> widths(columns);
  std::vector<bool> right(columns, !rows_.empty());
  for (size_t c = 0; c < columns; ++c) {
    widths[c] = Width(headers_[c]);
    for (const auto& row : rows_) {
      widths[c] = std::max(widths[c], Width(row[c]));
      if (!LooksNumeric(row[c])) right[c] = false;
    }
  }
  std::string out;
  const auto append = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t c = 0; c < columns; ++c)
      AppendCell(row[c], widths[c], right[c], c + 1 == columns, &line);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  append(headers_);
  for (const auto& row : rows_) append(row);
  return out;
}

}  // namespace augstore

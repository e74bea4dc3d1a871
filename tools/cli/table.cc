#include "tools/cli/table.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "schemas/base/status.h"

namespace augstore {
namespace {

std::atomic<size_t> width_limit{0};

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

std::string Printable(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return text;
}

// "12", "-0.5", "1.2k", "93.1%": text whose digits belong under one another.
bool LooksNumeric(const std::string& cell) {
  if (cell.empty() || cell == "-") return true;
  const size_t digit = cell[0] == '-' || cell[0] == '+' ? 1 : 0;
  if (digit >= cell.size() || cell[digit] < '0' || cell[digit] > '9') return false;
  const size_t end = cell.find_first_not_of("0123456789.e+-", digit);
  return end == std::string::npos ||
         (end + 1 == cell.size() && std::string("kMGT%x").find(cell[end]) != std::string::npos);
}

// Narrows columns to at most `limit` characters in all. Returns how many columns are kept.
size_t Narrow(size_t limit, const std::vector<bool>& numeric, std::vector<size_t>* widths) {
  constexpr size_t kLeast = 8;  // characters of a clipped text that still tell something
  size_t columns = widths->size();
  size_t total = 0;
  for (const size_t width : *widths) total += width + 2;
  while (total > limit + 2 && columns > 1) {
    size_t widest = 0;  // the first column names the row: it stays whole
    for (size_t c = 1; c < columns; ++c) {
      const bool shrinks = !numeric[c] && (*widths)[c] > kLeast;
      if (shrinks && (widest == 0 || (*widths)[c] > (*widths)[widest])) widest = c;
    }
    if (widest != 0) {
      --(*widths)[widest];
      --total;
    } else {
      total -= (*widths)[--columns] + 2;
    }
  }
  return columns;
}

void AppendCell(const std::string& cell, size_t width, bool right, bool last, std::string* line) {
  const std::string padding(width - TextWidth(cell), ' ');
  if (right) *line += padding;
  *line += cell;
  if (!right && !last) *line += padding;
  if (!last) *line += "  ";
}

}  // namespace

void Table::LimitWidth(size_t width) { width_limit = width; }

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
    widths[c] = TextWidth(headers_[c]);
    for (const auto& row : rows_) {
      widths[c] = std::max(widths[c], TextWidth(row[c]));
      if (!LooksNumeric(row[c])) right[c] = false;
    }
  }
  const size_t shown = width_limit == 0 ? columns : Narrow(width_limit, right, &widths);
  std::string out;
  const auto append = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t c = 0; c < shown; ++c)
      AppendCell(ClipText(row[c], widths[c]), widths[c], right[c], c + 1 == shown, &line);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  append(headers_);
  for (const auto& row : rows_) append(row);
  if (shown < columns)
    out +=
        fmt::format("({} columns left out: widen the terminal, or use --json)\n", columns - shown);
  return out;
}

size_t TerminalWidth(int file) {
  if (::isatty(file) != 1) return 0;
  const char* columns = std::getenv("COLUMNS");
  if (columns != nullptr && std::atoi(columns) > 0) return static_cast<size_t>(std::atoi(columns));
  winsize size{};
  return ::ioctl(file, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

size_t TextWidth(const std::string& text) {
  return static_cast<size_t>(std::ranges::count_if(text, StartsCharacter));
}

std::string ClipText(const std::string& text, size_t width) {
  if (TextWidth(text) <= width) return text;
  size_t end = 0;
  for (size_t characters = 0; end < text.size(); ++end) {
    if (StartsCharacter(text[end]) && ++characters == width) break;
  }
  return text.substr(0, end) + "…";
}

std::string Table::ToMarkdown() const {
  std::string out;
  const auto append = [&out](const std::vector<std::string>& row) {
    out += fmt::format("| {} |\n", fmt::join(row, " | "));
  };
  append(headers_);
  out += "|";
  for (size_t c = 0; c < headers_.size(); ++c) out += "---|";
  out += "\n";
  for (const auto& row : rows_) append(row);
  return out;
}

}  // namespace augstore

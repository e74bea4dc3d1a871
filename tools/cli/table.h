// Aligned columns for people, who look at them in a terminal. Programs read --json instead.
#ifndef AUGSTORE_TOOLS_CLI_TABLE_H_
#define AUGSTORE_TOOLS_CLI_TABLE_H_

#include <string>
#include <vector>

namespace augstore {

class Table {
 public:
  explicit Table(std::vector<std::string> headers);
  // Cells that are missing at the end stay empty. REQUIRES: no more cells than headers.
  void Row(std::vector<std::string> cells);
  // One line per row below the headers, two spaces between columns. A column whose every cell is a
  // number (or empty, or "-") is aligned right. Widths count UTF-8 characters; control characters,
  // which a name from elsewhere could hold to move the cursor, become "?". A table that is wider
  // than the limit has its widest texts clipped, then columns left out from the right.
  std::string ToString() const;
  // The same cells as a Markdown table.
  std::string ToMarkdown() const;
  const std::vector<std::string>& headers() const { return headers_; }
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }
  // Limits the width of every table from now on, in characters; 0, as at the start: no limit.
  // main sets it to the terminal's.
  static void LimitWidth(size_t width);

 private:
  std::vector<std::string> headers_;
  std::vector<std::vector<std::string>> rows_;
};

// Columns of the terminal that `file` (a descriptor) is: COLUMNS of the environment, else what the
// terminal says; 0 when it is no terminal, or does not say.
size_t TerminalWidth(int file);
// Characters of UTF-8 text.
size_t TextWidth(const std::string& text);
// `text`, or its start with "…" at the end where it is wider. REQUIRES: width > 0.
std::string ClipText(const std::string& text, size_t width);

}  // namespace augstore

#endif  // AUGSTORE_TOOLS_CLI_TABLE_H_

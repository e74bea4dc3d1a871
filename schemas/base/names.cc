#include "schemas/base/names.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

#include "schemas/base/limits.h"

namespace augstore {
namespace {

constexpr std::string_view kIdentity = "identity";
constexpr std::string_view kViews = "views";
constexpr std::string_view kView = "view(";
constexpr size_t kMaxQuotedBytes = 200;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsWord(char c) { return IsLetter(c) || IsDigit(c) || c == '_'; }
bool IsNameRest(char c) { return IsWord(c) || c == '.' || c == '+' || c == '-'; }
bool IsOpArgument(char c) {
  return IsDigit(c) || IsBlank(c) || c == '.' || c == ',' || c == '+' || c == '-' || c == 'e';
}
bool IsAliasRest(char c) { return IsWord(c) || c == '.' || c == '-'; }

// What begins a chain without being a transform.
bool BeginsWithView(std::string_view name) { return name == kViews || name.starts_with(kView); }

// Bytes of the printable character at `position`; 0 when there is none: a control character, or
// bytes that are no UTF-8.
size_t PrintableBytes(std::string_view text, size_t position) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(position);
  if (first < 0x80) return first >= ' ' && first <= '~' ? 1 : 0;
  const size_t bytes = first >= 0xf8   ? 0
                       : first >= 0xf0 ? 4
                       : first >= 0xe0 ? 3
                       : first >= 0xc2 ? 2
                                       : 0;
  for (size_t i = 1; i < bytes; ++i)
    if ((byte(position + i) & 0xc0) != 0x80) return 0;
  return first == 0xc2 && byte(position + 1) < 0xa0 ? 0 : bytes;
}

// Text as a message shows it: short, and without bytes that would disturb a terminal or a log.
std::string Quote(std::string_view text) {
  const std::string_view shown = text.substr(0, kMaxQuotedBytes);
  std::string quoted = "'";
  for (size_t i = 0; i < shown.size();) {
    const size_t bytes = PrintableBytes(shown, i);
    quoted += bytes == 0 ? "?" : shown.substr(i, bytes);
    i += bytes == 0 ? 1 : bytes;
  }
  quoted += text.size() > kMaxQuotedBytes ? "...'" : "'";
  return quoted;
}

// A recursive-descent parser of one text; every method leaves the position after what it read.
class Parser {
 public:
  Parser(std::string_view kind, std::string_view text) : kind_(kind), text_(text) {}

  Status CheckSize() const {
    if (text_.size() <= kMaxTextBytes) return OkStatus();
    return InvalidArgument("{} has {} bytes: give at most {}", kind_, text_.size(), kMaxTextBytes);
  }

  Status Name(std::string* name) {
    const size_t begin = position_;
    if (!IsWord(Peek())) return Expected("a name (it begins with a letter, a digit or '_')");
    while (IsNameRest(Peek())) ++position_;
    if (Peek() == '(') {
      ++position_;
      while (IsNameRest(Peek()) || Peek() == ',') ++position_;
      if (Peek() != ')') return Expected("one of A-Z a-z 0-9 _ . , + - or the closing ')'");
      ++position_;
    }
    return Take(begin, name);
  }

  Status Alias(std::string* alias) {
    const size_t begin = position_;
    if (!IsLetter(Peek()) && Peek() != '_') {
      return Expected("a version (1, 2, ...) or an alias (it begins with a letter or '_')");
    }
    while (IsAliasRest(Peek())) ++position_;
    return Take(begin, alias);
  }

  Status ParseRef(Ref* ref) {
    SkipBlanks();
    const size_t begin = position_;
    AUGSTORE_TRY(Name(&ref->name));
    if (ref->name == kIdentity) {
      position_ = begin;
      return Expected("a name other than 'identity', which is a whole chain and has no version");
    }
    SkipBlanks();
    if (Peek() != '@') return OkStatus();
    ++position_;
    SkipBlanks();
    if (IsDigit(Peek())) {
      AUGSTORE_TRY(Version(&ref->version));
    } else {
      AUGSTORE_TRY(Alias(&ref->alias));
    }
    SkipBlanks();
    return OkStatus();
  }

  Status ParseStep(ChainStep* step) {
    SkipBlanks();
    const size_t begin = position_;
    AUGSTORE_TRY(ParseRef(&step->transform));
    if (BeginsWithView(step->transform.name)) {
      position_ = begin;
      return Expected(
          "a transform's name: 'views' and 'view(...)' begin a chain, and have no version");
    }
    if (Peek() == '[') AUGSTORE_TRY(Ops(']', &step->ops));
    if (Peek() == '~') {
      step->with_noise = true;
      ++position_;
      SkipBlanks();
    }
    return OkStatus();
  }

  Status ParseChain(ChainRef* chain) {
    if (TakeWord(kIdentity, ",:")) return OkStatus();
    AUGSTORE_TRY(ParseView(&chain->view));
    if (chain->view.has_value()) {
      if (Peek() != '>') return OkStatus();
      ++position_;
    }
    while (true) {
      if (chain->steps.size() == kMaxChainLength) {
        return Expected(
            fmt::format("the chain's end: a chain has at most {} transforms", kMaxChainLength));
      }
      AUGSTORE_TRY(ParseStep(&chain->steps.emplace_back()));
      if (Peek() != '>') return OkStatus();
      ++position_;
    }
  }

  Status ParsePolicy(PolicySpec* policy) {
    while (true) {
      if (policy->entries.size() == kMaxChains) {
        return Expected(
            fmt::format("the policy's end: a policy has at most {} chains", kMaxChains));
      }
      PolicyEntry& entry = policy->entries.emplace_back();
      AUGSTORE_TRY(ParseChain(&entry.chain));
      if (Peek() == ':') {
        ++position_;
        AUGSTORE_TRY(Weight(&entry.weight));
      }
      if (Peek() != ',') return OkStatus();
      ++position_;
    }
  }

  Status End(std::string_view otherwise) const {
    if (position_ == text_.size()) return OkStatus();
    return Expected(otherwise);
  }

 private:
  // NUL at the end: no token contains it.
  char Peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  void SkipBlanks() {
    while (IsBlank(Peek())) ++position_;
  }

  Status Expected(std::string_view what) const {
    const std::string found =
        position_ < text_.size()
            ? Quote(text_.substr(position_, std::max<size_t>(1, PrintableBytes(text_, position_))))
            : std::string("the end of the text");
    return InvalidArgument("{} {}: at position {} found {}, expected {}", kind_, Quote(text_),
                           position_, found, what);
  }

  Status Take(size_t begin, std::string* token) const {
    const size_t size = position_ - begin;
    if (size > kMaxNameBytes) {
      return InvalidArgument(
          "{} {}: the name or alias at position {} has {} bytes: give at most {}", kind_,
          Quote(text_), begin, size, kMaxNameBytes);
    }
    *token = text_.substr(begin, size);
    return OkStatus();
  }

  // 'views' or 'view(' ops ')', where the chain begins so.
  Status ParseView(std::optional<std::string>* view) {
    if (TakeWord(kViews, ",:>")) {
      view->emplace();
    } else if (text_.substr(position_).starts_with(kView)) {
      position_ += kView.size() - 1;
      AUGSTORE_TRY(Ops(')', &view->emplace()));
    }
    return OkStatus();
  }

  // Ops between an opening bracket and `close`; blanks inside are dropped.
  Status Ops(char close, std::string* ops) {
    do {
      ++position_;  // the bracket, or '>'
      if (!ops->empty()) *ops += '>';
      SkipBlanks();
      if (!IsWord(Peek())) return Expected("an op, such as hflip or rotate(-15..15)");
      while (IsWord(Peek())) *ops += text_[position_++];
      if (Peek() == '(') {
        *ops += text_[position_++];
        for (bool blank = false; IsOpArgument(Peek()); ++position_) {
          // "1 5" is not 15.
          if (blank && IsDigit(Peek()) && IsDigit(ops->back())) return Expected("',' or '..'");
          blank = IsBlank(Peek());
          if (!blank) *ops += Peek();
        }
        if (Peek() != ')') return Expected("numbers, ranges such as -15..15, or the closing ')'");
        *ops += text_[position_++];
      }
      SkipBlanks();
    } while (Peek() == '>');
    if (Peek() != close) {
      return Expected(fmt::format("'>' and another op, or the closing '{}'", close));
    }
    ++position_;
    SkipBlanks();
    return OkStatus();
  }

  Status Version(uint32_t* version) {
    const size_t begin = position_;
    const char* first = text_.data() + position_;
    const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), *version);
    if (error != std::errc() || *first == '0') {
      return Expected(fmt::format("a version of 1 .. {} without leading zeros", UINT32_MAX));
    }
    position_ = begin + static_cast<size_t>(end - first);
    return OkStatus();
  }

  Status Weight(double* weight) {
    SkipBlanks();
    const char* first = text_.data() + position_;
    const char* last = text_.data() + text_.size();
    // from_chars() also reads "inf", "nan" and a sign, none of which is a weight.
    const bool decimal = IsDigit(Peek()) || Peek() == '.';
    const auto [end, error] = std::from_chars(first, decimal ? last : first, *weight);
    if (error != std::errc() || !std::isfinite(*weight) || *weight <= 0) {
      return Expected("a weight: a decimal number greater than 0");
    }
    position_ += static_cast<size_t>(end - first);
    SkipBlanks();
    return OkStatus();
  }

  // Reads `word` where the text's end or one of `next` follows.
  bool TakeWord(std::string_view word, std::string_view next) {
    SkipBlanks();
    const size_t begin = position_;
    if (text_.substr(position_).starts_with(word)) {
      position_ += word.size();
      SkipBlanks();
      if (position_ == text_.size() || next.find(Peek()) != next.npos) return true;
    }
    position_ = begin;
    return false;
  }

  std::string_view kind_;
  std::string_view text_;
  size_t position_ = 0;
};

// All of `text`, after which `next` could have come.
template <typename T>
Result<T> ParseAll(std::string_view kind, std::string_view text, Status (Parser::*parse)(T*),
                   std::string_view next) {
  Parser parser(kind, text);
  AUGSTORE_TRY(parser.CheckSize());
  T parsed;
  AUGSTORE_TRY((parser.*parse)(&parsed));
  AUGSTORE_TRY(parser.End(next));
  return parsed;
}

}  // namespace

std::string Ref::ToString() const {
  if (version != 0) return fmt::format("{}@{}", name, version);
  return alias.empty() ? name : fmt::format("{}@{}", name, alias);
}

std::string ChainStep::ToString() const {
  std::string text = transform.ToString();
  if (!ops.empty()) text += fmt::format("[{}]", ops);
  if (with_noise) text += '~';
  return text;
}

std::string ChainRef::ToString() const {
  if (steps.empty() && !view.has_value()) return std::string(kIdentity);
  std::string text;
  if (view.has_value()) text = view->empty() ? std::string(kViews) : fmt::format("view({})", *view);
  for (const ChainStep& step : steps) {
    if (!text.empty()) text += '>';
    text += step.ToString();
  }
  return text;
}

std::string PolicySpec::ToString() const {
  std::string text;
  for (const PolicyEntry& entry : entries) {
    if (!text.empty()) text += ',';
    text += entry.chain.ToString();
    // "{}" prints the shortest decimal that reads back as the same double.
    if (entry.weight != 1) text += fmt::format(":{}", entry.weight);
  }
  return text;
}

Status ValidateName(std::string_view name) {
  Parser parser("name", name);
  std::string parsed;
  AUGSTORE_TRY(parser.Name(&parsed));
  AUGSTORE_TRY(parser.End("one of A-Z a-z 0-9 _ . + - or the end"));
  if (parsed != kIdentity) return OkStatus();
  return InvalidArgument("name 'identity' is reserved for the empty chain: give another name");
}

Status ValidateTransformName(std::string_view name) {
  AUGSTORE_TRY(ValidateName(name));
  if (!BeginsWithView(name)) return OkStatus();
  return InvalidArgument(
      "a transform cannot be called '{}', which stands for stored views: give another name", name);
}

Status ValidateAlias(std::string_view alias) {
  Parser parser("alias", alias);
  std::string parsed;
  AUGSTORE_TRY(parser.Alias(&parsed));
  return parser.End("one of A-Z a-z 0-9 _ . - or the end");
}

Result<Ref> ParseRef(std::string_view text) {
  return ParseAll("reference", text, &Parser::ParseRef, "'@' or the end");
}

Result<ChainRef> ParseChain(std::string_view text) {
  return ParseAll("chain", text, &Parser::ParseChain, "'@', '[', '~', '>' or the end");
}

Result<PolicySpec> ParsePolicy(std::string_view text) {
  return ParseAll("policy", text, &Parser::ParsePolicy, "'@', '[', '~', '>', ':', ',' or the end");
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> row(b.size() + 1, i);
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::move(last);
    last = std::move(row);
  }
  return last.back();
}

}  // namespace augstore

#include "tools/flags/flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <type_traits>

namespace augstore {
namespace {

// One value of what a Flag::Value names, or a Parser.
template <typename T>
struct Element {
  using type = T;
  static constexpr bool many = false;
};
template <typename T>
struct Element<std::optional<T>> : Element<T> {};
template <typename T>
struct Element<std::vector<T>> : Element<T> {
  static constexpr bool many = true;
};
template <typename T>
struct Element<T*> : Element<T> {};

// "1", "0.001", "identity".
template <typename T>
std::string ValueText(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return value;
  } else {
    return fmt::format("{:.10g}", static_cast<double>(value));
  }
}

}  // namespace

std::vector<std::string> SplitAtCommas(const std::vector<std::string>& texts) {
  std::vector<std::string> parts;
  for (const std::string& text : texts) {
    int depth = 0;
    parts.emplace_back();
    for (const char c : text) {
      depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
      if (c == ',' && depth == 0)
        parts.emplace_back();
      else
        parts.back() += c;
    }
  }
  return parts;
}

Flag::Flag(std::string name, Value value, std::string help)
    : name_(std::move(name)),
      value_(std::move(value)),
      help_(std::move(help)),
      commas_(many() && !std::holds_alternative<std::vector<std::string>*>(value_)) {}

Flag& Flag::Required(bool required) {
  required_ = required;
  return *this;
}

Flag& Flag::Choices(std::vector<std::string> choices) {
  choices_ = std::move(choices);
  return *this;
}

Flag& Flag::Range(double low, double high) {
  low_ = low;
  high_ = high;
  return *this;
}

Flag& Flag::AtLeast(double low) {
  low_ = low;
  return *this;
}

Flag& Flag::Positive() {
  low_ = 0;
  above_low_ = true;
  return *this;
}

Flag& Flag::Env(std::string variable) {
  env_ = std::move(variable);
  return *this;
}

Flag& Flag::Commas() {
  commas_ = true;
  return *this;
}

Flag& Flag::Count(size_t count) {
  count_ = count;
  return *this;
}

bool Flag::many() const {
  return std::visit([](auto value) { return Element<decltype(value)>::many; }, value_);
}

std::string Flag::TypeText() const {
  if (!choices_.empty()) return fmt::format("{}", fmt::join(choices_, "|"));
  return std::visit(
      [](auto value) -> std::string {
        using E = typename Element<decltype(value)>::type;
        return std::is_integral_v<E> ? "N" : std::is_floating_point_v<E> ? "NUMBER" : "TEXT";
      },
      value_);
}

std::string Flag::DefaultText() const {
  if (is_switch() || positional() || help_.find("(default") != std::string::npos) return "";
  return fmt::format("{}", fmt::join(Texts(), ","));
}

std::vector<std::string> Flag::Texts() const {
  return std::visit(
      [](const auto& value) -> std::vector<std::string> {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Parser>) {
          return {};
        } else if constexpr (std::is_same_v<T, bool*>) {
          return std::vector<std::string>(*value ? 1 : 0);
        } else if constexpr (Element<T>::many) {
          std::vector<std::string> texts;
          for (const auto& one : *value) texts.push_back(ValueText(one));
          return texts;
        } else if constexpr (requires { value->has_value(); }) {
          if (!value->has_value()) return {};
          return {ValueText(**value)};
        } else {
          return {ValueText(*value)};
        }
      },
      value_);
}

Status Flag::CheckChoice(const std::string& text) const {
  if (choices_.empty() || std::ranges::find(choices_, text) != choices_.end()) return OkStatus();
  return InvalidArgument("{} is '{}': give one of {}", name_, text, fmt::join(choices_, ", "));
}

// "a whole number of at least 1", "a number from 0.01 to 0.9".
std::string Flag::Expected(bool whole, double least, const std::string& most) const {
  std::string kind = whole ? "a whole number" : "a number";
  if (high_.has_value()) return fmt::format("{} from {:.10g} to {:.10g}", kind, least, *high_);
  if (!most.empty()) return fmt::format("{} of at most {}", kind, most);
  if (!whole && above_low_) return kind + " above 0";
  if (whole || low_.has_value()) return fmt::format("{} of at least {:.10g}", kind, least);
  return kind;
}

template <typename T>
Status Flag::Parse(const std::string& text, T* value) const {
  if constexpr (std::is_same_v<T, std::string>) {
    AUGSTORE_TRY(CheckChoice(text));
    *value = text;
  } else {
    constexpr bool kWhole = std::is_integral_v<T>;
    double least = low_.value_or(static_cast<double>(std::numeric_limits<T>::lowest()));
    if (kWhole && above_low_) least += 1;
    constexpr T kMost = std::numeric_limits<T>::max();
    const char* const end = text.data() + text.size();
    T parsed{};
    const auto [stop, error] = std::from_chars(text.data(), end, parsed);
    const auto number = static_cast<double>(parsed);
    // The same code is returned for numbers that are too near to 0, such as 1e-400.
    const bool too_large = error == std::errc::result_out_of_range && text[0] != '-' &&
                           text.find("e-") == std::string::npos;
    const bool low = number < least || (!kWhole && above_low_ && number <= least);
    if (text.empty() || error != std::errc() || stop != end || !std::isfinite(number) || low ||
        number > high_.value_or(static_cast<double>(kMost))) {
      return InvalidArgument("{} is {}: give {}{}", name_, text.empty() ? "''" : text,
                             Expected(kWhole, least, too_large ? fmt::format("{}", kMost) : ""),
                             many() ? ", or several separated by commas" : "");
    }
    *value = parsed;
  }
  return OkStatus();
}

Status Flag::Check(const std::vector<std::string>& texts) const {
  return std::visit(
      [&](const auto& value) -> Status {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Parser>) {
          return OkStatus();  // it stores what it reads
        } else {
          std::remove_pointer_t<T> checked{};
          Flag copy = *this;
          copy.value_ = &checked;
          return copy.Set(texts);
        }
      },
      value_);
}

Status Flag::Set(const std::vector<std::string>& given) const {
  const std::vector<std::string> texts = commas_ ? SplitAtCommas(given) : given;
  if (count_ != 0 && texts.size() != count_) {
    return InvalidArgument("{} has {} values: give {}, separated by commas", name_, texts.size(),
                           count_);
  }
  return std::visit(
      [&](const auto& value) -> Status {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Parser>) {
          return value(texts.back()).WithContext(name_);
        } else if constexpr (std::is_same_v<T, bool*>) {
          *value = true;
          return OkStatus();
        } else {
          using E = typename Element<T>::type;
          std::vector<E> parsed(texts.size());
          for (size_t i = 0; i < texts.size(); ++i) AUGSTORE_TRY(Parse(texts[i], &parsed[i]));
          if constexpr (Element<T>::many) {
            *value = std::move(parsed);
          } else {
            *value = std::move(parsed.back());
          }
          return OkStatus();
        }
      },
      value_);
}

Command::Command(std::string name, std::string about, std::string example, Body body)
    : name_(std::move(name)),
      about_(std::move(about)),
      example_(std::move(example)),
      body_(std::move(body)) {}

Command* Command::Add(std::string name, std::string about, std::string example, Body body) {
  Command& command = commands_.emplace_back(std::move(name), std::move(about), std::move(example),
                                            std::move(body));
  command.parent_ = this;
  return &command;
}

Command* Command::AddGroup(std::string name, std::string about) {
  return Add(std::move(name), std::move(about), "", nullptr);
}

Flag& Command::AddFlag(std::string name, Flag::Value value, std::string help) {
  return flags_.emplace_back(std::move(name), std::move(value), std::move(help));
}

Flag& Command::GetFlag(const std::string& name) {
  const auto found = std::ranges::find(flags_, name, &Flag::name);
  AUGSTORE_CHECK(found != flags_.end());
  return *found;
}

std::string Command::Path() const {
  return parent_ == nullptr ? name_ : parent_->Path() + " " + name_;
}

const Command* Command::Find(const std::string& name) const {
  const auto found = std::ranges::find(commands_, name, &Command::name);
  return found == commands_.end() ? nullptr : &*found;
}

}  // namespace augstore

// Names, references `name[@version|@alias]`, chains `a>b` and policies `chain:weight,…`: their
// grammar and nothing else.
//
//   name   := [A-Za-z0-9_] [A-Za-z0-9_.+-]* [ '(' [A-Za-z0-9_.,+-]* ')' ]    at most kMaxNameBytes
//   ref    := name [ '@' ( version | alias ) ]
//   version := [1-9][0-9]*      alias := [A-Za-z_][A-Za-z0-9_.-]*
//   step   := ref [ '[' ops ']' ] [ '~' ]
//   ops    := op ( '>' op )*    op := [A-Za-z0-9_]+ [ '(' [0-9.,+e-]* ')' ]
//   view   := 'views' | 'view(' ops ')'
//   chain  := 'identity' | view | [ view '>' ] step ( '>' step )*
//   policy := chain [ ':' weight ] ( ',' chain [ ':' weight ] )*    weight: decimal > 0, default 1
//
// A chain begins with the embedding of the image itself, or with a stored view of it: 'views' is
// any of those that the collection has, 'view(ops)' one of the view set with this law.
//
// `[ops]` asks a conditional transform for image ops: "geo@2[hflip>rotate(-15..15)]"; a range draws
// the parameter for every sample. '~' adds a drawn error. 'identity' is reserved: it is no
// name; 'views' and 'view(...)' are none of a transform. A weight may have an exponent ("1e-3").
// Blanks around tokens are ignored. A comma inside parentheses does not separate.
#ifndef AUGSTORE_SCHEMAS_BASE_NAMES_H_
#define AUGSTORE_SCHEMAS_BASE_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/base/status.h"

namespace augstore {

// name@version, name@alias, or name alone (the latest version).
struct Ref {
  std::string name;
  uint32_t version = 0;  // 0: not given by number
  std::string alias;     // empty: not given by alias
  bool operator==(const Ref&) const = default;
  std::string ToString() const;
};

// One application of a transform.
struct ChainStep {
  Ref transform;
  std::string ops;          // what a conditional transform is asked for; empty otherwise
  bool with_noise = false;  // with a drawn error
  bool operator==(const ChainStep&) const = default;
  std::string ToString() const;  // "hflip@1", "geo@2[hflip>rotate(10)]~"
};

// A chain of transforms, applied left to right, to the embedding of the image or of a view of it.
// Without steps: identity, or the view as it is stored.
struct ChainRef {
  std::optional<std::string> view = {};  // the law of its view set; empty: of any
  std::vector<ChainStep> steps = {};
  bool operator==(const ChainRef&) const = default;
  std::string ToString() const;  // "identity", "view(vflip)", "views>hflip@1>rotate15@2"
};

struct PolicyEntry {
  ChainRef chain;
  double weight = 1;
  bool operator==(const PolicyEntry&) const = default;
};

struct PolicySpec {
  std::vector<PolicyEntry> entries;  // in the order written; at least one
  bool operator==(const PolicySpec&) const = default;
  std::string ToString() const;  // parses back to the same
};

// Errors of all: kInvalidArgument, naming the text, the place and what was expected.
Status ValidateName(std::string_view name);
Status ValidateTransformName(std::string_view name);  // of one that chains can name
Status ValidateAlias(std::string_view alias);
Result<Ref> ParseRef(std::string_view text);
Result<ChainRef> ParseChain(std::string_view text);
Result<PolicySpec> ParsePolicy(std::string_view text);

// How many letters of `a` must be added, removed, replaced or swapped with their neighbour to make
// `b`: how much two names look alike.
size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace augstore

#endif  // AUGSTORE_SCHEMAS_BASE_NAMES_H_

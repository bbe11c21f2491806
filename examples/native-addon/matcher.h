// SPDX-License-Identifier: MIT
// Looks for many words at once in a text.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

/** A trie with a table of 256 children in each node. */
class Matcher {
 public:
  void Add(std::string_view word);
  uint32_t Count(std::string_view text) const;

 private:
  struct Node {
    std::array<std::unique_ptr<Node>, 256> children;
    bool is_word = false;
  };
  Node root_;
};

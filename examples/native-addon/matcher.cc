// SPDX-License-Identifier: MIT
#include "matcher.h"

void Matcher::Add(std::string_view word) {
  Node* node = &root_;
  for (unsigned char c : word) {
    std::unique_ptr<Node>& child = node->children[c];
    if (!child) child = std::make_unique<Node>();
    node = child.get();
  }
  node->is_word = true;
}

uint32_t Matcher::Count(std::string_view text) const {
  uint32_t found = 0;
  for (size_t start = 0; start < text.size(); start++) {
    const Node* node = &root_;
    for (size_t i = start; i < text.size() && node != nullptr; i++) {
      node = node->children[static_cast<unsigned char>(text[i])].get();
      if (node != nullptr && node->is_word) found++;
    }
  }
  return found;
}

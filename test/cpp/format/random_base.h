// SPDX-License-Identifier: MIT
// Random records of a capture, and on stdout the lines that a dump of it must show: what all kinds
// share.
#pragma once

#include <cinttypes>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "format/capture_builder.h"

namespace memtape {

class RandomBase {
 protected:
  // Small blocks, so that there are many, and records that do not fit are common.
  explicit RandomBase(uint32_t seed) : random_(seed), capture_(2048) {}

  RecordEncoder& encoder() { return capture_.encoder(); }
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Chance(uint32_t percent) { return Below(100) < percent; }
  // Any number of up to `bits` bits; short ones as likely as long ones.
  uint64_t Number(unsigned bits) {
    const uint64_t width = Below(bits + 1);
    return width == 0 ? 0 : random_() >> (64 - width);
  }
  uint32_t Number32(unsigned bits) { return static_cast<uint32_t>(Number(bits)); }
  uint32_t Id(uint32_t next) { return static_cast<uint32_t>(Below(next)); }
  uint32_t Stack() { return Id(encoder().state().next_stack); }
  uint32_t Thread() { return Number32(24); }
  // The id of a string, or 0: none.
  uint32_t StringId() { return Id(static_cast<uint32_t>(strings_.size())); }

  std::string Text(uint64_t pieces) {
    static constexpr const char* kPieces[] = {"a", "Z", "\u00E9", "\u20AC", "\U0001F600", "/", " "};
    std::string text;
    for (uint64_t i = Below(pieces); i > 0; --i) text += kPieces[Below(std::size(kPieces))];
    return text;
  }

  // As a dump writes a text: names of letters alone stand without quotes.
  static std::string Shown(std::string_view text) {
    constexpr std::string_view kBare = "abcdefghijklmnopqrstuvwxyzZ0123456789";
    const bool bare = !text.empty() && text.find_first_not_of(kBare) == std::string_view::npos;
    return bare ? std::string(text) : Quoted(text);
  }
  static std::string Quoted(std::string_view text) { return '"' + std::string(text) + '"'; }
  std::string ShownString(uint32_t id) const { return Shown(strings_[id]); }

  // Encodes until it fits: in this block or the next.
  template <typename Encode>
  auto Emit(Encode encode) {
    auto result = encode();
    if (!result) {
      capture_.EndBlock();
      result = encode();
    }
    return result;
  }

  std::mt19937_64 random_;
  CaptureBuilder capture_;
  std::vector<std::string> strings_ = std::vector<std::string>(1);  // by id
};

}  // namespace memtape

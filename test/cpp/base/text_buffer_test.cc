// SPDX-License-Identifier: MIT

#include "base/text_buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace memtape {
namespace {

template <size_t kCapacity>
void ExpectText(const TextBuffer<kCapacity>& buffer, std::string_view expected) {
  EXPECT_EQ(buffer.view(), expected);
  EXPECT_EQ(buffer.c_str(), std::string(expected));  // ends in a zero
  EXPECT_EQ(buffer.size(), expected.size());
}

std::string Quoted(std::string_view text) {
  TextBuffer<256> buffer;
  return std::string(buffer.AddQuoted(text).view());
}

TEST(TextBufferTest, Appends) {
  TextBuffer<64> buffer;
  ExpectText(buffer, "");
  buffer.Add("a").Add("").AddChar('b').AddNumber(0).AddNumber(1234567890).Add("z");
  ExpectText(buffer, "ab01234567890z");
  buffer.Clear();
  ExpectText(buffer, "");
  ExpectText(buffer.AddNumber(UINT64_MAX), "18446744073709551615");
}

TEST(TextBufferTest, CutsAtItsCapacity) {
  TextBuffer<8> buffer;
  buffer.Add("123456");
  EXPECT_FALSE(buffer.full());
  buffer.Add("789");
  ExpectText(buffer, "1234567");
  EXPECT_TRUE(buffer.full());
  buffer.Add("x").AddChar('y').AddNumber(1).AddQuoted("z");
  ExpectText(buffer, "1234567");
}

TEST(TextBufferTest, TruncatesOnlyToLess) {
  TextBuffer<16> buffer;
  buffer.Add("12345");
  buffer.Truncate(9);
  ExpectText(buffer, "12345");
  buffer.Truncate(5);
  ExpectText(buffer, "12345");
  buffer.Truncate(2);
  ExpectText(buffer, "12");
}

TEST(TextBufferTest, QuotesAsJson) {
  EXPECT_EQ(Quoted(""), R"("")");
  EXPECT_EQ(Quoted("plain/path.js"), R"("plain/path.js")");
  EXPECT_EQ(Quoted("say \"hi\" \\ bye"), R"("say \"hi\" \\ bye")");
  EXPECT_EQ(Quoted("a\nb\tc\rd"), R"("a\u000ab\u0009c\u000dd")");
  EXPECT_EQ(Quoted(std::string_view("\0\x1F", 2)), R"("\u0000\u001f")");
  // UTF-8, DEL and bytes that are neither pass.
  EXPECT_EQ(Quoted("gr\xC3\xBC\xC3\x9F\x7F"), "\"gr\xC3\xBC\xC3\x9F\x7F\"");
  EXPECT_EQ(Quoted("\xFF\x80"), "\"\xFF\x80\"");
}

TEST(TextBufferTest, CopiesAreIndependent) {
  TextBuffer<16> one;
  one.Add("one");
  TextBuffer<16> two = one;
  two.Add("two");
  ExpectText(one, "one");
  ExpectText(two, "onetwo");
}

}  // namespace
}  // namespace memtape

// SPDX-License-Identifier: MIT

#include "format/encode.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "base/crc32c.h"

namespace memtape {
namespace {

using Bytes = std::vector<uint8_t>;

// An encoder with its memory and the state arrays that a caller owns; Records() is what follows the
// prologue.
class EncodeTest : public ::testing::Test {
 protected:
  EncodeTest() { Begin(); }

  void Begin(const Prologue& prologue = {}) {
    encoder_.BeginBlock(memory_.data(), memory_.size(), prologue);
    start_ = encoder_.size();
  }
  Bytes Records() const {
    return {memory_.begin() + static_cast<ptrdiff_t>(start_),
            memory_.begin() + static_cast<ptrdiff_t>(encoder_.size())};
  }
  void Alloc(uint32_t stack, uint64_t size, uint32_t id, uint64_t address,
             Allocator allocator = Allocator::kMalloc) {
    encoder_.Alloc(allocator, stack, stacks_[stack], size, id, addresses_[id], address);
  }
  void Free(uint32_t id) { encoder_.Free(id, addresses_[id]); }
  // What one more alloc or free adds.
  template <typename Call>
  Bytes Added(Call call) {
    start_ = encoder_.size();
    call();
    return Records();
  }

  std::vector<uint8_t> memory_ = std::vector<uint8_t>(kMinBlockCapacity);
  std::vector<AddressState> addresses_ = std::vector<AddressState>(5000);
  std::vector<StackState> stacks_ = std::vector<StackState>(100);
  RecordEncoder encoder_;
  size_t start_ = 0;
};

TEST_F(EncodeTest, NewAddressIsADeltaOfEightByteWords) {
  Alloc(5, 100, 1, 0x1000);
  // 0x1000 >> 3 = 0x200, zigzag 0x400.
  EXPECT_EQ(Records(), (Bytes{0x80, 125, 100, 0x80, 0x08}));
  EXPECT_EQ(Added([&] { Alloc(5, 100, 2, 0x0FF8); }), (Bytes{0x8C, 1}));
  EXPECT_EQ(encoder_.state().next_address, 3U);
}

TEST_F(EncodeTest, UnalignedNewAddressIsPlainAndKeepsTheDelta) {
  Alloc(5, 100, 1, 0x1000);
  EXPECT_EQ(Added([&] { Alloc(5, 100, 2, 0x81); }), (Bytes{0x8F, 0x81, 0x01}));
  EXPECT_EQ(Added([&] { Alloc(5, 100, 3, 0x1010); }), (Bytes{0x8C, 4}));
}

TEST_F(EncodeTest, AllocatorIsInTheTag) {
  for (uint8_t allocator = 0; allocator < 8; ++allocator) {
    const uint32_t id = allocator + 1U;
    const Bytes bytes = Added([&] { Alloc(1, 1, id, 8U * id, Allocator{allocator}); });
    EXPECT_EQ(bytes[0] & 0xF0, 0x80 | allocator << 4);
  }
}

TEST_F(EncodeTest, SizeIsRememberedPerStack) {
  Alloc(1, 10, 1, 8);
  Alloc(2, 20, 2, 16);
  EXPECT_EQ(Added([&] { Alloc(1, 10, 3, 24); }), (Bytes{0x84, 0, 2}));
  EXPECT_EQ(Added([&] { Alloc(2, 21, 4, 32); }), (Bytes{0x80, 0, 21, 2}));
}

TEST_F(EncodeTest, SizesBeyondFourGibibytesAreNeverMistakenForTheirLowBits) {
  Alloc(1, 0x1'0000'0007, 1, 8);
  EXPECT_EQ(Added([&] { Alloc(1, 7, 2, 16); }), (Bytes{0x88, 7, 2}));
  Alloc(1, 0x1'0000'0007, 3, 24);
  EXPECT_EQ(Added([&] { Alloc(1, 0x1'0000'0007, 4, 32); }),
            (Bytes{0x88, 0x87, 0x80, 0x80, 0x80, 0x10, 2}));
}

TEST_F(EncodeTest, FreeOfARecentAllocIsOneByte) {
  for (uint32_t id = 1; id <= 33; ++id) Alloc(1, 1, id, 8U * id);
  EXPECT_EQ(Added([&] { Free(33); }), (Bytes{0x60}));
  EXPECT_EQ(Added([&] { Free(2); }), (Bytes{0x7F}));
  // The 33rd last alloc takes two: four bits of 32, then the rest.
  EXPECT_EQ(Added([&] { Free(1); }), (Bytes{0x50, 2}));
}

TEST_F(EncodeTest, FreeOfAnAllocOutOfReachCarriesItsId) {
  for (uint32_t id = 1; id <= kRecentAllocs + 1; ++id) Alloc(1, 1, id, 8U * id);
  EXPECT_EQ(Added([&] { Free(2); }), (Bytes{0x5F, 0xFF, 0x01}));
  EXPECT_EQ(Added([&] { Free(1); }), (Bytes{0x41, 0}));
}

TEST_F(EncodeTest, StacksThatWereCurrentAreOneByte) {
  for (uint32_t stack = 0; stack < 99; ++stack) Alloc(stack, 1, stack + 1, 8 * (stack + 1));
  EXPECT_EQ(Added([&] { Alloc(97, 1, 200, 8); }), (Bytes{0x85, 0, 0xC8, 0x01}));
  EXPECT_EQ(Added([&] { Alloc(98, 1, 200, 8); }), (Bytes{0x85, 0, 0xC8, 0x01}));
  EXPECT_EQ(Added([&] { Alloc(98, 1, 200, 8); }), (Bytes{0x8D, 0xC8, 0x01}));
  // 0 was current 100 changes before the current one, counted from 0.
  EXPECT_EQ(Added([&] { Alloc(0, 1, 200, 8); }), (Bytes{0x85, 99, 0xC8, 0x01}));
}

TEST_F(EncodeTest, AStackBecomesCurrentWhenItIsDefined) {
  EXPECT_EQ(encoder_.DefineStack({}), 1U);
  EXPECT_EQ(Added([&] { Alloc(1, 7, 1, 8); }), (Bytes{0x88, 7, 2}));
}

TEST_F(EncodeTest, FramesArePredictedByTheFrameAbove) {
  Begin({.next_frame = 100});
  const std::array<uint32_t, 2> frames = {9, 8};
  EXPECT_EQ(Added([&] { EXPECT_EQ(encoder_.DefineStack({.frames = frames}), 1U); }),
            (Bytes{0x04, 0x20, 1, 9, 8}));
  EXPECT_EQ(Added([&] { EXPECT_EQ(encoder_.DefineStack({.frames = frames}), 2U); }),
            (Bytes{0x04, 0x20, 3, 0, 0}));
  const std::array<uint32_t, 1> other = {7};
  EXPECT_EQ(Added([&] {
              encoder_.DefineStack({1, 9, other, kStackLost});
            }),
            (Bytes{0x04, 0x18, 4, 7}));
  EXPECT_EQ(encoder_.state().next_node, 6U);
}

TEST_F(EncodeTest, AStackWithoutRoomChangesNothing) {
  const std::vector<uint32_t> frames(1000, 5);
  RecordEncoder small;
  small.BeginBlock(memory_.data(), 2000, {});
  EXPECT_EQ(small.DefineStack({.frames = frames}), 0U);
  EXPECT_TRUE(small.empty());
  EXPECT_EQ(small.state().next_node, 1U);
}

TEST_F(EncodeTest, FreeOfAnOldIdCarriesIt) {
  Begin({.next_address = 4000});
  EXPECT_EQ(Added([&] { Free(3999); }), (Bytes{0x40 | 15, 0xF9, 0x01}));
}

TEST_F(EncodeTest, AllocOfARecentlyFreedAddress) {
  Begin({.next_address = 5000});
  for (uint32_t id = 1; id <= kRecentFrees + 1; ++id) Free(id);
  EXPECT_EQ(Added([&] { Alloc(1, 1, kRecentFrees + 1, 8); }), (Bytes{0x82, 121, 1, 0}));
  EXPECT_EQ(Added([&] { Alloc(1, 1, 2, 8); }), (Bytes{0x8E, 0xFF, 0x1F}));
  EXPECT_EQ(Added([&] { Alloc(1, 1, 1, 8); }), (Bytes{0x8D, 1}));
}

TEST_F(EncodeTest, AnAddressFreedTwiceIsFoundAtItsLastFree) {
  Begin({.next_address = 200});
  Free(7);
  Free(8);
  Free(7);
  EXPECT_EQ(Added([&] { Alloc(1, 1, 7, 8); }), (Bytes{0x82, 121, 1, 0}));
}

// F-9: a block decodes alone, so nothing may refer to the one before.
TEST_F(EncodeTest, ABlockRemembersNothingOfTheOneBefore) {
  Alloc(1, 10, 1, 0x4000);
  Alloc(1, 10, 2, 0x4008);
  Free(2);
  encoder_.FinishBlock();
  encoder_.BeginBlock(memory_.data(), memory_.size());
  EXPECT_EQ(Added([&] { Alloc(1, 10, 2, 0x4008); }), (Bytes{0x81, 121, 10, 2}));
  EXPECT_EQ(Added([&] { Free(1); }), (Bytes{0x41, 0}));
  EXPECT_EQ(Added([&] { Alloc(1, 10, 3, 0x10); }), (Bytes{0x8C, 4}));
}

TEST_F(EncodeTest, TimeMovesAfterAMillisecondAndKeepsTheRemainder) {
  Begin({.time_ns = 5'000'000});
  encoder_.Time(5'999'999);
  EXPECT_TRUE(encoder_.empty());
  encoder_.Time(6'000'999);
  EXPECT_EQ(Records(), (Bytes{0x01, 0xE8, 0x07}));
  EXPECT_EQ(encoder_.state().time_ns, 6'000'000U);
  EXPECT_EQ(Added([&] { encoder_.SyncTime(6'001'100); }), (Bytes{0x01, 1}));
  EXPECT_EQ(Added([&] { encoder_.SyncTime(1); }), Bytes{});
}

TEST_F(EncodeTest, ThreadIsWrittenWhenItChanges) {
  encoder_.Thread(0);
  EXPECT_TRUE(encoder_.empty());
  encoder_.Thread(300);
  encoder_.Thread(300);
  EXPECT_EQ(Records(), (Bytes{0x02, 0xAC, 0x02}));
}

TEST_F(EncodeTest, HotRecordsStayWithinTheirRoom) {
  Begin({.next_address = 4000});
  stacks_.resize(1);
  StackState stack;
  AddressState address;
  const size_t before = encoder_.size();
  encoder_.Alloc(Allocator::kPvalloc, UINT32_MAX, stack, UINT64_MAX, 4000, address, UINT64_MAX);
  EXPECT_LE(encoder_.size() - before, kMaxHotRecordBytes);
}

TEST_F(EncodeTest, DefinitionsNumberThemselves) {
  EXPECT_EQ(encoder_.DefineString("a"), 1U);
  EXPECT_EQ(encoder_.DefineString(""), 2U);
  EXPECT_EQ(Records(), (Bytes{0x20, 1, 'a', 0x20, 0}));
}

TEST_F(EncodeTest, LongRecordLengthsOfMoreThanOneByte) {
  for (const size_t size : {127U, 128U, 16383U, 16384U, 200000U}) {
    const std::string text(size, 'x');
    const Bytes bytes = Added([&] { EXPECT_NE(encoder_.DefineString(text), 0U); });
    uint64_t length = 0;
    const uint8_t* body = ReadVarint(bytes.data() + 1, bytes.data() + bytes.size(), &length);
    ASSERT_NE(body, nullptr);
    EXPECT_EQ(length, size);
    EXPECT_EQ(std::string(body, bytes.data() + bytes.size()), text);
  }
}

TEST_F(EncodeTest, ARecordWithoutRoomChangesNothing) {
  const std::string text(300, 'x');
  encoder_.DefineString(text);
  const size_t full = encoder_.size();
  RecordEncoder small;
  for (size_t capacity = encoder_.size() - start_ + kBlockHeaderBytes; capacity < full;
       ++capacity) {
    small.BeginBlock(memory_.data(), capacity, {});
    const size_t before = small.size();
    EXPECT_EQ(small.DefineString(text), 0U) << capacity;
    EXPECT_EQ(small.size(), before);
    EXPECT_EQ(small.state().next_string, 1U);
  }
  small.BeginBlock(memory_.data(), full, {});
  EXPECT_EQ(small.DefineString(text), 1U);
  EXPECT_EQ(small.room(), 0U);
}

TEST_F(EncodeTest, AnEmptyBlockOfMinimalCapacityHoldsTheLongestString) {
  EXPECT_NE(encoder_.DefineString(std::string(kMaxStringBytes + 1, 'x')), 0U);
}

TEST_F(EncodeTest, MapDeltasAreSigned) {
  const std::array<MapDelta, 1> deltas = {{{MemoryClass::kReserved, 3, -4096, -1}}};
  encoder_.Map({MapOp::kMunmap, 0x1000, 4096, 0, 0, 3, deltas});
  EXPECT_EQ(Records(),
            (Bytes{0x29, 14, 1, 0x80, 0x20, 0x80, 0x20, 0, 0, 3, 1, 1, 3, 0xFF, 0x3F, 1}));
}

TEST_F(EncodeTest, FramesCarryTheFieldsOfTheirKind) {
  EXPECT_EQ(
      Added([&] { encoder_.DefineFrame({.kind = FrameKind::kNative, .module = 2, .offset = 5}); }),
      (Bytes{0x26, 3, 0, 2, 5}));
  EXPECT_EQ(
      Added([&] {
        encoder_.DefineFrame({.kind = FrameKind::kTurbofan, .function = 2, .line = 3, .column = 4});
      }),
      (Bytes{0x26, 4, 4, 2, 3, 4}));
  EXPECT_EQ(Added([&] { encoder_.DefineFrame({.kind = FrameKind::kBuiltin, .function = 2}); }),
            (Bytes{0x26, 2, 5, 2}));
  EXPECT_EQ(Added([&] { encoder_.DefineFrame({.kind = FrameKind::kLabel, .label = 6}); }),
            (Bytes{0x26, 2, 7, 6}));
}

TEST_F(EncodeTest, FinishedBlockHasLengthAndChecksum) {
  Alloc(1, 2, 1, 8);
  const std::span<const uint8_t> block = encoder_.FinishBlock();
  const size_t payload = block.size() - kBlockHeaderBytes;
  EXPECT_EQ(block[0], payload);
  EXPECT_EQ(block[kBlockKindOffset], 1);
  uint32_t crc = 0;
  for (int i = 3; i >= 0; --i) crc = crc << 8 | block[kBlockCrcOffset + static_cast<size_t>(i)];
  EXPECT_EQ(crc, Crc32c(0, block.data() + kBlockKindOffset, block.size() - kBlockKindOffset));
}

TEST(FileHeaderTest, FieldsAreWhereTheSpecSays) {
  uint8_t header[kFileHeaderBytes];
  WriteFileHeader(header, {0x1122334455667788, 42, 7, kHeaderFlagFinalized});
  EXPECT_EQ(std::string(header, header + 8), "\x89MTAPE\r\n");
  EXPECT_EQ(header[kHeaderCaptureIdOffset], 0x88);
  EXPECT_EQ(header[kHeaderCaptureIdOffset + 7], 0x11);
  EXPECT_EQ(header[kHeaderPidOffset], 42);
  EXPECT_EQ(header[kHeaderFlagsOffset], 1);
}

TEST(CutUtf8Test, KeepsSequencesWhole) {
  EXPECT_EQ(CutUtf8("abc", 3), "abc");
  EXPECT_EQ(CutUtf8("abcd", 3), "abc");
  EXPECT_EQ(CutUtf8("a\u00E9", 2), "a");
  EXPECT_EQ(CutUtf8("\u20AC\u20AC", 5), "\u20AC");
  EXPECT_EQ(CutUtf8("\U0001F600x", 3), "");
  EXPECT_EQ(CutUtf8("\U0001F600x", 4), "\U0001F600");
  // Not UTF-8: cut anywhere rather than to nothing.
  EXPECT_EQ(CutUtf8("\x80\x80\x80\x80\x80\x80", 5).size(), 5U);
}

}  // namespace
}  // namespace memtape

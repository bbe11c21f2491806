// SPDX-License-Identifier: MIT
#include "stack/cfi_rows.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <random>

#include "stack/cfi_builder.h"
#include "stack/unwind_fixture.h"

#if defined(__x86_64__)

namespace memtape {
namespace {

constexpr uint8_t kAdvance = 0x40;
constexpr uint8_t kSaveFp = 0x80 | 6;  // followed by the offset / -8
constexpr uint8_t kDefCfaOffset = 0x0e;
constexpr uint8_t kDefCfaRegister = 0x0d;

constexpr CfiRule kEntry = {
    .cfa = CfaKind::kSp, .ra = SlotKind::kCfa, .cfa_offset = 8, .ra_offset = -8};

CfiRule WithCfa(CfaKind kind, int32_t offset, int16_t aux = 0) {
  CfiRule rule = kEntry;
  rule.cfa = kind;
  rule.cfa_offset = offset;
  rule.aux = aux;
  return rule;
}

CfiRule WithFp(CfiRule rule, SlotKind kind, int32_t offset) {
  rule.fp = kind;
  rule.fp_offset = offset;
  return rule;
}

// Looks everything up twice: in the rows, and by running the program.
class Tables {
 public:
  explicit Tables(const CfiImage& image)
      : arena_(os::MapPages),
        rows_(CfiTable::Build(image, &arena_)),
        direct_(CfiTable::OpenDirect(image, &arena_)) {}

  CfiRule Find(uint64_t vaddr) {
    const CfiRule rule = rows_->Find(vaddr, &scratch_);
    EXPECT_EQ(rule, direct_->Find(vaddr, &scratch_)) << std::hex << vaddr;
    return rule;
  }
  const CfiTable* rows() const { return rows_; }
  const CfiTable* direct() const { return direct_; }

 private:
  PageArena arena_;
  const CfiTable* rows_;
  const CfiTable* direct_;
  CfiTable::Scratch scratch_;
};

// The rule after `program`, at the last byte of its function.
CfiRule RuleAfter(const Bytes& program, const CieSpec& cie = {}) {
  CfiBuilder builder(cie, {{0x2000, 0x100, program}, {0x3000, 0x10, {}}});
  return Tables(builder.image()).Find(0x20ff);
}

TEST(CfiRowsTest, FollowsAPrologue) {
  // push %rbp; mov %rsp, %rbp; ...; leave
  CfiBuilder builder({}, {{0x2000,
                           0x80,
                           {kAdvance | 1, kDefCfaOffset, 16, kSaveFp, 2, kAdvance | 3,
                            kDefCfaRegister, 6, 0x02, 0x60, 0x0c, 7, 8}}});
  Tables tables(builder.image());
  EXPECT_EQ(tables.Find(0x2000), kEntry);
  const CfiRule pushed = WithFp(WithCfa(CfaKind::kSp, 16), SlotKind::kCfa, -16);
  EXPECT_EQ(tables.Find(0x2001), pushed);
  EXPECT_EQ(tables.Find(0x2003), pushed);
  const CfiRule body = WithFp(WithCfa(CfaKind::kFp, 16), SlotKind::kCfa, -16);
  EXPECT_EQ(tables.Find(0x2004), body);
  EXPECT_EQ(tables.Find(0x2063), body);
  EXPECT_EQ(tables.Find(0x2064), WithFp(WithCfa(CfaKind::kSp, 8), SlotKind::kCfa, -16));
  EXPECT_EQ(tables.rows()->row_count(), 4u);
}

TEST(CfiRowsTest, CodeWithoutFdeUsesTheFramePointer) {
  CfiBuilder builder({}, {{0x2000, 0x10, {}}, {0x2010, 0x10, {}}, {0x9000, 0x10, {}}});
  Tables tables(builder.image());
  EXPECT_EQ(tables.Find(0x1fff), kFramePointerRule);
  EXPECT_EQ(tables.Find(0x200f), kEntry);
  EXPECT_EQ(tables.Find(0x201f), kEntry);
  EXPECT_EQ(tables.Find(0x2020), kFramePointerRule);
  EXPECT_EQ(tables.Find(0x8fff), kFramePointerRule);
  EXPECT_EQ(tables.Find(0x9000), kEntry);
  EXPECT_EQ(tables.Find(0x9010), kFramePointerRule);
  EXPECT_EQ(tables.Find(0), kFramePointerRule);
  EXPECT_EQ(tables.Find(UINT64_MAX), kFramePointerRule);
  EXPECT_EQ(tables.rows()->row_count(), 3u) << "equal neighbours are one row";
}

TEST(CfiRowsTest, AdvancesByEachWidth) {
  for (const Bytes& advance :
       {Bytes{kAdvance | 0x21}, Bytes{0x02, 0x21}, Bytes{0x03, 0x21, 0}, Bytes{0x04, 0x21, 0, 0, 0},
        Bytes{0x1d, 0x21, 0, 0, 0, 0, 0, 0, 0}}) {
    Bytes program = advance;
    program.insert(program.end(), {kDefCfaOffset, 24});
    CfiBuilder builder({}, {{0x2000, 0x100, program}});
    Tables tables(builder.image());
    EXPECT_EQ(tables.Find(0x2020), kEntry);
    EXPECT_EQ(tables.Find(0x2021), WithCfa(CfaKind::kSp, 24));
  }
}

TEST(CfiRowsTest, AdvancesByTheCodeAlignment) {
  CieSpec cie;
  cie.code_align = 4;
  CfiBuilder builder(cie, {{0x2000, 0x100, {kAdvance | 2, kDefCfaOffset, 24}}});
  Tables tables(builder.image());
  EXPECT_EQ(tables.Find(0x2007), kEntry);
  EXPECT_EQ(tables.Find(0x2008), WithCfa(CfaKind::kSp, 24));
}

TEST(CfiRowsTest, StaysInsideTheFunction) {
  CfiBuilder builder(
      {},
      {{0x2000, 0x10, {kAdvance | 0x30, kDefCfaOffset, 24}},
       {0x2010, 0x10, {kDefCfaOffset, 32}},
       {0x2020, 0x10, {0x1d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, kDefCfaOffset, 40}}});
  Tables tables(builder.image());
  EXPECT_EQ(tables.Find(0x200f), kEntry);
  EXPECT_EQ(tables.Find(0x2010), WithCfa(CfaKind::kSp, 32));
  EXPECT_EQ(tables.Find(0x202f), kEntry);
  EXPECT_EQ(tables.Find(0x2030), kFramePointerRule);
}

TEST(CfiRowsTest, DefinesTheCfa) {
  EXPECT_EQ(RuleAfter({0x0c, 6, 16}), WithCfa(CfaKind::kFp, 16));
  EXPECT_EQ(RuleAfter({0x12, 6, 0x7e}), WithCfa(CfaKind::kFp, 16));  // def_cfa_sf
  EXPECT_EQ(RuleAfter({0x13, 0x7d}), WithCfa(CfaKind::kSp, 24));     // def_cfa_offset_sf
  EXPECT_EQ(RuleAfter({kDefCfaOffset, 0xb0, 0x4e}), WithCfa(CfaKind::kSp, 10032));
  EXPECT_EQ(RuleAfter({0x0c, 10, 8}), kInvalidRule);
  // Away to another register and back.
  EXPECT_EQ(RuleAfter({kDefCfaOffset, 40, kDefCfaRegister, 10, kDefCfaRegister, 7}),
            WithCfa(CfaKind::kSp, 40));
}

TEST(CfiRowsTest, SavesTheFramePointer) {
  EXPECT_EQ(RuleAfter({0x05, 6, 3}), WithFp(kEntry, SlotKind::kCfa, -24));  // offset_extended
  EXPECT_EQ(RuleAfter({0x11, 6, 3}), WithFp(kEntry, SlotKind::kCfa, -24));  // ..._sf
  EXPECT_EQ(RuleAfter({0x2f, 6, 3}), WithFp(kEntry, SlotKind::kCfa, 24));   // GNU negative
  EXPECT_EQ(RuleAfter({kSaveFp, 2, 0xc0 | 6}), kEntry);                     // restore
  EXPECT_EQ(RuleAfter({kSaveFp, 2, 0x06, 6}), kEntry);                      // restore_extended
  EXPECT_EQ(RuleAfter({kSaveFp, 2, 0x08, 6}), kEntry);                      // same_value
  EXPECT_EQ(RuleAfter({0x07, 6}), WithFp(kEntry, SlotKind::kUndefined, 0));
  EXPECT_EQ(RuleAfter({0x09, 6, 9}), WithFp(kEntry, SlotKind::kUnknown, 0));  // register
  EXPECT_EQ(RuleAfter({0x14, 6, 2}), WithFp(kEntry, SlotKind::kUnknown, 0));  // val_offset
  EXPECT_EQ(RuleAfter({0x15, 6, 2}), WithFp(kEntry, SlotKind::kUnknown, 0));  // ..._sf
  EXPECT_EQ(RuleAfter({0x16, 6, 1, 0x30}), WithFp(kEntry, SlotKind::kUnknown, 0));
  EXPECT_EQ(RuleAfter({0x10, 6, 2, 0x76, 0}), WithFp(kEntry, SlotKind::kFp, 0));
  EXPECT_EQ(RuleAfter({0x10, 6, 3, 0x77, 0xf8, 0}), WithFp(kEntry, SlotKind::kSp, 120));
  EXPECT_EQ(RuleAfter({0x10, 6, 2, 0x70, 0}), WithFp(kEntry, SlotKind::kUnknown, 0));
}

TEST(CfiRowsTest, IgnoresRegistersThatNobodyFollows) {
  EXPECT_EQ(RuleAfter({0x80 | 3, 2, 0x05, 12, 3, 0x10, 13, 2, 0x77, 8, 0xc0 | 3, 0x09, 14, 8}),
            kEntry);
}

TEST(CfiRowsTest, FindsTheReturnAddress) {
  EXPECT_EQ(RuleAfter({0x07, 16}), kRootRule);
  EXPECT_EQ(RuleAfter({0x09, 16, 2}), kInvalidRule) << "in a register";
  CfiRule by_expression = kEntry;
  by_expression.ra = SlotKind::kSp;
  by_expression.ra_offset = 168;
  EXPECT_EQ(RuleAfter({0x10, 16, 3, 0x77, 0xa8, 0x01}), by_expression);
  EXPECT_EQ(RuleAfter({0x07, 16, 0xc0 | 16}), kEntry);
}

TEST(CfiRowsTest, RemembersStates) {
  EXPECT_EQ(RuleAfter({0x0a, kDefCfaOffset, 32, kSaveFp, 2, kAdvance | 1, 0x0b}), kEntry);
  EXPECT_EQ(RuleAfter({kDefCfaOffset, 16, 0x0a, kDefCfaOffset, 32, 0x0a, kDefCfaOffset, 48, 0x0b}),
            WithCfa(CfaKind::kSp, 32));
  // Deeper than compilers go: no rule rather than a wrong one, and the outer ones stay right.
  EXPECT_EQ(RuleAfter({0x0a, 0x0a, 0x0a, kDefCfaOffset, 48, 0x0b}), kInvalidRule);
  EXPECT_EQ(RuleAfter({0x0a, 0x0a, 0x0a, kDefCfaOffset, 48, 0x0b, 0x0b}), kEntry);
  EXPECT_EQ(RuleAfter({kDefCfaOffset, 16, 0x0b}), WithCfa(CfaKind::kSp, 16))
      << "nothing to restore";
}

TEST(CfiRowsTest, UnderstandsTheExpressionsInUse) {
  EXPECT_EQ(RuleAfter({0x0f, 3, 0x76, 0x78, 0x06}), WithCfa(CfaKind::kDerefFp, 0, -8));
  EXPECT_EQ(RuleAfter({0x0f, 6, 0x77, 0xf8, 0, 0x06, 0x23, 8}), WithCfa(CfaKind::kDerefSp, 8, 120));
  const Bytes plt = {0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22};
  EXPECT_EQ(RuleAfter(plt), WithCfa(CfaKind::kPlt, 8, 11));
  for (size_t i = 2; i < plt.size(); i++) {
    Bytes other = plt;
    other[i] ^= 0x01;
    const bool still_plt = i == 3 || i == 8;  // its offset and its threshold
    EXPECT_EQ(RuleAfter(other).cfa, still_plt ? CfaKind::kPlt : CfaKind::kInvalid) << i;
  }
  EXPECT_EQ(RuleAfter({0x0f, 4, 0x77, 8, 0x06, 0x06}), kInvalidRule);
  EXPECT_EQ(RuleAfter({0x0f, 0}), kInvalidRule);
}

TEST(CfiRowsTest, StopsAtUnknownInstructions) {
  EXPECT_EQ(RuleAfter({0x2e, 16, kDefCfaOffset, 16}), WithCfa(CfaKind::kSp, 16)) << "args_size";
  EXPECT_EQ(RuleAfter({0x00, 0x2d, kDefCfaOffset, 16}), WithCfa(CfaKind::kSp, 16));
  EXPECT_EQ(RuleAfter({0x3f, kDefCfaOffset, 16}), kInvalidRule);
}

TEST(CfiRowsTest, ReadsEachAugmentationAndEncoding) {
  for (const char* augmentation : {"", "zR", "zPLR", "zRS", "zRB", "zRG"}) {
    CieSpec cie;
    cie.augmentation = augmentation;
    if (*augmentation == 0) cie.encoding = 0;
    CfiRule expected = WithCfa(CfaKind::kSp, 16);
    if (cie.augmentation == "zRS") expected.flags = CfiRule::kSignalFrame;
    EXPECT_EQ(RuleAfter({kDefCfaOffset, 16}, cie), expected) << augmentation;
  }
  for (uint8_t encoding : {0x1b, 0x0b, 0x03, 0x00, 0x1c, 0x04, 0x02}) {
    CieSpec cie;
    cie.encoding = encoding;
    EXPECT_EQ(RuleAfter({kDefCfaOffset, 16}, cie), WithCfa(CfaKind::kSp, 16)) << int{encoding};
  }
  CieSpec third;
  third.version = 3;
  EXPECT_EQ(RuleAfter({kDefCfaOffset, 16}, third), WithCfa(CfaKind::kSp, 16));
}

TEST(CfiRowsTest, HasNoRowsForRecordsThatItCannotRead) {
  CieSpec augmentation;
  augmentation.augmentation = "zQR";
  CieSpec encoding;
  encoding.encoding = 0x01;  // uleb128
  CieSpec version;
  version.version = 4;
  for (const CieSpec& cie : {augmentation, encoding, version}) {
    CfiBuilder builder(cie, {{0x2000, 0x100, {}}});
    PageArena arena(os::MapPages);
    CfiTable::Scratch scratch;
    EXPECT_EQ(CfiTable::Build(builder.image(), &arena), nullptr);
    EXPECT_EQ(CfiTable::OpenDirect(builder.image(), &arena)->Find(0x2000, &scratch),
              kFramePointerRule);
  }
}

TEST(CfiRowsTest, RefusesHeadersThatItCannotRead) {
  PageArena arena(os::MapPages);
  for (size_t byte : {0, 1, 2, 3, 8, 9, 10, 11}) {
    CfiBuilder builder({}, {{0x2000, 0x100, {}}});
    builder.bytes()[byte] ^= 0x7f;
    EXPECT_EQ(CfiTable::Build(builder.image(), &arena), nullptr) << byte;
    EXPECT_EQ(CfiTable::OpenDirect(builder.image(), &arena), nullptr) << byte;
  }
  EXPECT_EQ(CfiTable::Build({}, &arena), nullptr);
}

// Pages without access right behind the data: a read past the end faults.
class GuardedCopy {
 public:
  explicit GuardedCopy(const CfiImage& image) : size_(image.size) {
    pages_ = RoundUp(size_) + 4096;
    base_ = static_cast<uint8_t*>(
        mmap(nullptr, pages_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + pages_ - 4096, 4096, PROT_NONE);
    data_ = base_ + pages_ - 4096 - size_;
    memcpy(data_, image.data, size_);
    image_ = image;
    image_.data = data_;
  }
  ~GuardedCopy() { munmap(base_, pages_); }

  uint8_t* data() { return data_; }
  const CfiImage& image() const { return image_; }

 private:
  static size_t RoundUp(size_t bytes) { return (bytes + 4095) & ~size_t{4095}; }

  size_t size_;
  size_t pages_;
  uint8_t* base_;
  uint8_t* data_;
  CfiImage image_;
};

// The smallest real one: the loader's, from .eh_frame_hdr on.
CfiImage SmallRealImage() {
  TestRegistry();
  CfiImage smallest;
  for (const Module* m = TestRegistry().modules(); m != nullptr; m = m->next) {
    CfiImage image = m->image.MappedCfi();
    if (image.size == 0 || strstr(m->path, "ld-linux") == nullptr) continue;
    const uint64_t skip = image.hdr_vaddr - image.vaddr;
    smallest = {image.data + skip, image.size - skip, image.hdr_vaddr, image.hdr_vaddr};
  }
  return smallest;
}

TEST(CfiRowsTest, SurvivesDamage) {
  const CfiImage real = SmallRealImage();
  ASSERT_GT(real.size, 1000u);
  std::mt19937_64 random(5);
  size_t built = 0;
  for (int round = 0; round < 400; round++) {
    GuardedCopy copy(real);
    const size_t head = round % 4 == 0 ? 16 : real.size;
    for (uint64_t damage = 1 + random() % 40; damage > 0; damage--) {
      copy.data()[random() % head] = static_cast<uint8_t>(random());
    }
    PageArena arena(os::MapPages);
    const CfiTable* rows = CfiTable::Build(copy.image(), &arena);
    const CfiTable* direct = CfiTable::OpenDirect(copy.image(), &arena);
    built += rows != nullptr;
    CfiTable::Scratch scratch;
    for (int i = 0; i < 300; i++) {
      const uint64_t vaddr = random() % (real.vaddr + 4096);
      if (rows != nullptr) rows->Find(vaddr, &scratch);
      if (direct != nullptr) direct->Find(vaddr, &scratch);
    }
  }
  EXPECT_GT(built, 200u);
}

// Real tables: what the rows say is what the programs say, at every edge of every function.
TEST(CfiRowsTest, RowsEqualProgramsInAllModulesOfThisProcess) {
  size_t looked_up = 0;
  for (const Module* m = TestRegistry().modules(); m != nullptr; m = m->next) {
    CfiSections sections;
    if (!sections.Open(m->image.MappedCfi())) continue;
    Tables tables(m->image.MappedCfi());
    for (uint32_t i = 0; i < sections.count(); i++) {
      const uint64_t begin = sections.Begin(i);
      const uint64_t next = i + 1 < sections.count() ? sections.Begin(i + 1) : begin + 64;
      for (uint64_t vaddr = begin; vaddr < next && vaddr < begin + 24; vaddr++) tables.Find(vaddr);
      for (uint64_t vaddr = next - 8; vaddr < next; vaddr++) tables.Find(vaddr);
      looked_up++;
    }
    ASSERT_FALSE(testing::Test::HasFailure()) << m->path;
  }
  EXPECT_GT(looked_up, 5000u);
}

}  // namespace
}  // namespace memtape
#endif

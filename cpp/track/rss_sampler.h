// SPDX-License-Identifier: MIT
// Decides when the parts of RSS are worth a look, which costs 0.2 ms and 1.6 ms for each GB, and
// writes what it saw. Drain thread only.
#pragma once

#include <stdint.h>

#include "log/log_writer.h"
#include "track/resident_parts.h"

namespace memtape {

class RssSampler {
 public:
  // `always`: it is time whenever somebody asks.
  void Start(bool always, uint64_t now_ns);
  // Whether it is time: once a period if anything has changed, and when RSS is higher than at any
  // look before. Asked at each sample; RSS and the bytes of live blocks are that sample's.
  bool IsDue(uint64_t now_ns, uint64_t rss, uint64_t live);
  // Whether a look that cannot come later would show more than the latest: a process that exits
  // has several such moments within milliseconds, and waits for each look. `live`: bytes of live
  // blocks, which a look counts when it begins, while the pages that it sees go on growing.
  bool IsNews(uint64_t now_ns, uint64_t rss, uint64_t live) const;
  // Begins a look; one that is not over is forgotten. Then it is looked on in steps that take less
  // than a millisecond, until one says that it is over, and what was seen can be written.
  void Begin(const ResidentParts::Owners& owners, Dictionary* dictionary, uint64_t now_ns,
             uint64_t rss, uint64_t live);
  bool looking() const { return looking_; }
  bool Step();
  void Write(LogWriter* writer);
  uint64_t seen_rss() const { return seen_rss_; }
  void Clear() {
    parts_.Clear();
    looking_ = false;
  }

 private:
  ResidentParts parts_;
  bool always_ = false;
  bool available_ = true;
  bool looking_ = false;
  uint64_t start_ns_ = 0, next_ns_ = 0;
  uint64_t spent_ns_ = 0;  // processor time of all looks
  uint64_t cost_ns_ = 0;   // and of the latest
  // When it began.
  uint64_t begun_ns_ = 0, begun_rss_ = 0, begun_live_ = 0;
  uint64_t peak_ = 0;                    // the highest RSS of all looks
  uint64_t last_rss_ = 0;                // when it was last asked
  uint64_t seen_ns_ = 0, seen_rss_ = 0;  // at the end of the latest look
  uint64_t seen_live_ = 0;               // and when it began
};

}  // namespace memtape

// SPDX-License-Identifier: MIT
// The order of events over all rings (format.md F-16): by stamp, in each ring as written.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <algorithm>

namespace memtape {

// Of sources[0, count), the one whose next record comes first; null when no record is stamped up to
// `horizon`. *run_end: its records with a lower stamp come before all others, too.
//
// Sources have empty() and stamp(), that of the next record. Equal stamps are common where the
// clock is coarse (40 ns on some arm64), and then only the events tell what came first:
// fits(source) says whether its next record can: a block can be freed while it is live and
// allocated while it is not.
template <typename Source, typename Fits>
Source* FirstSource(Source* sources, size_t count, uint64_t horizon, uint64_t* run_end,
                    Fits&& fits) {
  Source* first = nullptr;
  uint64_t lowest = UINT64_MAX;
  uint64_t second = UINT64_MAX;
  for (Source* source = sources; source < sources + count; source++) {
    if (source->empty()) continue;
    const uint64_t stamp = source->stamp();
    if (stamp < lowest) {
      second = lowest;
      lowest = stamp;
      first = source;
    } else {
      second = std::min(second, stamp);
    }
  }
  if (first == nullptr || lowest > horizon) return nullptr;
  *run_end = std::min(second, horizon + 1);
  if (second != lowest) return first;
  for (Source* source = first; source < sources + count; source++) {
    if (!source->empty() && source->stamp() == lowest && fits(*source)) return source;
  }
  return first;
}

}  // namespace memtape

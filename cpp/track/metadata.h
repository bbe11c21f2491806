// SPDX-License-Identifier: MIT
// Metadata and trailer as JSON (format.md §6). Drain thread only.
#pragma once

#include "log/log_writer.h"
#include "track/session.h"

namespace memtape {

// What the process is, as far as the kernel and libc tell. What Node knows of itself comes later,
// from the addon.
void WriteStartMetadata(LogWriter* writer, const SessionOptions& options, uint64_t start_unix_ns);
void WriteTrailer(LogWriter* writer, const SessionSummary& summary, const char* end);

}  // namespace memtape

// SPDX-License-Identifier: MIT
#include "track/metadata.h"

#include <string.h>

#include "base/text_buffer.h"
#include "os/os.h"
#include "os/proc.h"

#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif

#ifndef MEMTAPE_VERSION
#define MEMTAPE_VERSION "0.1.0"
#endif

namespace memtape {
namespace {

using Json = TextBuffer<64 << 10>;

// Too large for a small stack; the drain thread is the only user.
Json json;

void Key(const char* name) {
  json.AddChar(json.size() <= 1 ? ' ' : ',').AddQuoted(name).AddChar(':');
}
void Number(const char* name, uint64_t value) {
  Key(name);
  json.AddNumber(value);
}
void Text(const char* name, std::string_view value) {
  Key(name);
  json.AddQuoted(value);
}

void Link(const char* name, const char* link) {
  char path[4096];
  const int64_t length = os::ReadLink(link, path, sizeof path);
  if (length > 0) Text(name, {path, static_cast<size_t>(length)});
}

void Command() {
  // Long command lines are cut: the record must stay valid JSON.
  constexpr size_t kMaxCommandBytes = 16 << 10;
  const std::span<const char> text = os::ReadWholeFile("/proc/self/cmdline");
  Key("command");
  json.AddChar('[');
  size_t at = 0;
  while (at < text.size() && at < kMaxCommandBytes) {
    const size_t length = strnlen(text.data() + at, text.size() - at);
    if (at > 0) json.AddChar(',');
    json.AddQuoted({text.data() + at, length < kMaxCommandBytes ? length : kMaxCommandBytes});
    at += length + 1;
  }
  json.AddChar(']');
}

std::string_view Architecture() {
#if defined(__x86_64__)
  return "x64";
#elif defined(__aarch64__)
  return "arm64";
#endif
}

void Options(const SessionOptions& options) {
  Key("options");
  json.Add("{\"native\":").Add(options.native ? "true" : "false");
  json.Add(",\"follow\":").Add(options.follow ? "true" : "false");
  json.Add(",\"intervalMs\":").AddNumber(options.interval_ms);
  json.Add(",\"jsHeap\":").AddNumber(options.js_heap_interval).AddChar('}');
}

}  // namespace

void WriteStartMetadata(LogWriter* writer, const SessionOptions& options, uint64_t start_unix_ns) {
  json.Clear();
  json.AddChar('{');
  Text("memtape", MEMTAPE_VERSION);
  Text("mode", options.mode);
  Number("pid", static_cast<uint64_t>(os::Pid()));
  Number("ppid", static_cast<uint64_t>(os::ParentPid()));
  Command();
  Link("cwd", "/proc/self/cwd");
  Link("executable", "/proc/self/exe");
  TextBuffer<32> start;
  Text("startUnixNs", start.AddNumber(start_unix_ns).view());
#if defined(__GLIBC__)
  TextBuffer<64> libc;
  Text("libc", libc.Add("glibc ").Add(gnu_get_libc_version()).view());
#else
  Text("libc", "musl");
#endif
  Text("arch", Architecture());
  Text("platform", "linux");
  Number("pageSize", os::PageSize());
  Text("clock", "tsc");
  Options(options);
  if (options.no_js_stacks != nullptr) {
    Text("jsStacks", "none");
    Text("jsStacksReason", options.no_js_stacks);
  }
  const uint64_t limit = os::CgroupMemoryLimit();
  Key("cgroupLimit");
  if (limit == 0) {
    json.Add("null");
  } else {
    json.AddNumber(limit);
  }
  json.AddChar('}');
  writer->Emit([&](RecordEncoder& encoder) { return encoder.Metadata(json.view()); });
}

void WriteTrailer(LogWriter* writer, const SessionSummary& summary, const char* end) {
  json.Clear();
  json.AddChar('{');
  Text("end", summary.error_text != nullptr ? "error" : end);
  TextBuffer<32> now;
  Text("endUnixNs", now.AddNumber(os::UnixNs()).view());
  Number("durationNs", summary.duration_ns);
  Number("allocations", summary.allocations);
  Number("frees", summary.frees);
  Number("allocatedBytes", summary.allocated_bytes);
  Number("foreignFrees", summary.foreign_frees);
  Number("missedFrees", summary.missed_frees);
  Number("nested", summary.nested);
  Number("stalls", summary.stalls);
  Number("stallNs", summary.stall_ns);
  Number("dropped", summary.dropped);
  Number("peakBytes", summary.peak_bytes);
  Number("peakTimeNs", summary.peak_time_ns);
  Number("peakEvent", summary.peak_event);
  Number("liveBytes", summary.live_bytes);
  Number("liveBlocks", summary.live_blocks);
  Number("childrenRss", os::ChildrenPeakBytes());
  Key("error");
  if (summary.error_text == nullptr) {
    json.Add("null");
  } else {
    TextBuffer<256> error;
    error.Add(summary.error_text);
    if (const char* why = os::ErrorText(summary.error)) {
      error.Add(" (").Add(why).Add(")");
    } else if (summary.error != 0) {
      error.Add(" (errno ").AddNumber(static_cast<uint64_t>(summary.error)).Add(")");
    }
    json.AddQuoted(error.view());
  }
  json.AddChar('}');
  writer->Emit([&](RecordEncoder& encoder) { return encoder.Trailer(json.view()); });
}

}  // namespace memtape

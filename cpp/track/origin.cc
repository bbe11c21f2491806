// SPDX-License-Identifier: MIT
#include "track/origin.h"

#include <string_view>

#include "os/os.h"
#include "track/events.h"

namespace memtape {
namespace {

// Threads that start threads that start threads: beyond this, the frames in between are left out.
constexpr uint16_t kMaxDepth = 8;

bool RunsJavaScript(ThreadState* state) {
  return state->js.c_entry_fp != nullptr && v8::WalkJs(state->js, state->keys, 1).count > 0;
}

Origin Make(ThreadState* state, Handing handing, const Regs& caller) {
  Origin origin;
  const bool goes_on = IsOriginKey(state->origin);
  if (!goes_on && !RunsJavaScript(state)) return origin;
  origin.session = state->session;
  origin.kind = ThreadKind::kNative;
  origin.depth = static_cast<uint16_t>(goes_on ? current_origin.depth + 1 : 1);
  if (origin.depth > kMaxDepth) {
    origin.key = state->origin | kOriginCut;
    origin.depth = kMaxDepth;
    return origin;
  }
  const uint64_t stack = CaptureStack(state, caller);
  const RecordPart part = {&stack, sizeof stack};
  PushTo(state, RingRecord::kOrigin, &part, 1);
  origin.key = OriginKey(state->thread, static_cast<uint32_t>(stack));
  if (handing == Handing::kThread) origin.key |= kOriginStartedThread;
  return origin;
}

}  // namespace

[[gnu::tls_model("initial-exec")]] constinit thread_local Origin current_origin;

uint64_t OriginKeyIn(uint32_t session) {
  const bool valid = current_origin.session == 0 || current_origin.session == session;
  return valid ? current_origin.key : 0;
}

Origin LibuvPoolOrigin() {
  return {kLabelLibuvPool, 0, 0, ThreadKind::kLibuvPool};
}

Origin V8PlatformOrigin() {
  return {kLabelV8Platform, 0, 0, ThreadKind::kV8Platform};
}

void RecognizeThread() {
  if (current_origin.kind != ThreadKind::kUnknown) return;
  char text[16];
  const std::string_view name = {text, os::OwnThreadName(text)};
  // The kernel cuts names to 15 bytes. Node.js 20 names none of its threads, 22 only some.
  if (name == "libuv-worker") {
    current_origin = LibuvPoolOrigin();
  } else if (name == "V8Worker" || name == "node-V8Worker" || name == "DelayedTaskSche") {
    current_origin = V8PlatformOrigin();
  }
}

void SetOrigin(const Origin& origin) {
  current_origin = origin;
  ThreadState* state = thread_state;
  // A state of another session takes its origin when it joins the running one.
  if (state != nullptr) state->origin = OriginKeyIn(state->session);
}

OriginScope::OriginScope(const Origin& origin) : before_(current_origin) {
  // A pool that is older than the hooks and has no name.
  if (before_.kind == ThreadKind::kUnknown) before_ = LibuvPoolOrigin();
  Origin inside = origin.key != 0 ? origin : before_;
  inside.kind = before_.kind;
  SetOrigin(inside);
}

Origin MakeOrigin(Handing handing, const Regs& caller) {
  ThreadState* state = Enter();
  if (state == nullptr) return {};
  const Origin origin = Make(state, handing, caller);
  Leave(state);
  return origin;
}

}  // namespace memtape

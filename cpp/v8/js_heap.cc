// SPDX-License-Identifier: MIT
#include "v8/js_heap.h"

#include <string.h>

#include <algorithm>
#include <span>

#include "v8/allocation_profile.h"
#include "v8/code_events.h"
#include "v8/layout.h"

namespace memtape::v8 {
namespace {

// As deep as V8's inspector asks for. V8 walks the profile by recursion on the program's stack.
constexpr int kStackDepth = 128;
constexpr size_t kMaxNameBytes = 512;
constexpr size_t kMaxUrlBytes = 4096;
constexpr size_t kChunkBytes = 32 << 10;

struct ToldSample {
  uint64_t id;
  uint32_t node_id;
  uint32_t size;

  bool operator<(const ToldSample& other) const { return id < other.id; }
  bool operator==(const ToldSample& other) const {
    return id == other.id && node_id == other.node_id && size == other.size;
  }
};

template <typename T>
std::span<T> ItemsOf(const PageBuffer& buffer) {
  return {reinterpret_cast<T*>(buffer.data), buffer.size / sizeof(T)};
}

// e^-x for x >= 0 without libm, to about 10^-12.
double ExpOfMinus(double x) {
  if (x > 60) return 0;
  const double y = -x / 1024;
  double result = 1 + y * (1 + y / 2 * (1 + y / 3 * (1 + y / 4 * (1 + y / 5))));
  for (int i = 0; i < 10; i++) result *= result;
  return result;
}

// For how many objects of its size a sample stands when samples are `interval` bytes apart. V8 says
// the same of samples that we asked for.
bool IsSampledEach(uint64_t interval, const ProfileSample& sample) {
  const double x = static_cast<double>(sample.size) / static_cast<double>(interval);
  const double expected = 1 / (1 - ExpOfMinus(x));
  const double off = expected - static_cast<double>(sample.count);
  return -1.5 - expected * 1e-6 < off && off < 1.5 + expected * 1e-6;
}

// Reads the samples into `state->js_heap.samples`, by id. False when there is no memory.
bool ReadSamples(IsolateState* state, const StdVector<uint8_t>& from, bool* ours) {
  PageBuffer& samples = state->js_heap.samples;
  samples.size = 0;
  const size_t stride = ProfileSampleBytes(GetLayout().major);
  for (const uint8_t* at = from.begin; at + stride <= from.end; at += stride) {
    ProfileSample sample;
    memcpy(&sample, at, sizeof sample);
    *ours = *ours && IsSampledEach(state->js_heap.interval, sample);
    if (!samples.Reserve(sizeof(ToldSample))) return false;
    const ToldSample told = {sample.sample_id, sample.node_id, static_cast<uint32_t>(sample.size)};
    memcpy(samples.data + samples.size, &told, sizeof told);
    samples.size += sizeof told;
  }
  const std::span<ToldSample> all = ItemsOf<ToldSample>(samples);
  std::sort(all.begin(), all.end());
  return true;
}

// Samples are forgotten and come, but none comes back: one that is as old as those of the latest
// profile must be among them.
bool ContinuesWhatWasTold(const JsHeapSampling& heap) {
  const std::span<ToldSample> told = ItemsOf<ToldSample>(heap.told);
  if (told.empty()) return true;
  size_t i = 0;
  for (const ToldSample& sample : ItemsOf<ToldSample>(heap.samples)) {
    if (sample.id > told.back().id) break;
    while (told[i].id < sample.id) i++;
    if (!(told[i] == sample)) return false;
  }
  return true;
}

uint64_t UsedHeap(const IsolateState* state) {
  HeapStatistics heap;
  GetApi().heap_statistics_init(&heap);
  GetApi().get_heap_statistics(state->isolate, &heap);
  return heap.used_heap_size;
}

// Whole characters only.
uint32_t ReadString(Isolate* isolate, const void* string, char* out, size_t capacity) {
  if (string == nullptr) return 0;
  const Api& api = GetApi();
  constexpr int kNoNull = 2, kReplaceInvalid = 8;
  constexpr int kReplaceInvalidV2 = 2;
  if (api.write_utf8_v2 != nullptr) {
    return static_cast<uint32_t>(
        api.write_utf8_v2(string, isolate, out, capacity, kReplaceInvalidV2, nullptr));
  }
  const int written = api.write_utf8(string, isolate, out, static_cast<int>(capacity), nullptr,
                                     kNoNull | kReplaceInvalid);
  return static_cast<uint32_t>(written);
}

// The tree into records of kChunkBytes.
class TreeSender {
 public:
  explicit TreeSender(IsolateState* state) : state_(state), out_(state->js_heap.nodes) {
    out_.size = 0;
  }

  // False when there is no memory for it.
  bool Send(const ProfileNode* root) {
    // V8's root stands for no function; it may hold samples without any.
    if (root->allocations.begin != root->allocations.end && !Add(*root, 0)) return false;
    struct Level {
      ProfileNode* const* next;
      ProfileNode* const* end;
    };
    Level levels[kStackDepth + 2];
    size_t depth = 0;
    levels[0] = {root->children.begin, root->children.end};
    for (;;) {
      Level& level = levels[depth];
      if (level.next == level.end) {
        if (depth == 0) break;
        depth--;
        continue;
      }
      const ProfileNode& node = **level.next++;
      if (!Add(node, static_cast<uint32_t>(depth))) return false;
      if (depth + 1 < std::size(levels)) {
        levels[++depth] = {node.children.begin, node.children.end};
      }
    }
    Flush();
    return true;
  }

 private:
  bool Add(const ProfileNode& node, uint32_t depth) {
    if (!out_.Reserve(kChunkBytes + sizeof(JsHeapNode) + kMaxNameBytes + kMaxUrlBytes))
      return false;
    JsHeapNode head = {};
    for (const auto* at = node.allocations.begin; at != node.allocations.end; at++) {
      head.bytes += at->size * at->count;
      head.objects += at->count;
    }
    head.depth = depth;
    head.script_id = static_cast<uint32_t>(std::max(node.script_id, 0));
    head.line = static_cast<uint32_t>(std::max(node.line, 0));
    head.column = static_cast<uint32_t>(std::max(node.column, 0));
    char* text = reinterpret_cast<char*>(out_.data + out_.size + sizeof head);
    head.name_bytes = ReadString(state_->isolate, node.name, text, kMaxNameBytes);
    head.url_bytes =
        ReadString(state_->isolate, node.script_name, text + head.name_bytes, kMaxUrlBytes);
    memcpy(out_.data + out_.size, &head, sizeof head);
    out_.size += sizeof head + head.text_bytes();
    if (out_.size >= kChunkBytes) Flush();
    return true;
  }

  void Flush() {
    if (out_.size == 0 && !first_) return;
    const uint64_t head = first_ ? 1 : 0;
    const RecordPart parts[] = {{&head, sizeof head}, {out_.data, out_.size}};
    state_->observer.push(RingRecord::kJsHeapNodes, parts, 2);
    first_ = false;
    out_.size = 0;
  }

  IsolateState* state_;
  PageBuffer& out_;
  bool first_ = true;
};

void TellProfile(PushRecord push, const JsHeapHead& head, std::string_view problem) {
  const RecordPart parts[] = {{&head, sizeof head}, {problem.data(), problem.size()}};
  push(RingRecord::kJsHeap, parts, 2);
}

// Sampling is over, and not because we ended it.
void GiveUp(IsolateState* state, std::string_view why) {
  TellNoJsHeap(state->observer.push, state->js_heap.interval, why);
  state->js_heap.interval = 0;
}

void SendProfile(IsolateState* state, AllocationProfile* profile, JsHeapHead head) {
  JsHeapSampling& heap = state->js_heap;
  bool ours = true;
  if (!ReadSamples(state, *profile->virtual_table->samples(profile), &ours)) return;
  if (!ours || !ContinuesWhatWasTold(heap)) {
    return GiveUp(state, "another heap profiler took the place of memtape's");
  }
  if (!TreeSender(state).Send(profile->virtual_table->root(profile))) return;
  head.samples = ItemsOf<ToldSample>(heap.samples).size();
  TellProfile(state->observer.push, head, {});
  heap.told_used = std::max(heap.told_used, head.used);
  std::swap(heap.told, heap.samples);
}

void TellJsHeap(IsolateState* state, uint64_t flags) {
  const Api& api = GetApi();
  JsHeapHead head = {};
  head.flags = flags;
  head.interval = state->js_heap.interval;
  head.used = UsedHeap(state);
  state->observer.profile_start();
  AllocationProfile* profile = api.get_allocation_profile(api.get_heap_profiler(state->isolate));
  if (profile == nullptr) {
    GiveUp(state, "another heap profiler ended memtape's");
  } else {
    SendProfile(state, profile, head);
    profile->virtual_table->destroy_and_delete(profile);
  }
  state->observer.profile_end();
}

// A profile for each eighth that the heap grows: what is the highest is known to that, and a heap
// that grows from 4 MB to 4 GB costs 59 of them.
bool HasGrown(const IsolateState* state) {
  constexpr uint64_t kLeast = 1 << 20;
  const uint64_t told = state->js_heap.told_used;
  return UsedHeap(state) >= told + std::max(told / 8, kLeast);
}

void OnProfileInterrupt(Isolate*, void* data) {
  IsolateState* state = static_cast<IsolateState*>(data);
  state->js_heap.requested = false;
  TellJsHeapIfGrown(state);
}

}  // namespace

void StartJsHeap(IsolateState* state, uint64_t interval) {
  const Api& api = GetApi();
  const PushRecord push = state->observer.push;
  if (!api.CanSampleHeap()) {
    return TellNoJsHeap(push, interval, "this program does not export V8's heap profiler");
  }
  HeapProfiler* profiler = api.get_heap_profiler(state->isolate);
  if (!api.start_sampling(profiler, interval, kStackDepth, kSamplingNoFlags)) {
    return TellNoJsHeap(push, interval,
                        "another heap profiler was sampling already: "
                        "--heap-prof, an inspector session or another addon");
  }
  state->js_heap.interval = interval;
}

void StopJsHeap(IsolateState* state) {
  JsHeapSampling& heap = state->js_heap;
  if (heap.interval != 0) {
    const Api& api = GetApi();
    api.stop_sampling(api.get_heap_profiler(state->isolate));
  }
  heap.interval = 0;
  for (PageBuffer* buffer : {&heap.told, &heap.samples, &heap.nodes}) buffer->Free();
}

void AfterCollection(IsolateState* state) {
  JsHeapSampling& heap = state->js_heap;
  if (heap.interval == 0 || heap.requested || !HasGrown(state)) return;
  heap.requested = true;
  GetApi().request_interrupt(state->isolate, OnProfileInterrupt, state);
}

void TellJsHeapIfGrown(IsolateState* state) {
  if (state->js_heap.interval != 0 && HasGrown(state)) TellJsHeap(state, 0);
}

void TellJsHeapAtEnd(IsolateState* state, bool collected) {
  if (state->js_heap.interval == 0) return;
  TellJsHeap(state, kJsHeapEnd | (collected ? kJsHeapCollected : 0));
}

void CollectJsHeap(IsolateState* state) {
  if (state->js_heap.interval == 0) return;
  // Twice: where marking is already on its way, the first one ends that, and what died since it
  // began counts as alive (16 MB of 16 MB in every third run of a test).
  GetApi().memory_pressure(state->isolate, kPressureCritical);
  GetApi().memory_pressure(state->isolate, kPressureCritical);
}

void TellNoJsHeap(PushRecord push, uint64_t interval, std::string_view why) {
  JsHeapHead head = {};
  head.interval = interval;
  head.problem_bytes = why.size();
  TellProfile(push, head, why);
}

}  // namespace memtape::v8

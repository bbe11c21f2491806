// SPDX-License-Identifier: MIT
#include "v8/api.h"

#include <dlfcn.h>

namespace memtape::v8 {
namespace {

template <typename T>
void Find(T* function, const char* name) {
  *function = reinterpret_cast<T>(dlsym(RTLD_DEFAULT, name));
}

#define GC_CALLBACK "EPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_"

Api Lookup() {
  Api api = {};
  Find(&api.get_current, "_ZN2v87Isolate10GetCurrentEv");
  Find(&api.try_get_current, "_ZN2v87Isolate13TryGetCurrentEv");
  Find(&api.in_context, "_ZN2v87Isolate9InContextEv");
  Find(&api.set_jit_code_event_handler,
       "_ZN2v87Isolate22SetJitCodeEventHandlerENS_19JitCodeEventOptionsE"
       "PFvPKNS_12JitCodeEventEE");
  Find(&api.add_gc_prologue, "_ZN2v87Isolate21AddGCPrologueCallback" GC_CALLBACK "S2_");
  Find(&api.remove_gc_prologue, "_ZN2v87Isolate24RemoveGCPrologueCallback" GC_CALLBACK);
  Find(&api.add_gc_epilogue, "_ZN2v87Isolate21AddGCEpilogueCallback" GC_CALLBACK "S2_");
  Find(&api.remove_gc_epilogue, "_ZN2v87Isolate24RemoveGCEpilogueCallback" GC_CALLBACK);
  Find(&api.get_stack_sample,
       "_ZN2v87Isolate14GetStackSampleERKNS_13RegisterStateEPPvmPNS_10SampleInfoE");
  Find(&api.request_interrupt, "_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_");
  Find(&api.heap_statistics_init, "_ZN2v814HeapStatisticsC1Ev");
  Find(&api.get_heap_statistics, "_ZN2v87Isolate17GetHeapStatisticsEPNS_14HeapStatisticsE");
  Find(&api.number_of_heap_spaces, "_ZN2v87Isolate18NumberOfHeapSpacesEv");
  Find(&api.heap_space_statistics_init, "_ZN2v819HeapSpaceStatisticsC1Ev");
  Find(&api.get_heap_space_statistics,
       "_ZN2v87Isolate22GetHeapSpaceStatisticsEPNS_19HeapSpaceStatisticsEm");
  Find(&api.get_version, "_ZN2v82V810GetVersionEv");
  Find(&api.get_heap_profiler, "_ZN2v87Isolate15GetHeapProfilerEv");
  Find(&api.start_sampling,
       "_ZN2v812HeapProfiler25StartSamplingHeapProfilerEmiNS0_13SamplingFlagsE");
  Find(&api.stop_sampling, "_ZN2v812HeapProfiler24StopSamplingHeapProfilerEv");
  Find(&api.get_allocation_profile, "_ZN2v812HeapProfiler20GetAllocationProfileEv");
  Find(&api.memory_pressure,
       "_ZN2v87Isolate26MemoryPressureNotificationENS_19MemoryPressureLevelE");
  Find(&api.write_utf8, "_ZNK2v86String9WriteUtf8EPNS_7IsolateEPciPii");
  Find(&api.write_utf8_v2, "_ZNK2v86String11WriteUtf8V2EPNS_7IsolateEPcmiPm");
  Find(&api.get_current_context, "_ZN2v87Isolate17GetCurrentContextEv");
  Find(&api.get_current_environment, "_ZN4node21GetCurrentEnvironmentEN2v85LocalINS0_7ContextEEE");
  Find(&api.add_environment_cleanup_hook,
       "_ZN4node25AddEnvironmentCleanupHookEPN2v87IsolateEPFvPvES3_");
  return api;
}

}  // namespace

const Api& GetApi() {
  static const Api api = Lookup();
  return api;
}

int64_t DebugConstant(const char* name, int64_t fallback) {
  const int* value = reinterpret_cast<const int*>(dlsym(RTLD_DEFAULT, name));
  return value == nullptr ? fallback : *value;
}

}  // namespace memtape::v8

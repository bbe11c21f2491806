// SPDX-License-Identifier: MIT
// What V8's own threads worked on: they are a pool, on which compilers and the phases of a collection take turns.

/** In the order in which the table asks. */
export const V8_ROLES = [
  'V8 compiler',
  'V8 scavenger',
  'V8 marker',
  'V8 sweeper',
  'V8 mark-compact',
] as const;

export type V8Role = (typeof V8_ROLES)[number];

/** The outermost frame of a stack on one of these threads. */
export const V8_PLATFORM_LABEL = '(V8 platform)';

/**
 * Symbol → role. The outermost frame that has one decides: with native stacks that is the job that the pool runs, as seen on
 * Node.js 20, 22, 24 and 26:
 *
 *     compiler      OptimizingCompileDispatcher::CompileTask (20, 22), OptimizingCompileTaskExecutor::CompileTask (24, 26),
 *                   maglev::MaglevConcurrentDispatcher::JobTask, baseline::ConcurrentBaselineCompiler::JobDispatcher (24, 26)
 *     scavenger     ScavengerCollector::JobTask (20 to 24), ScavengerJobTask (26)
 *     marker        ConcurrentMarking::JobTaskMajor; of C++ objects cppgc's ConcurrentMarkingTask
 *     sweeper       Sweeper's jobs, ArrayBufferSweeper's; of C++ objects cppgc's ConcurrentSweepTask
 *     mark-compact  what follows the marking: PageEvacuationJob, PointersUpdatingJob, ParallelClearingJob
 *
 * Other stacks have one native frame, which called the allocator. The table names those that only one role calls on these threads:
 * Zones (`AllocAtLeastWithRetry`) and handle blocks of a LocalHeap are the compilers', a Worklist with segments of 256
 * is the scavenger's. Compilers, too, push to the marker's Worklist (segments of 64) when they write to an object while marking
 * goes on; mark-compact on Node.js 26 calls an assembler, too; whoever needs a page calls `MemoryAllocator` or `OS`; whoever needs space on a page may sweep one (`LocalSweeper`,
 * `AddSweptPage`). These stay without a role. test/truth/v8-roles.test.ts compares the two ways on all allocations of a program.
 */
const TABLE: readonly (readonly [V8Role, RegExp])[] = [
  [
    'V8 compiler',
    /v8::internal::(?:Optimiz(?:ing|ed)Compil|Turbofan|compiler::|maglev::|baseline::|ConstPool::|AllocAtLeastWithRetry|LocalHandles::AddBlock)/,
  ],
  [
    'V8 scavenger',
    /v8::internal::(?:Scavenger|IterateAndScavenge)|heap::base::Worklist<.*v8::internal::.*\(unsigned short\)256>/,
  ],
  [
    'V8 marker',
    /(?:v8|cppgc)::internal::(?:\(anonymous namespace\)::)?(?:Concurrent(?:UnifiedHeap)?Marking|UnifiedHeapConcurrentMarker)/,
  ],
  [
    'V8 sweeper',
    /(?:v8|cppgc)::internal::(?:\(anonymous namespace\)::)?(?:ArrayBufferSweeper::|Sweeper::(?:Concurrent|Major|Minor|\w*Job)|ConcurrentSweepTask)/,
  ],
  [
    'V8 mark-compact',
    /v8::internal::(?:\(anonymous namespace\)::)?(?:\w*Evacuat|PointersUpdating|ParallelClearing|MarkCompactCollector::|RecordMigratedSlot)/,
  ],
];

/** What a function of this name is called for on one of V8's threads; null where it may be several things, or is not V8's. */
export function v8RoleOf(name: string): V8Role | null {
  return TABLE.find(([, symbols]) => symbols.test(name))?.[0] ?? null;
}

// SPDX-License-Identifier: MIT
// The public API. Everything here is documented where it is defined.
export type { Moment } from './aggregate/growth.js';
export type { JsHeapSeries, ProcessSeries, TimelineMark } from './aggregate/timeline.js';
export type { Capture, GrowthRange, JsHeap } from './capture/capture.js';
export type { Captures } from './capture/captures.js';
export type { MemoryProfile, ProfileEntry, StackEntry } from './capture/memory-profile.js';
export type { CaptureMetadata, CaptureOutcome } from './capture/metadata.js';
export { openCapture, openCaptures } from './capture/open-capture.js';
export type { RecordBatch, RecordColumns } from './capture/record-batch.js';
export type {
  AllocRecord,
  CaptureRecord,
  CollectionRecord,
  ForeignFreeRecord,
  FreeRecord,
  MappingDelta,
  MappingRecord,
  RareRecord,
  RecordType,
} from './capture/records.js';
export {
  renderCsv,
  renderDiff,
  renderFlamegraph,
  renderLeaks,
  renderRss,
  renderRssPage,
  renderStats,
  renderSummary,
  renderTable,
  renderTree,
} from './capture/render.js';
export type { ReportsByName } from './capture/render-csv.js';
export type { FlamegraphSelection, ProfileSelection, Reports } from './capture/reports.js';
export type { CaptureStacks } from './capture/stacks.js';
export type { Collection, CollectionTotal, Timeline } from './capture/timeline.js';
export { FormatError } from './decode/format-error.js';
export type { ThreadInfo } from './format/records.js';
export type { RenderedPage, RenderOptions } from './html/render.js';
export type { RssRenderOptions } from './html/render-rss.js';
export type { RenderedTable, TableRenderOptions } from './html/render-table.js';
export type { Frame, FrameKind } from './model/frame.js';
export type { ProfileKind, ProfileRows } from './model/profile.js';
export type { V8Role } from './model/v8-roles.js';
export { NativeError } from './native/native-error.js';
export type { DiffOptions, DiffReport, DiffRow, DiffStatus } from './report/diff.js';
export type { FlamegraphReport, TreeColumns } from './report/flamegraph-report.js';
export type { HistogramBin } from './report/histogram.js';
export type { JsHeapIsolate, JsHeapReport } from './report/js-heap-report.js';
export type { AgeBin, LeakRow, LeakSeries, LeaksOptions, LeaksReport } from './report/leaks.js';
export type {
  RssArena,
  RssBreakdown,
  RssDetail,
  RssExplained,
  RssKind,
  RssReport,
  RssRow,
  RssSeries,
  RssVerdict,
  RssVerdictKind,
} from './report/rss-report.js';
export type { ModuleSum, ProcessStats, StatsMetadata, StatsReport } from './report/stats-report.js';
export type { SummaryColumn, SummaryOptions, SummaryReport, SummaryRow } from './report/summary.js';
export type { TableData, TableOptions, TableReport } from './report/table.js';
export type { TableRow } from './report/table-rows.js';
export type { ThreadSum } from './report/thread-sums.js';
export type { WorkerName } from './report/thread-text.js';
export type { GcSummary, TimelineReport } from './report/timeline.js';
export type { TreeData, TreeNode, TreeOptions, TreeReport, TreeView } from './report/tree.js';
export type { TextOptions } from './text/text-options.js';
export { FileDestination, type FileDestinationOptions } from './tracker/destination.js';
export type { TrackerOptions } from './tracker/options.js';
export { Tracker, type TrackerSummary, track } from './tracker/tracker.js';
export { UsageError } from './tracker/usage-error.js';

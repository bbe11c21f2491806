// SPDX-License-Identifier: MIT
// Error.stack of whoever calls this, as JSON: all frames, leaf first, [function, file, line, column] each. Of what is on the
// stack only: not the callers of async functions, which V8 looks up in promises.
'use strict';

const place = (site) => [
  site.getFunctionName() ?? '',
  site.getScriptNameOrSourceURL() ?? '',
  site.getLineNumber() ?? 0,
  site.getColumnNumber() ?? 0,
];

// (V8's own functions, Array.prototype.map for example, have no line.)
const format = (_, sites) =>
  JSON.stringify(sites.filter((site) => !site.isAsync() && site.getLineNumber()).map(place));

// Programs have their own ideas of how stacks look: theirs stay.
module.exports = function ask() {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.prepareStackTrace = format;
  Error.stackTraceLimit = Number.POSITIVE_INFINITY;
  const holder = {};
  Error.captureStackTrace(holder, ask);
  const { stack } = holder;
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  return stack;
};

// SPDX-License-Identifier: MIT
// Draws what a terminal showed as SVG: bold, dim and the colours that reports use, nothing that moves the cursor.
const CELL = { width: 8.4, height: 18 };
const PADDING = 14;
const ESCAPE = String.fromCharCode(27);
const SEQUENCE = new RegExp(`(${ESCAPE}\\[[\\d;?]*[A-Za-z])`);
const ONE_SEQUENCE = new RegExp(`^${ESCAPE}\\[([\\d;?]*)([A-Za-z])$`);
/** @type {Readonly<Record<number, string>>} */
const COLOURS = {
  30: '#484f58',
  31: '#ff7b72',
  32: '#7ee787',
  33: '#e3b341',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#76e3ea',
  37: '#e6edf3',
  90: '#8b949e',
};

/** @param {string} text */
const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/**
 * The attributes after a sequence of SGR codes.
 * @param {{ bold: boolean, dim: boolean, fill: string }} style
 * @param {string} codes
 */
function restyled(style, codes) {
  let next = { ...style };
  for (const code of codes.split(';').map(Number)) {
    if (code === 0) next = { bold: false, dim: false, fill: '' };
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 39) next.fill = '';
    else if (COLOURS[code]) next.fill = COLOURS[code];
  }
  return next;
}

/**
 * @param {string} output what was written to the terminal
 * @param {string} title for who cannot see the picture
 */
export function ansiToSvg(output, title) {
  // A line of progress is written over by what comes after it.
  const lines = output
    .trimEnd()
    .split(/\r*\n/)
    .map((line) => line.slice(line.lastIndexOf('\r') + 1));
  let style = { bold: false, dim: false, fill: '' };
  let columns = 0;
  const rows = lines.map((line, row) => {
    let column = 0;
    const y = PADDING + (row + 0.75) * CELL.height;
    const spans = line.split(SEQUENCE).map((part) => {
      const [, codes, kind] = ONE_SEQUENCE.exec(part) ?? [];
      if (kind !== undefined) {
        if (kind === 'm') style = restyled(style, codes || '0');
        return '';
      }
      const attributes = [
        style.bold && 'font-weight="bold"',
        style.dim && 'opacity="0.65"',
        style.fill && `fill="${style.fill}"`,
      ].filter(Boolean);
      // Each run of words has its place: a row of spaces would be drawn as one.
      const runs = [...part.matchAll(/\S+(?: \S+)*/g)].map(({ 0: text, index }) => {
        const x = PADDING + (column + [...part.slice(0, index)].length) * CELL.width;
        const length = [...text].length * CELL.width;
        return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" textLength="${length.toFixed(1)}" ${attributes.join(' ')}>${escaped(text)}</text>`;
      });
      column += [...part].length;
      return runs.join('');
    });
    columns = Math.max(columns, column);
    return spans.join('');
  });
  const width = Math.ceil(2 * PADDING + columns * CELL.width);
  const height = 2 * PADDING + lines.length * CELL.height;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">
${rows.filter((row) => row !== '').join('\n')}
</g>
</svg>
`;
}

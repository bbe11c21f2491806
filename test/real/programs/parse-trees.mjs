// SPDX-License-Identifier: MIT
// Parses JavaScript with a parser in WebAssembly and keeps the syntax trees: parse-trees.mjs COUNT [debug]
// Only the debug build of the parser names its functions; it is twenty times slower.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [count, build] = process.argv.slice(2);
const { Language, Parser } = await import(
  build === 'debug' ? 'web-tree-sitter/debug' : 'web-tree-sitter'
);
const pathOf = (name) => fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url));

async function createParser() {
  await Parser.init();
  const grammar = pathOf('tree-sitter-javascript/tree-sitter-javascript.wasm');
  return new Parser().setLanguage(await Language.load(grammar));
}

function parseFile(parser, text) {
  return parser.parse(text);
}

const parser = await createParser();
const text = readFileSync(pathOf('three/build/three.core.js'), 'utf8');
const trees = Array.from({ length: Number(count) }, () => parseFile(parser, text));
const nodes = trees.reduce((sum, { rootNode }) => sum + rootNode.descendantCount, 0);
console.log(`${trees.length} trees, ${nodes} nodes`);

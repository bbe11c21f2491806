// SPDX-License-Identifier: MIT
// The kinds of functions and of calls that generate.ts makes programs of, as text.

export interface Bodies {
  /** Statements, with `x` to read and write. */
  body(): string;
  /** An expression that calls another function. */
  call(): string;
}

/** Defines `name`, which can be called with a value. */
type FunctionForm = (name: string, bodies: Bodies) => string;

export const functionForms: readonly FunctionForm[] = [
  (f, { body }) => `function ${f}(x) {\n${body()}\nreturn x;\n}`,
  (f, { body }) => `function ${f}(x) {\n${body()}\nreturn x;\n}`,
  (f, { body, call }) => `function ${f}(x) {\n${body()}\nreturn ${call()};\n}`,
  (f, { body }) => `const ${f} = (x) => {\n${body()}\n};`,
  (f, { call }) => `const ${f} = (x) => ${call()};`,
  (f, { body }) => `const ${f} = function named(x, ...rest) {\n${body()}\n};`,
  (f, { body, call }) => `function ${f}(x = ${call()}, { y = ${call()} } = {}) {\n${body()}\n}`,
  (f, { body }) =>
    `async function ${f}(x) {\n${body()}\nawait null;\n${body()}\nawait use(x);\n${body()}\n}`,
  (f, { call }) => `const ${f} = async (x) => use(${call()}, await ${call()}, ${call()});`,
  (f, { body, call }) =>
    `function* generate_${f}(x) {\n${body()}\nyield ${call()};\n${body()}\n}\n` +
    `function ${f}(x) {\nfor (const y of generate_${f}(x)) use(y);\n}`,
  (f, { body, call }) =>
    `function* generate_${f}(x) {\nyield* [1, ${call()}];\n${body()}\n}\n` +
    `function ${f}(x) {\nconst [a, ...b] = generate_${f}(x);\nreturn Math.max(...generate_${f}(x));\n}`,
  (f, { body, call }) =>
    `async function* generate_${f}(x) {\n${body()}\nyield ${call()};\n${body()}\n}\n` +
    `async function ${f}(x) {\nfor await (const y of generate_${f}(x)) use(y);\n}`,
  (f, { body, call }) =>
    `class Class_${f} {\nfield = ${call()};\n#hidden(x) {\n${body()}\n}\n` +
    `constructor(x) {\n${body()}\nthis.#hidden(x);\n}\n}\nfunction ${f}(x) {\nreturn new Class_${f}(x) && 1;\n}`,
  (f, { body }) =>
    `class Base_${f} {\nconstructor(x) {\n${body()}\n}\nmethod(x) {\n${body()}\n}\n}\n` +
    `class Derived_${f} extends Base_${f} {\nmethod(x) {\nsuper.method(x);\n${body()}\n}\n}\n` +
    `function ${f}(x) {\nnew Derived_${f}(x).method(x);\n}`,
  (f, { body }) =>
    `class Static_${f} {\nstatic get value() {\n${body()}\nreturn 1;\n}\nstatic set value(x) {\n${body()}\n}\n}\n` +
    `function ${f}(x) {\nStatic_${f}.value = x;\nreturn Static_${f}.value;\n}`,
  (f, { body }) =>
    `const object_${f} = {\nget lazy() {\n${body()}\nreturn 1;\n},\nmethod(x) {\n${body()}\n},\n` +
    `[Symbol.toPrimitive]: function primitive() {\n${body()}\nreturn 2;\n},\n};\n` +
    `function ${f}(x) {\nobject_${f}.method(x);\nreturn object_${f}.lazy + \`\${object_${f}}\`.length;\n}`,
  (f, { body }) =>
    `function tag_${f}(strings, x) {\n${body()}\nreturn strings[0] + x;\n}\n` +
    `function ${f}(x) {\nreturn tag_${f}\`a\${1}b\`;\n}`,
  (f, { body }) =>
    `const make_${f} = (y) => (x) => {\n${body()}\nreturn y;\n};\nconst ${f} = make_${f}(1);`,
  (f, { body }) =>
    `const traps_${f} = {\nget(target, key) {\n${body()}\nreturn 1;\n},\nhas() {\n${body()}\nreturn true;\n},\n` +
    `apply(target, self, [x]) {\n${body()}\nreturn target(x);\n},\n};\n` +
    `const proxy_${f} = new Proxy(use, traps_${f});\n` +
    `function ${f}(x) {\nuse('a' in proxy_${f}, proxy_${f}.a);\nreturn proxy_${f}(x);\n}`,
  (f, { body }) =>
    `const iterable_${f} = {\n[Symbol.iterator]: function start() {\nlet count = 0;\nreturn {\nnext() {\n${body()}\n` +
    `return { done: count++ > 1, value: 1 };\n},\nreturn() {\n${body()}\nreturn {};\n},\n};\n},\n};\n` +
    `function ${f}(x) {\nfor (const y of iterable_${f}) if (left % 2) break;\nreturn [...iterable_${f}].length;\n}`,
  (f, { body }) =>
    `function loop_${f}(x) {\nlet sum = 0;\nfor (let i = 0; i < 900; i++) {\nsum += i;\nif ((i & 511) === 300) {\n${body()}\n}\n}\n` +
    `return sum;\n}\nconst ${f} = loop_${f};`,
  (f, { body }) =>
    `function ${f}(x, depth = 5) {\nif (depth > 0) return ${f}(x, depth - 1);\n${body()}\nreturn depth;\n}`,
];

/** Calls the function `f` with `x`: an expression on one line. */
type CallForm = (f: string, x: string) => string;

export const callForms: readonly CallForm[] = [
  (f, x) => `${f}(${x})`,
  (f, x) => `${f}(${x})`,
  (f, x) => `${f}(${x})`,
  (f) => `${f}(x)`,
  (f, x) => `${f}.call(null, ${x})`,
  (f, x) => `${f}.apply(null, [${x}])`,
  (f, x) => `Reflect.apply(${f}, null, [${x}])`,
  (f, x) => `${f}(...[${x}])`,
  (f, x) => `${f}.bind(null, ${x})()`,
  (f, x) => `new Proxy(${f}, {})(${x})`,
  (f) => `pairs.map(${f})`,
  (f) => `pairs.forEach((y) => ${f}(y))`,
  (f) => `pairs.filter((y) => { return ${f}(y); })`,
  (f) => `pairs.reduce((sum, y) => use(sum, ${f}(y)), 0)`,
  (f) => `pairs.some((y) => ${f}(y)) || pairs.findLast(${f})`,
  (f) => `pairs.flatMap((y) => [${f}(y)])`,
  (f, x) => `[3, 1, 2].sort((a, b) => use(${f}(${x})) * (a - b))`,
  (f) => `Array.from({ length: 2 }, ${f})`,
  (f) => `Uint8Array.from([1], (y) => use(${f}(y)))`,
  (f) => `'abc'.replace(/[ab]/g, (y) => ${f}(y))`,
  (f) => `'abc'.replaceAll('b', ${f})`,
  (f) => `JSON.parse('[1,{"a":2}]', (key, y) => { ${f}(y); return y; })`,
  (f, x) => `JSON.stringify({ toJSON: () => { ${f}(${x}); return 1; } })`,
  (f, x) => `JSON.stringify([1], (key, y) => { ${f}(${x}); return y; })`,
  (f, x) => `use(\`\${{ toString() { ${f}(${x}); return ''; } }}\`)`,
  (f, x) => `({ get lazy() { return ${f}(${x}); } }).lazy`,
  (f, x) => `({ valueOf: () => { ${f}(${x}); return 1; } }) + 1`,
  (f) => `new Map([[1, 2]]).forEach(${f})`,
  (f) => `new Set([1]).forEach((y) => ${f}(y))`,
  (f, x) => `(() => ${f}(${x}))()`,
  (f, x) => `(function () { return ${f}(${x}); })()`,
  (f, x) => `addon.call(() => ${f}(${x}))`,
  (f, x) => `eval('use(1);\\n${f}(${x})')`,
  (f, x) => `eval('${f}(${x}) //# sourceURL=evaluated.js')`,
  (f, x) => `made(${f}, ${x})`,
  (f, x) => `elsewhere(${f}, ${x})`,
  (f, x) => `here(${f}, ${x})`,
  (f, x) => `throughWasm(${f}, ${x})`,
  (f, x) => `deep(3, () => ${f}(${x}))`,
  (f) => `Promise.resolve(1).then(${f}).catch(use)`,
  (f, x) => `queueMicrotask(() => { try { ${f}(${x}); } catch { use(); } })`,
  (f, x) => `process.nextTick(() => { try { ${f}(${x}); } catch { use(); } })`,
  (f, x) => `setImmediate(() => { try { ${f}(${x}); } catch { use(); } })`,
  (f, x) => `new (class { constructor() { use(${f}(${x})); } })()`,
  (f, x) => `(class { static value = ${f}(${x}); }).value`,
  (f, x) => `Object.assign({}, { get a() { return ${f}(${x}); } })`,
  (f, x) => `Reflect.get({ get a() { return ${f}(${x}); } }, 'a')`,
  (f, x) => `Reflect.construct(function Made() { use(${f}(${x})); }, [])`,
  (f, x) => `(use(), ${f})?.(${x})`,
];

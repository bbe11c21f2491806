// SPDX-License-Identifier: MIT
// The part of WebAssembly that kernel.ts uses; the types of Node.js 20 have none, and the browser's bring all of the DOM.

declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface Global {
    readonly value: number;
  }
}

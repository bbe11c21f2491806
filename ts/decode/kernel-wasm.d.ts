// SPDX-License-Identifier: MIT
// wasm/ compiled; kernel-wasm.js is made by scripts/build-wasm.mjs and not tracked.

export declare const kernelBase64: string;

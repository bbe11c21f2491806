// SPDX-License-Identifier: MIT
// The page's parts as strings; app-bundle.js is made by scripts/build-html.mjs and not tracked.

/** page.html with {{…}} where render.ts puts its parts. */
export declare const markup: string;
export declare const style: string;
export declare const headScript: string;
export declare const script: string;

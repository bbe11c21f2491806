// SPDX-License-Identifier: MIT
// The pages' parts as strings; app-bundle.js is made by scripts/build-html.mjs and not tracked.

/** Runs before anything is drawn, in every page. */
export declare const headScript: string;
/** Of every page. */
export declare const style: string;
/** page.html with {{…}} where html-page.ts puts its parts; likewise table.html below. */
export declare const flamegraphMarkup: string;
export declare const flamegraphScript: string;
export declare const tableMarkup: string;
export declare const tableScript: string;
export declare const rssMarkup: string;
export declare const rssScript: string;

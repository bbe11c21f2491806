// SPDX-License-Identifier: MIT
// Opens a report in Chromium and keeps account of everything that should not happen.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { chromiumFlags, chromiumPath } from '../../scripts/chromium.mjs';

export interface OpenPage {
  readonly page: Page;
  /** Console errors, exceptions, violations of the content security policy, requests. */
  readonly troubles: string[];
}

export class ReportBrowser {
  readonly #browser: Browser;
  readonly #folder = mkdtempSync(join(tmpdir(), 'memtape-html-'));
  #files = 0;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async launch(): Promise<ReportBrowser> {
    const browser = await chromium.launch({ executablePath: chromiumPath(), args: chromiumFlags });
    return new ReportBrowser(browser);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    rmSync(this.#folder, { recursive: true });
  }

  /** Writes a page to disk and returns its address, to which fragments can be added. */
  write(html: string): string {
    const file = join(this.#folder, `report-${this.#files++}.html`);
    writeFileSync(file, html);
    return pathToFileURL(file).href;
  }

  /** A page without anything; it ends with the browser. */
  async blank(): Promise<Page> {
    return await this.#browser.newPage();
  }

  async open(address: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
    const context = await this.#browser.newContext({
      viewport: { width: 1280, height: 800 },
      reducedMotion: 'reduce',
      ...options,
    });
    const page = await context.newPage();
    const troubles: string[] = [];
    page.on('console', (message) => {
      if (message.type() !== 'log') troubles.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => troubles.push(`exception: ${error.message}`));
    page.on('request', (request) => {
      const [own] = address.split('#');
      const isOwn = request.url().split('#')[0] === own || request.url().startsWith('data:');
      if (!isOwn) troubles.push(`request: ${request.url()}`);
    });
    await page.goto(address);
    await page.waitForSelector('html[data-ready]');
    return { page, troubles };
  }
}

// SPDX-License-Identifier: MIT
// @ts-nocheck: runs in the page. Its value: visible texts whose contrast with what is behind them is below 4.5.

{
  const numbers = (colour) => {
    const parts = (colour.match(/[\d.]+/g) ?? []).map(Number);
    // color-mix() results come as color(srgb r g b / a) with parts up to 1.
    return colour.startsWith('color(')
      ? [...parts.slice(0, 3).map((p) => p * 255), ...parts.slice(3)]
      : parts;
  };
  const luminance = (rgb) => {
    const [r = 0, g = 0, b = 0] = rgb.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (start) => {
    for (let at = start; at !== null; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const each of document.querySelectorAll('body *')) {
    const text = Array.from(each.childNodes).find(
      (node) => node.nodeType === 3 && node.textContent?.trim(),
    );
    const box = each.getBoundingClientRect();
    if (text === undefined || box.width === 0 || box.height === 0) continue;
    // WCAG exempts controls that cannot be used.
    if (each instanceof HTMLButtonElement && each.disabled) continue;
    const [a, b] = [luminance(numbers(getComputedStyle(each).color)), luminance(behind(each))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5)
      poor.push(`${contrast.toFixed(2)} ${each.tagName}.${each.className}: ${text.textContent}`);
  }
  poor;
}

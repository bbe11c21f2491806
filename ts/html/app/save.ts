// SPDX-License-Identifier: MIT
// Saves text as a file, without a server.

const KEEP_MS = 60_000;

export function saveText(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // Some browsers read it only after asking where to save it.
  setTimeout(() => URL.revokeObjectURL(address), KEEP_MS);
}

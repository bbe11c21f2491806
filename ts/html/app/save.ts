// SPDX-License-Identifier: MIT
// Saves text as a file, without a server.

export function saveText(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken it up once this task is done.
  setTimeout(() => URL.revokeObjectURL(address));
}

// SPDX-License-Identifier: MIT
// Names come from programs that may be hostile: as text they must neither steer a terminal nor disguise what follows.

const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029\ufeff]/gu;

/** Control characters, escape sequences' introducers and bidirectional overrides become U+FFFD. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd');
}

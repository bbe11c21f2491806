// SPDX-License-Identifier: MIT
// JSON on stdout by write(2) from a static buffer.

#include <string.h>
#include <unistd.h>

#include "truth.h"

static char buffer[1 << 18];
static size_t used;
static bool comma;

static void put(const char* text) {
  size_t length = strlen(text);
  EXPECT(used + length <= sizeof buffer);
  memcpy(buffer + used, text, length);
  used += length;
}

// Names here are identifiers and paths: nothing needs an escape.
static void put_key(const char* key) {
  if (comma) put(",");
  if (key == NULL) return;
  put("\"");
  put(key);
  put("\":");
}

void json_open(const char* key, char bracket) {
  put_key(key);
  put(bracket == '{' ? "{" : "[");
  comma = false;
}

void json_close(char bracket) {
  put(bracket == '}' ? "}" : "]");
  comma = true;
}

void json_string(const char* key, const char* value) {
  put_key(key);
  put("\"");
  put(value);
  put("\"");
  comma = true;
}

void json_number(const char* key, int64_t value) {
  char digits[24];
  size_t at = sizeof digits - 1;
  digits[at] = 0;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do {
    digits[--at] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (value < 0) digits[--at] = '-';
  put_key(key);
  put(digits + at);
  comma = true;
}

void json_flush(void) {
  put("\n");
  for (size_t done = 0; done < used;) {
    ssize_t n = write(1, buffer + done, used - done);
    if (n <= 0) _exit(99);
    done += (size_t)n;
  }
  used = 0;
  comma = false;
}

void fail(const char* file, int line, const char* what) {
  used = 0;
  comma = false;
  json_open(NULL, '{');
  json_string("error", what);
  json_string("file", file);
  json_number("line", line);
  json_close('}');
  put("\n");
  (void)!write(2, buffer, used);
  _exit(98);
}

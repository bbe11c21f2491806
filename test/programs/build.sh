#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the programs that the tests record: build.sh [OUT] (default: out/ beside this file).
# No inlining and no tail calls: a site's name must be on the stack. Bound at start: no resolver frames later.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/out}
cc=${CC:-cc}
flags='-std=gnu17 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -fno-builtin -fno-inline -fno-optimize-sibling-calls
  -fno-omit-frame-pointer -pthread'
mkdir -p "$out"
# shellcheck disable=SC2086  # flags is a list of words
$cc $flags -shared -fPIC -o "$out/libtruth_plugin.so" "$here/truth/plugin.c"
# shellcheck disable=SC2086,SC2046
$cc $flags -rdynamic -Wl,-z,now -o "$out/truth" $(ls "$here"/truth/*.c | grep -v plugin.c) -ldl
# shellcheck disable=SC2086
$cc $flags -O2 -shared -fPIC -o "$out/libcounter.so" "$here/counter.c" -ldl

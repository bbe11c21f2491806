#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the programs that the tests record: build.sh [OUT] (default: out/ beside this file).
# NODE_INCLUDE names the folder with node_api.h; without it, the running Node's own is looked for.
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
# shellcheck disable=SC2086
$cc $flags -o "$out/rss" "$here/rss.c"

include=${NODE_INCLUDE:-$(node -p 'require("node:path").join(process.execPath, "../../include/node")')}
# shellcheck disable=SC2086
${CXX:-c++} -std=c++20 -O1 -g -Wall -Wextra -Werror -fno-builtin -fno-optimize-sibling-calls \
  -fno-omit-frame-pointer -pthread -shared -fPIC -I"$include" -DNAPI_VERSION=9 \
  -o "$out/truth_addon.node" "$here"/addon/*.cc

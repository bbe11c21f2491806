# SPDX-License-Identifier: MIT
# Runs inside gdb (compare-stacks.mjs starts it): at every n-th stack that memtape defines, compares the
# frames that it has just walked, address and stack pointer of each, with those that gdb finds.
import bisect
import collections
import json
import os
import re
import struct
import subprocess

import gdb
from gdb.unwinder import Unwinder, register_unwinder

EVERY = int(os.environ['COMPARE_EVERY'])
SAMPLES = int(os.environ['COMPARE_SAMPLES'])
EXAMPLES = 3

counts = collections.Counter()
gaps = collections.Counter()  # by file
misses = collections.defaultdict(lambda: {'count': 0, 'examples': []})
totals = {'frames': 0, 'jit': 0, 'stacks': 0}


class Builtins:
    """V8's own code inside the program: without call frame information, but with frame pointers."""

    def __init__(self, program):
        names = subprocess.run(['nm', program], capture_output=True, text=True, check=False).stdout
        found = {m[2]: int(m[1], 16) for m in re.finditer(r'^(\w+) \w (Builtins_\w+)$', names, re.M)}
        entry = int(gdb.parse_and_eval('(long)&Builtins_JSEntry'))
        bias = entry - found['Builtins_JSEntry']
        self.low = min(found.values()) + bias
        self.high = max(found.values()) + bias + 4096

    def has(self, pc):
        return self.low <= pc < self.high


class V8Unwinder(Unwinder):
    """What gdb has no information for: code that V8 compiled, and its builtins."""

    def __init__(self):
        super().__init__('v8')
        self.builtins = None
        self.known = {}

    def is_v8(self, pc):
        # (Compiled code may lie where other compiled code was; files are not unmapped meanwhile.)
        if pc not in self.known:
            path, _ = file_of(pc)
            self.known[pc] = path is None or (
                path == PROGRAM and (self.builtins.has(pc) or not in_program(pc))
            )
        return self.known[pc]

    def __call__(self, pending):
        pc = int(pending.read_register('rip')) & ((1 << 64) - 1)
        if self.builtins is None or not self.is_v8(pc):
            return None
        fp = pending.read_register('rbp')
        at = int(fp) & ((1 << 64) - 1)
        try:
            saved, back = struct.unpack('<QQ', gdb.selected_inferior().read_memory(at, 16))
        except gdb.MemoryError:
            return None

        class Id:
            pass

        frame = Id()
        frame.sp = gdb.Value(at + 16)
        frame.pc = gdb.Value(back)
        unwound = pending.create_unwind_info(frame)
        long = gdb.lookup_type('long')
        unwound.add_saved_register('rip', gdb.Value(back).cast(long))
        unwound.add_saved_register('rsp', gdb.Value(at + 16).cast(long))
        unwound.add_saved_register('rbp', gdb.Value(saved).cast(long))
        totals['jit'] += 1
        return unwound


class Rows:
    """Which code of a file has call frame information."""

    def __init__(self, path):
        text = subprocess.run(
            ['readelf', '--debug-dump=frames', path], capture_output=True, text=True, check=False
        ).stdout
        ranges = re.findall(r'FDE .* pc=([0-9a-f]+)\.\.([0-9a-f]+)', text)
        self.ranges = sorted((int(a, 16), int(b, 16)) for a, b in ranges)

    def cover(self, address):
        index = bisect.bisect(self.ranges, (address, 1 << 64)) - 1
        return index >= 0 and address < self.ranges[index][1]


rows = {}
program_ranges = []
bases = {}


def file_of(pc):
    """The file that `pc` is in and its address there."""
    for line in open(f'/proc/{gdb.selected_inferior().pid}/maps'):
        part = line.split(None, 5)
        low, high = (int(x, 16) for x in part[0].split('-'))
        if low <= pc < high and len(part) == 6:
            path = part[5].strip()
            if path == PROGRAM:
                return path, pc
            if path not in bases:
                bases[path] = low - int(part[2], 16)
            return path, pc - bases[path]
    return None, pc


def in_program(pc):
    """Whether `pc` is where the loader put it. (V8 maps its builtins a second time, near the code it compiles.)"""
    if not program_ranges:
        for line in open(f'/proc/{gdb.selected_inferior().pid}/maps'):
            if line.rstrip().endswith(PROGRAM):
                program_ranges.append([int(x, 16) for x in line.split(None, 1)[0].split('-')])
    return any(low <= pc < high for low, high in program_ranges)


def has_rows(pc):
    path, address = file_of(pc)
    if path is None or not path.startswith('/'):
        return True
    if path not in rows:
        rows[path] = Rows(path)
    return rows[path].cover(address - 1) or rows[path].cover(pc - 1)


def frames_of_memtape():
    state = gdb.Value(int(gdb.selected_frame().read_register('rdi'))).cast(state_type)
    memo = state['memo']
    depth = int(memo['depth_'])
    size = memo['frames_'].type.target().sizeof
    data = bytes(gdb.selected_inferior().read_memory(int(memo['frames_']), depth * size))
    frames = [struct.unpack_from('<QQ', data, i * size) for i in range(depth)]
    return frames[::-1], str(memo['end_']).rsplit('::', 1)[-1]


def frames_of_gdb():
    frames = []
    frame = gdb.newest_frame().older()
    while frame is not None and frame.is_valid():
        # (The others are made up from debug information.)
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            frames.append((frame.pc(), int(frame.read_register('rsp')) & ((1 << 64) - 1)))
        frame = frame.older()
    return frames


def place(pc):
    path, address = file_of(pc)
    symbol = gdb.execute(f'info symbol {pc}', to_string=True).split(' in section')[0].strip()
    name = os.path.basename(path) if path else 'compiled code'
    return f'{name}+{address:#x} {"" if symbol.startswith("No symbol") else symbol}'.strip()


def miss(kind, example):
    entry = misses[kind]
    entry['count'] += 1
    if len(entry['examples']) < EXAMPLES:
        entry['examples'].append(example)


def compare():
    ours, end = frames_of_memtape()
    if not ours:
        counts['no module known yet'] += 1
        return
    theirs = frames_of_gdb()
    counts['samples'] += 1
    if ours[0] not in theirs:
        miss('the first frame is not in gdb\'s', place(ours[0][0]))
        return
    theirs = theirs[theirs.index(ours[0]) :]
    if ours == theirs:
        counts['equal'] += 1
        totals['frames'] += len(ours)
        return
    same = 0
    while same < min(len(ours), len(theirs)) and ours[same] == theirs[same]:
        same += 1
    last = ours[same - 1][0]
    if not unwinder.is_v8(last) and not has_rows(last) and end == 'kRoot':
        counts['equal until gdb knows no rows'] += 1
        gaps[os.path.basename(file_of(last)[0])] += 1
        return
    def tail(frames):
        return [place(pc) for pc, _ in frames[max(same - 2, 0) : same + 3]]

    kind = f'after {place(last)}, {end}, {len(ours) - same} more frames, {len(theirs) - same} in gdb'
    miss(kind, {'memtape': tail(ours), 'gdb': tail(theirs)})


class AtStack(gdb.Breakpoint):
    def stop(self):
        # (gdb counts what it ignores after it has asked here.)
        totals['stacks'] += 1
        if totals['stacks'] % EVERY != 0:
            return False
        try:
            compare()
        except (gdb.error, RuntimeError) as error:
            miss(f'gdb: {error}', '')
        if counts['samples'] >= SAMPLES:
            self.enabled = False
        return False


for command in (
    'pagination off',
    'confirm off',
    'debuginfod enabled off',
    'startup-with-shell off',
    'backtrace past-main on',
    'backtrace past-entry on',
    'backtrace limit unlimited',
    'breakpoint pending on',
    'print thread-events off',
):
    gdb.execute(f'set {command}')
gdb.execute('handle all nostop noprint pass', to_string=True)
gdb.execute('handle SIGTRAP stop noprint nopass', to_string=True)
environment = json.loads(os.environ['COMPARE_ENV'])
for name, value in environment.items():
    gdb.execute(f'set environment {name} {value}')
# (gdb does not ask unwinders that come once the program runs.)
unwinder = V8Unwinder()
register_unwinder(None, unwinder, replace=True)
gdb.execute('starti', to_string=True)
# The library's own types, once the loader has mapped it.
gdb.execute('tbreak __libc_start_main', to_string=True)
gdb.execute('continue', to_string=True)
PROGRAM = os.path.realpath(gdb.current_progspace().filename)
in_program(0)
state_type = gdb.lookup_type('memtape::ThreadState').pointer()
unwinder.builtins = Builtins(PROGRAM)
define = int(gdb.parse_and_eval('(long)&memtape::DefineNativeStack'))
point = AtStack(f'*{define}')
gdb.execute('continue')
with open(os.environ['COMPARE_REPORT'], 'w') as report:
    json.dump({**counts, **totals, 'gaps': gaps, 'misses': misses}, report)

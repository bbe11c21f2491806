# SPDX-License-Identifier: MIT
# peak-rss.py COMMAND…: runs it and prints its highest resident set size in bytes, as wait4 tells, in the last line of stderr.
import os
import sys

pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss * 1024, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))

# SPDX-License-Identifier: MIT
# Runs a command on a pseudo terminal: pseudo-terminal.py COLUMNS ROWS COMMAND...
# Standard input goes to the terminal, what it shows to standard output; lines "columns rows" on descriptor 3 resize it, and "kill SIGTERM"
# sends a signal. At the end
# descriptor 4 gets {"status", "signal", "restored"}: whether the terminal's modes are what they were.
import fcntl, json, os, pty, select, signal, struct, sys, termios


def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


columns, rows, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
master, slave = pty.openpty()
resize(master, columns, rows)
before = termios.tcgetattr(slave)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    for fd in (3, 4, master):
        os.close(fd)
    os.execvp(command[0], command)

sources = [master, 0, 3]
status = None
while status is None or select.select([master], [], [], 0)[0]:
    ready, _, _ = select.select(sources, [], [], 0.05)
    if master in ready:
        output = os.read(master, 65536)
        while output:
            output = output[os.write(1, output):]
    if 0 in ready:
        data = os.read(0, 65536)
        if data:
            os.write(master, data)
        else:
            sources.remove(0)
    if 3 in ready:
        line = os.read(3, 65536).decode().strip()
        if line.startswith("kill "):
            os.kill(child, getattr(signal, line.split()[1]))
        elif line:
            resize(master, *map(int, line.splitlines()[-1].split()))
        else:
            sources.remove(3)
    if status is None:
        done, result = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if done and os.WIFSTOPPED(result):
            os.write(1, b"\x1b]stopped\x07")
        elif done:
            status = result
end = {
    "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
    "signal": signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None,
    "restored": termios.tcgetattr(slave) == before,
}
os.write(4, json.dumps(end).encode())

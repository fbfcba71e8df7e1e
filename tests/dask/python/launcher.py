"""Runs a command for a test program, and sees to it that the command ends no later than the program.

The test program holds the other end of standard input. Each line that it writes is the name of a signal for the
command, and of all that the command has started. When it ends, however it ends, standard input does too, and what is
left is killed. A process of its own does that, since the command may be stopped, or busy inside of a lock.
"""

import os
import signal
import subprocess
import sys
import threading


def obey(group):
    while line := sys.stdin.buffer.readline():
        os.killpg(group, getattr(signal, line.decode().strip()))
    os.killpg(group, signal.SIGKILL)


# Out of the group of the test program, with which the launcher would be killed or interrupted: who ends the program ends
# the group as a rule. Its end is told by standard input.
os.setsid()
# A session of its own, so that its process group has the same number, and the terminal sends it nothing.
command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
threading.Thread(target=obey, args=[command.pid], daemon=True).start()
# As long as nobody has asked for its exit code, the number cannot stand for another process.
os.waitid(os.P_PID, command.pid, os.WEXITED | os.WNOWAIT)
os.killpg(command.pid, signal.SIGKILL)
code = command.poll()
# Not `sys.exit`: it waits for the thread's hold on standard input.
os._exit(code if code >= 0 else 128 - code)

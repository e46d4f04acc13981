"""Watch what the processes of a sandbox use, and kill them."""

import itertools
import subprocess
import sys

import psutil

CPU = 20  # seconds of a task, all its processes together
IDLE = 15  # seconds that a task may wait, all its pauses together
LOOK = 0.2  # seconds between two checks of a sandbox
MEMORY = 3 << 30  # bytes that all processes use together; shared pages count for each


class BoxError(Exception):
    """A task gave no answer; the message is a sentence for the student."""


class Watch:
    """What one task has used so far."""

    def __init__(self, *processes):
        """Watch processes, by their numbers, and their descendants."""
        self.processes = [number for number in processes if number is not None]
        self.idle = 0
        self.before = self.cpu = _used(self.processes)[1]

    def look(self):
        """Raise BoxError when it has used up its memory, computing time or patience."""
        memory, self.cpu, waits = _used(self.processes)
        self.idle += LOOK if waits else 0
        if memory > MEMORY:
            used = memory >> 20
            allowed = MEMORY >> 20
            raise BoxError(f"It used {used} MB of memory, more than the {allowed} allowed.")
        if self.cpu - self.before > CPU:
            raise BoxError(f"Its processes computed for more than {CPU} seconds together.")
        if self.idle > IDLE:
            raise BoxError(f"It waited for {IDLE} seconds without doing anything.")

    def spent(self):
        """Seconds of computing and waiting; short tasks, which end before a check, are free."""
        return self.cpu - self.before + self.idle


def _used(processes):
    """Memory (bytes) and computing time (seconds) of processes and their descendants; whether all
    of them wait.
    """
    memory = 0
    cpu = 0
    waits = True
    for each in itertools.chain.from_iterable(map(_tree, processes)):
        try:
            with each.oneshot():
                memory += each.memory_info().rss
                times = each.cpu_times()
                cpu += times.user + times.system + times.children_user + times.children_system
                waits = waits and each.status() in (
                    psutil.STATUS_SLEEPING,
                    psutil.STATUS_ZOMBIE,
                    psutil.STATUS_STOPPED,
                )
        except psutil.Error:
            continue
    return memory, cpu, waits


def _tree(number):
    try:
        root = psutil.Process(number)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def kill_tree(process):
    """Kill a process and its descendants; with the first process of a namespace, the whole
    namespace ends.
    """
    for _ in range(10):
        tree = _tree(process.pid)
        for each in tree:
            try:
                each.kill()
            except psutil.Error:
                continue
        if len(tree) <= 1:
            break
        psutil.wait_procs(tree[1:], timeout=0.5)
    process.wait()


def kill_user(user):
    """Kill all processes of a user, until none is left."""
    killer = "import os; os.setuid(int(os.sys.argv[1])); os.kill(-1, 9)"
    while any(_lives(process, user) for process in psutil.process_iter(["uids", "status"])):
        subprocess.run([sys.executable, "-I", "-c", killer, str(user)], stderr=subprocess.DEVNULL)


def _lives(process, user):
    """Whether a process belongs to a user, and is not just a zombie."""
    uids = process.info["uids"]
    return uids and uids.real == user and process.info["status"] != psutil.STATUS_ZOMBIE

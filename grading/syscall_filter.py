"""Refuse system calls that a student's NumPy never needs: one more wall of the sandbox.

The filter is a small program for the kernel (seccomp). It can't be removed, and children inherit
it. It refuses debugging other processes and setting their limits, new namespaces, mounts, keys,
kernel modules, io_uring, memory that no limit counts, anything that outlives a process (System V
and POSIX queues), all sockets but Unix domain ones, and ways to wait that look like a busy machine:
a lower priority, and vfork, whose parent waits as if for a disk.

It runs in the sandbox and needs only the standard library.
"""

import ctypes
import errno
import platform
import struct

# Numbers of system calls, for x86_64 and aarch64. Source: asm/unistd.h of Linux 6.1
REFUSED = {
    "ptrace": (101, 117),
    "setpriority": (141, 140),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
}
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
SOCKET = (41, 198)
PRLIMIT = (302, 261)  # of another process: a task could starve its server
CLONE = (56, 220)
CLONE3 = (435, 435)
VFORK = 58  # on x86_64 only; subprocess and the C library use fork if it is refused
CLONE_VFORK = 0x4000
AF_UNIX = 1
NEW_NAMESPACES = 0x7E020000  # all flags CLONE_NEW..., together
X32 = 0x40000000  # x86_64's second set of numbers begins here

LOAD = 0x20
EQUAL = 0x15
AT_LEAST = 0x35
ANY_BIT = 0x45
RETURN = 0x06
ALLOW = 0x7FFF0000
REFUSE = 0x00050000
# offsets in what the kernel shows the filter
NUMBER = 0
ARCHITECTURE = 4
FIRST_ARGUMENT = 16
PR_SET_SECCOMP = 22
FILTER_MODE = 2


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def install():
    """Install the filter for this process and all that it starts later.

    The process must have given up gaining privileges (PR_SET_NO_NEW_PRIVS).

    Returns: whether it is in force; on processors other than these two, it is not
    """
    if platform.machine() not in ARCHITECTURES:
        return False
    instructions = program(platform.machine())
    made = _Program(len(instructions) // 8, instructions)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return prctl(PR_SET_SECCOMP, FILTER_MODE, ctypes.byref(made), 0, 0) == 0


def program(machine):
    """The filter's instructions, 8 bytes each, for a processor in ARCHITECTURES."""
    column, architecture = ARCHITECTURES[machine]
    lines = [
        _line(LOAD, ARCHITECTURE),
        _line(EQUAL, architecture, skip_if_true=1),
        _refuse(errno.ENOSYS),
        _line(LOAD, NUMBER),
        _line(AT_LEAST, X32, skip_if_false=1),
        _refuse(errno.ENOSYS),
        _line(EQUAL, CLONE3[column], skip_if_false=1),
        _refuse(errno.ENOSYS),  # then the C library uses clone, whose flags can be read
    ]
    for number in _refused(column):
        lines.append(_line(EQUAL, number, skip_if_false=1))
        lines.append(_refuse(errno.EPERM))
    lines += [
        _line(EQUAL, CLONE[column], skip_if_false=4),
        _line(LOAD, FIRST_ARGUMENT),
        _line(ANY_BIT, NEW_NAMESPACES | CLONE_VFORK, skip_if_false=1),
        _refuse(errno.EPERM),
        _line(RETURN, ALLOW),
        _line(EQUAL, PRLIMIT[column], skip_if_false=4),
        _line(LOAD, FIRST_ARGUMENT),
        _line(EQUAL, 0, skip_if_true=1),
        _refuse(errno.EPERM),
        _line(RETURN, ALLOW),
        _line(EQUAL, SOCKET[column], skip_if_false=3),
        _line(LOAD, FIRST_ARGUMENT),
        _line(EQUAL, AF_UNIX, skip_if_true=1),
        _refuse(errno.EACCES),
        _line(RETURN, ALLOW),
    ]
    return b"".join(lines)


def _refused(column):
    numbers = [numbers[column] for numbers in REFUSED.values()]
    return [*numbers, VFORK] if column == 0 else numbers


def _line(code, value, skip_if_true=0, skip_if_false=0):
    return struct.pack("=HBBI", code, skip_if_true, skip_if_false, value)


def _refuse(error):
    return _line(RETURN, REFUSE | error)

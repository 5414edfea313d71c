"""System calls that lead out of a container, or into parts of the kernel where errors were found; none with effect."""

import ctypes
import errno
import os
import resource
import socket

from common import outcome_of, succeed

NEW_USER, NEW_MOUNTS = 0x10000000, 0x00020000
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(4096)
context = ctypes.c_ulong(0)
# Numbers of x86-64.
CALLS = {
    "mount": (165, b"none", b"/tmp", b"tmpfs", 0, 0),
    "umount2": (166, b"/proc", 2),
    "pivot_root": (155, b"/", b"/"),
    "chroot": (161, b"/tmp"),
    "fsopen": (430, b"tmpfs", 0),
    "open_tree": (428, -100, b"/", 1),
    "move_mount": (429, -1, b"", -1, b"", 0),
    "unshare of users": (272, NEW_USER),
    "unshare of mounts": (272, NEW_MOUNTS),
    "clone3": (435, buffer, 88),
    "setns": (308, 0, 0),
    "ptrace": (101, 0, 0, 0, 0),
    "bpf": (321, 0, buffer, 64),
    "perf_event_open": (298, buffer, 0, -1, -1, 0),
    "userfaultfd": (323, 1),
    "keyctl": (250, 0, -3, 0),
    "add_key": (248, b"user", b"x", b"y", 1, -3),
    "request_key": (249, b"user", b"x", 0, -3),
    "io_uring_setup": (425, 8, buffer),
    "io_setup": (206, 128, ctypes.byref(context)),
    "mq_open": (240, b"x", 0o102, 0o600, 0),
    "modify_ldt": (154, 0, buffer, 100),
    "memfd_secret": (447, 0),
    "fanotify_init": (300, 0, 0),
    "open_by_handle_at": (304, -100, buffer, 0),
    "name_to_handle_at": (303, -100, b"/", buffer, buffer, 0),
    "quotactl": (179, 0, b"", 0, buffer),
    "syslog": (103, 10, 0, 0),
    "init_module": (175, buffer, 10, b""),
    "finit_module": (313, 0, b"", 0),
    "delete_module": (176, b"nothing", 0),
    "kexec_load": (246, 0, 0, 0, 0),
    "swapon": (167, b"/nothing", 0),
    "acct": (163, b"/tmp/nothing"),
    "sethostname": (170, b"x", 1),
    "clock_settime": (227, 0, buffer),
    "settimeofday": (164, buffer, 0),
    "iopl": (172, 3),
    "ioperm": (173, 0x80, 1, 1),
    "mbind": (237, 0, 0, 0, 0, 0, 0),
    "personality": (135, 0x0040000),
    "vhangup": (153,),
    "lookup_dcookie": (212, 0, buffer, 100),
}
SOCKETS = {
    "raw": (socket.AF_INET, socket.SOCK_RAW, 1),
    "packet": (socket.AF_PACKET, socket.SOCK_RAW, 0),
    "vsock": (40, socket.SOCK_STREAM, 0),
    "alg": (38, socket.SOCK_SEQPACKET, 0),
    "bluetooth": (31, socket.SOCK_SEQPACKET, 0),
    "can": (29, socket.SOCK_RAW, 1),
    "tipc": (30, socket.SOCK_STREAM, 0),
    "rds": (21, socket.SOCK_SEQPACKET, 0),
    "key": (15, socket.SOCK_RAW, 2),
    "xdp": (44, socket.SOCK_RAW, 0),
    "netfilter": (socket.AF_NETLINK, socket.SOCK_RAW, 12),
    "xfrm": (socket.AF_NETLINK, socket.SOCK_RAW, 6),
}


def call(number, *arguments):
    ctypes.set_errno(0)
    if libc.syscall(number, *arguments) == -1:
        return errno.errorcode.get(ctypes.get_errno(), "?")
    return "allowed"


def raise_limit(name):
    kind = getattr(resource, name)
    soft, hard = resource.getrlimit(kind)
    try:
        resource.setrlimit(kind, (hard + 1, hard + 1) if hard >= 0 else (soft, hard))
    except (OSError, ValueError):
        return "EPERM"
    return "allowed" if hard >= 0 else "unlimited"


found = {name: call(*arguments) for name, arguments in CALLS.items()}
found["clone of users"] = call(56, NEW_USER | 17, 0, 0, 0, 0)
for name, kind in SOCKETS.items():
    found[f"socket of kind {name}"] = outcome_of(lambda kind=kind: socket.socket(*kind).close())
found["real-time scheduling"] = outcome_of(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
found["higher priority"] = outcome_of(lambda: os.setpriority(os.PRIO_PROCESS, 0, -5))
for name in ("RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CPU", "RLIMIT_RTPRIO", "RLIMIT_NICE", "RLIMIT_MEMLOCK"):
    found[f"more {name}"] = raise_limit(name)
succeed(**found)

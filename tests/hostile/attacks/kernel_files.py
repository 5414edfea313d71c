"""Writes to the kernel's own files, opens devices that the image brings, reads what the kernel hides."""

import glob
import os

from common import outcome_of, succeed


def write(path, text=b"1"):
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)


def read(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if not os.read(descriptor, 64):
            raise OSError(61, "nothing there")
    finally:
        os.close(descriptor)


WRITES = {
    "/proc/sysrq-trigger": b"?",
    "/proc/sys/kernel/core_pattern": b"|/bin/sh",
    "/proc/sys/kernel/panic": b"0",
    "/proc/sys/vm/drop_caches": b"1",
    "/proc/sys/kernel/hostname": b"x",
    "/proc/self/oom_score_adj": b"-1000",
    "/proc/self/uid_map": b"0 0 1",
    "/proc/1/mem": b"x",
    "/sys/kernel/uevent_helper": b"/bin/sh",
    "/sys/fs/cgroup/memory/release_agent": b"/bin/sh",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": b"-1",
    "/sys/fs/cgroup/memory.max": b"max",
    "/sys/fs/cgroup/pids/pids.max": b"max",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": b"-1",
    "/sys/class/net/lo/mtu": b"1000",
    "/sys/block": b"x",
    "/dev/mem": b"x",
}
READS = (
    *("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/kmsg"),
    *("/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/fuse", "/dev/vsock", "/dev/net/tun", "/dev/loop-control"),
    *("/image-device/disk", "/image-device/memory", "/image-device/messages"),
)
HIDDEN = ("/sys/firmware/*", "/proc/acpi/*", "/proc/scsi/*", "/sys/kernel/debug/*", "/sys/fs/bpf/*", "/proc/asound/*")
found = {f"write {path}": outcome_of(lambda path=path, text=text: write(path, text)) for path, text in WRITES.items()}
found |= {f"read {path}": outcome_of(lambda path=path: read(path)) for path in READS}
found |= {f"list {pattern}": "allowed" if glob.glob(pattern) else "ENOENT" for pattern in HIDDEN}
succeed(**found)

"""
The system calls that a container may make, as a seccomp profile in Docker's format.

An engine's own profile is made for programs of every kind, and what it allows depends on its age. Models and scripts
compute: they read and write files, start processes and threads, share memory, wait and talk to each other on their own
loopback. Whatever reaches further is left out, among it some that Docker's profile allows or did allow:

* sockets of any family but UNIX, IP and the kernel's routing table: ``AF_VSOCK`` leads out of a virtual machine past
  every network namespace;
* ``io_uring``, which runs calls past the filter, and ``io_setup``, whose contexts are counted for the whole host: one
  container could take them all;
* ``ptrace``, ``modify_ldt``, message queues (counted by user, over all containers) and 32-bit programs.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

FILES = """
access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fremovexattr
fsetxattr fstat fstatfs fsync ftruncate getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init
inotify_init1 inotify_rm_watch ioctl lchown lgetxattr link linkat listxattr listxattrat llistxattr lremovexattr lseek
lsetxattr lstat mkdir mkdirat mknod mknodat newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64
pwritev pwritev2 read readahead readlink readlinkat readv removexattr removexattrat rename renameat renameat2 rmdir
sendfile setxattr setxattrat splice stat statfs statx symlink symlinkat sync sync_file_range syncfs tee truncate umask
unlink unlinkat utime utimensat utimes vmsplice write writev
"""
MEMORY = """
brk cachestat get_robust_list madvise map_shadow_stack membarrier memfd_create mincore mlock mlock2 mlockall mmap
mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_madvise
process_mrelease process_vm_readv process_vm_writev remap_file_pages set_robust_list shmat shmctl shmdt shmget
"""
PROCESSES = """
arch_prctl capget capset execve execveat exit exit_group fork getcpu getegid geteuid getgid getgroups getpgid getpgrp
getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid ioprio_get ioprio_set
landlock_add_rule landlock_create_ruleset landlock_restrict_self pidfd_getfd pidfd_open pidfd_send_signal prctl
prlimit64 rseq sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
seccomp set_tid_address set_thread_area get_thread_area setfsgid setfsuid setgid setgroups setpgid setpriority
setregid setresgid setresuid setreuid setrlimit setsid setuid sysinfo times ulimit uname vfork wait4 waitid
"""
SIGNALS = """
alarm eventfd eventfd2 kill pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4 tgkill tkill
"""
TIME = """
clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime
"""
WAITING = """
epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old futex
futex_requeue futex_wait futex_waitv futex_wake msgctl msgget msgrcv msgsnd poll ppoll pselect6 select semctl semget
semop semtimedop
"""
SOCKETS = """
accept accept4 bind connect getpeername getrandom getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg
sendmsg sendto setsockopt shutdown socketpair
"""
#: Programs look whether these are there, and do without them.
ABSENT = "clone3 io_setup io_uring_enter io_uring_register io_uring_setup"
NOT_IMPLEMENTED = 38
#: Flags of ``clone`` that make namespaces.
NAMESPACES = 0x7E020000
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
NETLINK_ROUTE = 0
#: Linux, Linux with 32-bit addresses or old layouts of memory, and the question which one it is.
PERSONALITIES = (0x0, 0x0008, 0x20000, 0x20008, 0xFFFFFFFF)
#: Machines whose 32-bit programs could make the same calls under other numbers get no second architecture.
ARCHITECTURES = ("SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390X", "SCMP_ARCH_RISCV64")


@cache
def profile() -> str:
    """Return the profile as an engine takes it in a container's security options."""
    names = [name for part in (FILES, MEMORY, PROCESSES, SIGNALS, TIME, WAITING, SOCKETS) for name in part.split()]
    rules = [
        _rule("SCMP_ACT_ALLOW", names),
        _rule("SCMP_ACT_ERRNO", ABSENT.split(), errno=NOT_IMPLEMENTED),
        _rule("SCMP_ACT_ALLOW", ["clone"], [(0, "SCMP_CMP_MASKED_EQ", NAMESPACES, 0)]),
        *(_rule("SCMP_ACT_ALLOW", ["socket"], [_equal(0, family)]) for family in (AF_UNIX, AF_INET, AF_INET6)),
        _rule("SCMP_ACT_ALLOW", ["socket"], [_equal(0, AF_NETLINK), _equal(2, NETLINK_ROUTE)]),
        *(_rule("SCMP_ACT_ALLOW", ["personality"], [_equal(0, value)]) for value in PERSONALITIES),
    ]
    architectures = [{"architecture": name, "subArchitectures": []} for name in ARCHITECTURES]
    return json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "archMap": architectures, "syscalls": rules})


def _equal(argument: int, value: int) -> tuple[int, str, int, int]:
    return (argument, "SCMP_CMP_EQ", value, 0)


def _rule(
    action: str, names: list[str], conditions: list[tuple[int, str, int, int]] | None = None, errno: int | None = None
) -> dict[str, Any]:
    """Return a rule; all of its conditions (argument, comparison, value, second value) have to hold."""
    arguments = [
        {"index": index, "op": comparison, "value": value, "valueTwo": second}
        for index, comparison, value, second in conditions or ()
    ]
    return {"names": names, "action": action, "args": arguments, **({"errnoRet": errno} if errno else {})}

"""Models that look for a way out: system calls, kernel files, privileges, network, credentials, neighbours."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker

CALLS = (
    *("mount", "umount2", "pivot_root", "chroot", "fsopen", "open_tree", "move_mount", "setns", "clone3"),
    *("unshare of users", "unshare of mounts", "clone of users", "ptrace", "bpf", "perf_event_open", "userfaultfd"),
    *("keyctl", "add_key", "request_key", "io_uring_setup", "io_setup", "mq_open", "modify_ldt", "memfd_secret"),
    *("fanotify_init", "open_by_handle_at", "name_to_handle_at", "quotactl", "syslog", "init_module"),
    *("finit_module", "delete_module", "kexec_load", "swapon", "acct", "sethostname", "clock_settime"),
    *("settimeofday", "iopl", "ioperm", "mbind", "personality", "vhangup", "lookup_dcookie"),
)
SOCKETS = ("raw", "packet", "vsock", "alg", "bluetooth", "can", "tipc", "rds", "key", "xdp", "netfilter", "xfrm")
LIMITS = ("RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CPU", "RLIMIT_RTPRIO", "RLIMIT_NICE", "RLIMIT_MEMLOCK")


@pytest.fixture(scope="module")
def calls(yard):
    """One model makes all the calls."""
    found = yard.attack("system_calls").is_ok().report
    asked = {*CALLS, *(f"socket of kind {kind}" for kind in SOCKETS), *(f"more {name}" for name in LIMITS)}
    assert set(found) == asked | {"real-time scheduling", "higher priority"}
    return found


@pytest.mark.parametrize("name", CALLS)
def test_system_call(calls, name):
    absent = ("clone3", "io_uring_setup", "io_setup")
    assert calls[name] in (("ENOSYS",) if name in absent else ("EPERM", "ENOSYS", "EACCES"))


@pytest.mark.parametrize("kind", SOCKETS)
def test_socket_of_another_kind(calls, kind):
    """``vsock`` would lead out of a virtual machine, whatever the network namespace."""
    assert calls[f"socket of kind {kind}"] == "EPERM"


@pytest.mark.parametrize("name", LIMITS)
def test_limit_cannot_be_raised(calls, name):
    assert calls[f"more {name}"] == "EPERM"


def test_priority_cannot_be_raised(calls):
    assert calls["real-time scheduling"] in ("EPERM", "EACCES")
    assert calls["higher priority"] in ("EPERM", "EACCES")


DEVICES = (
    "RUN mkdir /image-device && mknod -m 666 /image-device/disk b {major} {minor} "
    "&& mknod -m 666 /image-device/memory c 1 1 && mknod -m 666 /image-device/messages c 1 11"
)


def test_kernel_files(yard):
    """Nothing of the kernel can be changed, and no device of the host be opened, though the image brings its name."""
    disk = Path(yard.root).stat().st_dev
    recipe = DEVICES.format(major=os.major(disk), minor=os.minor(disk))
    found = yard.attack("kernel_files", recipe).is_ok().report
    assert len(found) > 30
    assert [name for name, outcome in found.items() if outcome == "allowed"] == []
    for name in ("disk", "memory", "messages"):
        assert found[f"read /image-device/{name}"] in ("EPERM", "EACCES")


PROGRAMS = (
    "RUN cp $(readlink -f $(which python3)) /setuid-python && cp /setuid-python /capable-python "
    '&& chown 0:0 /setuid-python && chmod 6755 /setuid-python && python3 -c "import os; '
    "os.setxattr('/capable-python', 'security.capability', bytes.fromhex('{capabilities}'))\""
)
#: CAP_SYS_ADMIN, permitted and effective.
CAPABILITIES = "0100000200002000" + 12 * "00"


def test_setuid_programs(yard):
    """Their owner is root, and they run as whoever started them, without any capability."""
    recipe = PROGRAMS.format(capabilities=CAPABILITIES)
    found = yard.attack("privileges", recipe, user="4321").is_ok().report
    assert found["capable"] == "refused"
    for name in ("own", "setuid"):
        assert set(found[name]["ids"]) == {4321}, name
        assert set(found[name]["capabilities"]) == {0}, name
        assert (found[name]["privileges"], found[name]["filter"]) == ("1", "2")
    assert found["become root"] == ["refused"] * 3


def test_root_is_powerless_where_it_is_allowed(yard):
    """``allow_root`` gives the number 0 and nothing else."""
    found = yard.attack("system_calls", user="0", model={"allow_root": True}).is_ok().report
    assert [name for name, outcome in found.items() if outcome == "allowed"] == []
    recipe = DEVICES.format(major=8, minor=0)
    found = yard.attack("kernel_files", recipe, user="0", model={"allow_root": True}).is_ok().report
    # Its first process, which is its own.
    assert {name for name, outcome in found.items() if outcome == "allowed"} <= {"write /proc/1/mem"}


@contextlib.contextmanager
def visitors(address):
    """A service of the host that counts its visitors."""
    with socket.create_server((address, 0), backlog=50) as server:
        server.settimeout(0)
        found = []
        yield server.getsockname()[1], found
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(server.accept())


def test_network(yard):
    """Nobody is reached: not the host, not its neighbours, not the world; the yard looks at the neighbour's side."""
    with visitors("0.0.0.0") as (port, seen):
        own = socket.gethostbyname(socket.gethostname())
        socket.create_connection(("127.0.0.1", port)).close()
        found = yard.attack("network", HOST_PORT=port, HOST_ADDRESS=own, within=60).is_ok().report
    assert len(seen) == 1, "only the test itself may have come"
    assert found.pop("interfaces") == ["lo"]
    assert found.pop("routes") == 0
    assert len(found) == 15
    assert [name for name, outcome in found.items() if outcome == "allowed"] == []


KNOWN_MOUNTS = (
    "/",
    "/proc",
    "/sys",
    "/dev",
    "/input",
    "/output",
    "/tmp",
    "/sbin/docker-init",
    "/usr/sbin/docker-init",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
)
KNOWN_VARIABLES = {
    *("HOME", "TMPDIR", "LANG", "PATH", "HOSTNAME", "MARK", "SECRET_PATHS", "SOUGHT", "NVIDIA_VISIBLE_DEVICES"),
    *("HDF5_USE_FILE_LOCKING", "LC_CTYPE", "GPG_KEY", "PYTHON_VERSION", "PYTHON_SHA256"),
}


def test_credentials_and_truth(yard):
    """No socket of an engine, no credential of the host, no other process, nothing of the truth is anywhere."""
    home, engine = Path.home(), os.environ["DOCKER_HOST"].partition("://")[2]
    paths = [yard.truth, yard.folder, yard.root, engine, "/etc/shadow", "/var/run/docker.sock", "/run/docker.sock"]
    paths += [home / ".docker" / "config.json", home / ".synapseConfig", home / ".aws" / "credentials"]
    sought = f"{yard.sought}:control+1"
    found = yard.attack(
        "credentials", "RUN echo control-1 >/planted", SECRET_PATHS=":".join(map(str, paths)), SOUGHT=sought
    ).report
    assert found["found_in"] == ["/planted"], "what the test itself has planted"
    assert found["sockets"] == []
    assert found["processes"] <= 2
    assert found["home"] == "/tmp"
    assert set(found["variables"]) <= KNOWN_VARIABLES
    assert [path for path, outcome in found["reads"].items() if outcome == "allowed"] == []
    kernel = ("/proc/", "/sys/", "/dev/")
    assert [point for point in found["mounts"] if not point.startswith(kernel) and point not in KNOWN_MOUNTS] == []


def test_time_bomb(yard):
    """What one run plants in a volume of the image, or elsewhere, no later one finds."""
    tag = yard.builder.image("time_bomb", "RUN mkdir -m 777 /cache\nVOLUME /cache")
    first, second = yard.run(tag).is_ok().report, yard.run(tag).is_ok().report
    assert {"/cache", "/output", "/tmp", "/dev/shm"} <= set(first["planted"])
    assert first["found"] == second["found"] == []
    yard.builder.remove(tag)
    yard.require_nothing_left()

"""
Organisers' scripts as plain processes, for a host without Docker.

This engine bounds time, memory, files and output and scrubs the environment, but it has no network isolation, no file
system and no user of its own. So it refuses code that participants wrote, and a configuration has to ask for it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from airflow_synapse_challenge.containers.archive import Refusal
from airflow_synapse_challenge.containers.engine import Cancelled
from airflow_synapse_challenge.containers.logs import BoundedLog
from airflow_synapse_challenge.containers.outcome import Outcome
from airflow_synapse_challenge.containers.policy import OPEN_FILES, Policy, Rule
from airflow_synapse_challenge.containers.spec import INPUT, OUTPUT, ContainerSpec, safe_name
from airflow_synapse_challenge.errors import OrganiserFault, PermanentError

GRACE = 2.0
LOOK = 0.05


class ProcessEngine:
    """
    Run a trusted script in a process group of its own.

    :param accept_unenforced: the configuration says that rules which need a container may go unenforced.
    """

    name = "process"
    enforces = frozenset({Rule.WALL_CLOCK, Rule.RESULTS, Rule.LOG, Rule.NO_CREDENTIALS, Rule.READ_ONLY_INPUT})

    def __init__(self, *, accept_unenforced: bool = False) -> None:
        self._accept = accept_unenforced

    def run(
        self,
        spec: ContainerSpec,
        *,
        on_log: Callable[[str], None] | None = None,
        cancelled: Cancelled | None = None,
    ) -> Outcome:
        """Run a script; ``/input`` and ``/output`` in its command stand for folders of a private work folder."""
        self._refuse_what_needs_a_container(spec)
        self.kill(spec.name)
        work = Path(tempfile.mkdtemp(prefix=f"{spec.safe_name[:80]}."))
        try:
            return _run(spec, work, self._pid_file(spec.safe_name), on_log, cancelled)
        finally:
            self._pid_file(spec.safe_name).unlink(missing_ok=True)
            shutil.rmtree(work, ignore_errors=True)

    def kill(self, name: str) -> bool:
        """End the process group that runs under a name on this host."""
        pid_file = self._pid_file(safe_name(name))
        try:
            group, started = pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return False
        pid_file.unlink(missing_ok=True)
        if _started(int(group)) != started:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(group), signal.SIGKILL)
        return True

    def _refuse_what_needs_a_container(self, spec: ContainerSpec) -> None:
        if spec.author == "participant":
            raise PermanentError("The process engine never runs code of participants; use `engine: docker`.")
        missing = sorted(rule.value for rule in set(Rule) - self.enforces)
        if not self._accept:
            raise PermanentError(
                f"The process engine cannot enforce: {', '.join(missing)}. "
                "Use `engine: docker`, or say `engine: process` in challenge.yaml to go without."
            )

    @staticmethod
    def _pid_file(safe_name: str) -> Path:
        return Path(tempfile.gettempdir()) / f"airflow-synapse-challenge.{os.getuid()}.{safe_name}.pid"


def _run(
    spec: ContainerSpec,
    work: Path,
    pid_file: Path,
    on_log: Callable[[str], None] | None,
    cancelled: Cancelled | None,
) -> Outcome:
    folders = _lay_out(spec, work)
    begin = time.monotonic()
    try:
        process = subprocess.Popen(
            [_translated(argument, folders) for argument in spec.command],
            cwd=work,
            env=_environment(spec, work),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: _limit(spec.policy),  # noqa: PLW1509
        )
    except OSError as error:
        raise OrganiserFault(f"The command {spec.command[0]} cannot be started.", str(error)) from error
    pid_file.write_text(f"{process.pid} {_started(process.pid)}")
    log = BoundedLog(spec.policy.log_bytes, on_log)
    reader = threading.Thread(target=_read, args=(process, log), daemon=True)
    reader.start()
    try:
        timed_out, was_cancelled = _wait(process, spec.policy, cancelled)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    reader.join(timeout=10)
    results, refused = _results(spec, folders[OUTPUT])
    return Outcome(
        exit_code=process.returncode,
        oom_killed=False,
        timed_out=timed_out,
        cancelled=was_cancelled,
        seconds=time.monotonic() - begin,
        image_digest="process",
        log=log.text(),
        log_bytes_total=log.total,
        results=results,
        refused=refused,
    )


def _lay_out(spec: ContainerSpec, work: Path) -> dict[str, Path]:
    folders = {INPUT: work / "input", OUTPUT: work / "output"}
    for folder in folders.values():
        folder.mkdir()
    for item in spec.inputs:
        target = folders[INPUT] / item.path.removeprefix(INPUT).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(item.source, bytes):
            target.write_bytes(item.source)
        else:
            shutil.copyfile(item.source, target)
        target.chmod(0o444)
    for name, content in spec.begun.items():
        target = folders[OUTPUT] / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folders


def _translated(argument: str, folders: dict[str, Path]) -> str:
    for path, folder in folders.items():
        if argument == path or argument.startswith(f"{path}/"):
            return str(folder) + argument.removeprefix(path)
    return argument


def _environment(spec: ContainerSpec, work: Path) -> dict[str, str]:
    """Nothing of the worker's own environment comes along: it holds credentials."""
    base = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(work), "TMPDIR": str(work)}
    return base | dict(spec.environment)


def _limit(policy: Policy) -> None:
    """Runs in the child between fork and exec."""
    resource.setrlimit(resource.RLIMIT_AS, (policy.memory_bytes, policy.memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (policy.file_bytes, policy.file_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (policy.cpu_seconds, policy.cpu_seconds + 1))


def _read(process: subprocess.Popen[bytes], log: BoundedLog) -> None:
    assert process.stdout is not None
    with process.stdout as output:
        while chunk := output.read1(65536):  # type: ignore[attr-defined]
            log.add(chunk)
    log.close()


def _wait(process: subprocess.Popen[bytes], policy: Policy, cancelled: Cancelled | None) -> tuple[bool, bool]:
    end = time.monotonic() + policy.timeout.total_seconds()
    asked = time.monotonic()
    while process.poll() is None:
        now = time.monotonic()
        if now > end:
            _stop(process)
            return True, False
        if cancelled and now - asked >= 1:
            asked = now
            if cancelled():
                _stop(process)
                return False, True
        time.sleep(LOOK)
    return False, False


def _stop(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _results(spec: ContainerSpec, output: Path) -> tuple[dict[str, bytes], str | None]:
    found: dict[str, bytes] = {}
    for name in spec.results:
        try:
            content = read_plain_file(output / name, name, spec.policy.output_bytes)
        except Refusal as refusal:
            return found, str(refusal)
        if content is not None:
            found[name] = content
    return found, None


def read_plain_file(path: Path, name: str, limit: int) -> bytes | None:
    """
    Return the content of a regular file, ``None`` when there is nothing of that name.

    Opened without following links and without waiting, and looked at only once it is open.

    :raises Refusal: it is no plain file, or too large.
    """
    if any(parent.is_symlink() for parent in path.parents):
        raise Refusal(f"{name} lies behind a symbolic link")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refusal(f"{name} is not a plain file: {error.strerror}") from error
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
            raise Refusal(f"{name} is not a plain file")
        if about.st_size > limit:
            raise Refusal(f"{name} is larger than {limit} bytes")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit)
    finally:
        os.close(descriptor)


def _started(pid: int) -> str:
    """Return when a process started, in the kernel's ticks: with it a process id is never mistaken for another's."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"

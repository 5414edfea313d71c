"""
``synapse-challenge try``: run an image as a submission would be, on this machine.

===============  ==========================================================================================
exit code        verdict
===============  ==========================================================================================
0                ``ok``: the model ran and wrote its output file
1                ``invalid``: a submission of this image would be invalid; ``fault`` is one of the kinds of
                 :mod:`~airflow_synapse_challenge.challenge.verdicts`
2                ``refused``: nothing can be said of the model; ``fault`` is one of :class:`Refused`
130              ``refused`` with ``interrupted``: Ctrl-C
===============  ==========================================================================================
"""

from __future__ import annotations

import json
import os
import traceback
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from airflow_synapse_challenge.challenge.config import Challenge, Queue
from airflow_synapse_challenge.cli import interruptions
from airflow_synapse_challenge.cli.options import CHALLENGE_FILE, ChallengeFile, challenge_at, queue_of
from airflow_synapse_challenge.cli.try_view import JsonView, TrialView, View
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX
from airflow_synapse_challenge.errors import (
    ConfigurationError,
    OrganiserFault,
    ParticipantFault,
    PermanentError,
    SynapseChallengeError,
    TransientError,
)

if TYPE_CHECKING:
    from airflow_synapse_challenge.steps.trial import Trial, TrialRun

EXIT_CODES = {"ok": 0, "invalid": 1, "refused": 2}
INTERRUPTED = 130


class Refused(StrEnum):
    """Why nothing can be said of a model."""

    CONFIGURATION = "configuration"  # challenge.yaml, the queue, a folder, an option
    NO_IMAGE = "no_image"  # there is no such image, or it may not be pulled
    ENGINE = "engine"  # no Docker engine, or it failed, or its disk is full, or the registry is away
    POLICY = "policy"  # the engine does not enforce a rule
    HELPER = "helper"  # the image that holds the results cannot
    INTERRUPTED = "interrupted"  # Ctrl-C
    INTERNAL = "internal"  # an error of this program


@dataclass(frozen=True)
class Verdict:
    """
    What ``--json`` prints, under these names.

    :param fault: one word, ``None`` when all is well.
    :param reason: sentences, empty when all is well.
    :param exit_code: of the last container; ``None`` when none ended by itself.
    :param seconds: run time of all containers.
    :param peak_memory_bytes: ``None`` when the model ended before anybody looked.
    :param outputs: ``name`` and ``bytes`` of the first files in ``/output``.
    :param log_excerpt: what the submitter would read, within the queue's limit and leak budget.
    """

    verdict: Literal["ok", "invalid", "refused"]
    fault: str | None = None
    reason: str = ""
    exit_code: int | None = None
    oom_killed: bool = False
    timed_out: bool = False
    seconds: float = 0.0
    peak_memory_bytes: int | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    log_excerpt: str = ""


def try_image(  # noqa: PLR0917  one for each option
    image: Annotated[str, typer.Argument(help="A tag or id that the engine has, or repository@sha256:….")],
    queue: Annotated[
        str | None, typer.Option(help="Name of the queue; needed when several take Docker images.")
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="[STAGE=]DIR",
            help="Folder to mount at /input in place of the queue's; canary=DIR for the canary's. May be repeated.",
        ),
    ] = None,
    challenge: ChallengeFile = CHALLENGE_FILE,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy the output file there.")] = None,
    helper: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE",
            help="Image with `sleep` and `df` that holds the results; else the organisers', or the model's.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """
    Run an image as a submission to a queue would be: same policy, limits and verdict, on this machine's Docker engine.

    Needs only the challenge.yaml; talks to neither Synapse nor Airflow.

    Exit code 0: the model did well. 1: a submission of it would be invalid. 2: it could not be tried.
    """
    view: View = JsonView() if as_json else TrialView()
    wish = _Wish(image, queue, tuple(inputs or ()), challenge, keep, helper)
    with interruptions.raised():
        verdict = _judged(wish, view)
    if as_json:
        typer.echo(json.dumps(asdict(verdict)))
    else:
        view.show(verdict)
    raise typer.Exit(INTERRUPTED if verdict.fault == Refused.INTERRUPTED else EXIT_CODES[verdict.verdict])


@dataclass(frozen=True)
class _Wish:
    image: str
    queue: str | None
    inputs: tuple[str, ...]
    challenge: Path
    keep: Path | None
    helper: str | None


def _judged(wish: _Wish, view: View) -> Verdict:
    """Return the verdict, whatever happens: whoever reads it must be able to tell a bad model from a bad engine."""
    try:
        return _tried(wish, view)
    except KeyboardInterrupt:
        return Verdict("refused", Refused.INTERRUPTED, "Interrupted.")
    except ParticipantFault as fault:
        return Verdict("invalid", fault.kind, " ".join(fault.reasons))
    except SynapseChallengeError as error:
        return _refusal(error)
    except Exception as error:  # noqa: BLE001  exit code 1 would say that the model is to blame
        traceback.print_exc()
        return Verdict("refused", Refused.INTERNAL, f"An error of this program: {type(error).__name__}: {error}")


def _refusal(error: SynapseChallengeError) -> Verdict:
    from airflow_synapse_challenge.steps.trial_image import NoImage

    kinds: list[tuple[type[SynapseChallengeError], Refused]] = [
        (ConfigurationError, Refused.CONFIGURATION),
        (NoImage, Refused.NO_IMAGE),
        (OrganiserFault, Refused.HELPER),
        (TransientError, Refused.ENGINE),
        (PermanentError, Refused.POLICY),
    ]
    kind = next((kind for cause, kind in kinds if isinstance(error, cause)), Refused.INTERNAL)
    reason = str(error)
    if isinstance(error, OrganiserFault):
        reason = f"{reason} {error.detail.strip()} Name one with `sleep` and `df`, such as busybox, with --helper."
    return Verdict("refused", kind, reason)


def _tried(wish: _Wish, view: View) -> Verdict:
    from airflow_synapse_challenge.containers.docker_calls import environment_client
    from airflow_synapse_challenge.containers.docker_images import DockerImages
    from airflow_synapse_challenge.containers.docker_logins import stored_login
    from airflow_synapse_challenge.steps import trial, trial_image

    challenge = challenge_at(wish.challenge, alone=True)
    queue = trial.with_inputs(*_queue_and_folders(challenge, wish, view))
    assert queue.model is not None
    compute = challenge.compute
    if compute.engine != "docker" or compute.docker_connection:
        view.note("The challenge runs models on another engine; here it is the environment's Docker engine.")
    client = environment_client()
    for name in trial.sweep_dead(client):
        view.note(f"Removed {name}, which a trial that was killed had left.")
    found = trial_image.find_image_to_try(
        wish.image,
        challenge,
        queue.model,
        images=DockerImages(client, wish.helper or compute.evaluation_image),
        login=stored_login,
        note=view.note,
    )
    holder = trial.choose_holder_image(client, challenge, wish.helper, found.id, view.note)
    run = trial.TrialRun(client, challenge, queue, image=found.id, holder_image=holder)
    view.begin(challenge, queue, found, run.run)
    try:
        ended = run.go(keep=wish.keep, on_phase=view.phase, on_log=view.line)
    finally:
        with interruptions.ignored():
            view.end()
            _tidy(run, view)
    return _verdict(ended, queue, view)


def _tidy(run: TrialRun, view: View) -> None:
    try:
        run.tidy()
    except SynapseChallengeError as error:
        view.note(
            f"{error} So something of the trial is left there; the next trial on this machine removes it, or: "
            f"docker rm --force --volumes $(docker ps --all --quiet --filter label={LABEL_PREFIX}trial={run.name})"
        )


def _verdict(ended: Trial, queue: Queue, view: View) -> Verdict:
    excerpt = ended.excerpt(queue)
    if excerpt.withheld:
        view.note(f"Of the log, {excerpt.withheld} bytes would be withheld: the leak budget does not allow more.")
    if not queue.logs.share:
        view.note("Submitters to this queue cannot read their logs (`logs: {share: false}`).")
    outcome = ended.outcome
    return Verdict(
        verdict="invalid" if ended.fault else "ok",
        fault=ended.fault.kind if ended.fault else None,
        reason=" ".join(ended.fault.reasons) if ended.fault else "",
        exit_code=outcome.exit_code if outcome else None,
        oom_killed=bool(outcome and outcome.oom_killed),
        timed_out=bool(outcome and outcome.timed_out),
        seconds=round(ended.report.seconds, 3),
        peak_memory_bytes=ended.report.peak_memory_bytes,
        outputs=[{"name": file.name, "bytes": file.size_bytes} for file in ended.outputs],
        log_excerpt=excerpt.text,
    )


def _queue_and_folders(challenge: Challenge, wish: _Wish, view: View) -> tuple[Queue, dict[str, str]]:
    fitting = [queue for queue in challenge.queues if queue.kind == "docker_image"]
    if not fitting:
        raise ConfigurationError(f"{wish.challenge} has no queue of `kind: docker_image`, so no image can be tried.")
    queue = queue_of(fitting, wish.queue, wish.challenge)
    assert queue.model is not None
    named = {stage.name for stage in queue.model.stages} | ({"canary"} if queue.model.canary else set())
    folders: dict[str, str] = {}
    for text in wish.inputs:
        name, equals, path = text.partition("=")
        name, path = (name, path) if equals and name in named else ("", text)
        if name in folders:
            raise ConfigurationError(f"--input {text}: a folder for this was given already ({folders[name]}).")
        folders[name] = _folder(path, view)
    return queue, folders


def _folder(text: str, view: View) -> str:
    """Only the engine can say whether its host has the folder; what this machine has under the name is looked at."""
    path = Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100  resolve() would follow links of this machine
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"--input {text}: {path} is a file; name the folder that it is in.")
    if path.is_dir() and path.stat().st_mode & 0o005 != 0o005:
        view.note(f"{path} may not be read by everybody; a model runs as a user of its own (`chmod o+rx {path}`).")
    return str(path)

"""The files beside ``challenge.yaml`` that it names: scripts, and mail texts."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from airflow_synapse_challenge.challenge import mail_text, yaml_lines
from airflow_synapse_challenge.challenge.sections import Event

Entries = list[tuple[yaml_lines.Path, str]]


def read(data: dict[str, Any], folder: Path, problems: Entries) -> dict[int, dict[str, str]]:
    """
    Look at every file that the challenge names; works on unchecked data, so that all problems are told at once.

    :param data: the challenge as it stands in the file.
    :param folder: the folder of the file.
    :param problems: gets what is wrong.
    :return: for each position of a queue, its mail texts by event.
    """
    queues = data.get("queues")
    texts: dict[int, dict[str, str]] = {}
    for index, queue in enumerate(queues if isinstance(queues, list) else ()):
        for key in ("validate", "score"):
            script = _inside(queue, key, "script")
            if isinstance(script, str):
                _find(folder, script, ("queues", index, key, "script"), problems)
        templates = _inside(queue, "mail", "templates")
        for event, name in (templates if isinstance(templates, dict) else {}).items():
            if event in get_args(Event) and isinstance(name, str):
                text = _mail_text(folder, name, ("queues", index, "mail", "templates", event), problems)
                texts.setdefault(index, {})[event] = text
    return texts


def _inside(queue: Any, *keys: str) -> Any:
    for key in keys:
        queue = queue.get(key) if isinstance(queue, dict) else None
    return queue


def _find(folder: Path, name: str, where: yaml_lines.Path, problems: Entries) -> Path | None:
    path = folder / name.strip()
    if not path.resolve().is_relative_to(folder.resolve()):
        problems.append(
            (
                where,
                f'"{name}" leads out of the folder of this file; use a path such as "evaluation/score.py"',
            )
        )
        return None
    if path.is_file():
        return path
    close = get_close_matches(path.name, _names(path.parent), n=1)
    question = f'; did you mean "{Path(name).parent / close[0]}"?' if close else ""
    problems.append((where, f'no file "{name}" in the folder of this file{question}'))
    return None


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def _mail_text(folder: Path, name: str, where: yaml_lines.Path, problems: Entries) -> str:
    path = _find(folder, name, where, problems)
    if path is None:
        return ""
    with path.open("rb") as file:
        raw = file.read(mail_text.LARGEST + 1)
    try:
        text = raw.decode("utf-8-sig")
        mail_text.check(text)
    except (UnicodeDecodeError, mail_text.BadTemplateError) as error:
        reason = "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        problems.append((where, f'"{name}" cannot be used: {reason}'))
        return ""
    return text

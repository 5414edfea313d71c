"""``--seed FILE``: users, teams, projects, queues and submissions from YAML, once for each content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from airflow_synapse_challenge.local_synapse.core.store import Store

from . import marked_yaml
from .marked_yaml import Document, Misplaced
from .models import Folder, Project, Seeds, WikiPage
from .planting import Planter


class SeedError(Exception):
    """A seed file cannot be used; each line of the text names file, line, place and what is allowed."""


@dataclass(frozen=True)
class SeedFile:
    """A seed file that has been read and found well-formed."""

    path: Path
    seeds: Seeds
    document: Document

    @property
    def digest(self) -> str:
        """Identity of its content: of the file itself and of the files that it names."""
        parts = [self.path, *(self.path.parent / name for name in sorted(set(_named_files(self.seeds))))]
        digests = [hashlib.sha256(part.read_bytes()).hexdigest() for part in parts if part.is_file()]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()

    def told(self, problem: Misplaced) -> str:
        """Return a problem with file, line and place."""
        line = problem.line if problem.line is not None else self.document.line_of(problem.path)
        return _told(self.path, line, problem)


def load(path: Path) -> SeedFile:
    """
    Read a seed file.

    :raises SeedError: it tells every mistake at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SeedError(f"{path} cannot be read: {error}") from error
    try:
        document = marked_yaml.read(text)
    except Misplaced as problem:
        raise SeedError(_told(path, problem.line or 1, problem)) from problem
    try:
        seeds = Seeds.model_validate({} if document.data is None else document.data)
    except ValidationError as error:
        problems = [_problem(each) for each in error.errors(include_url=False)]
        lines = [_told(path, document.line_of(problem.path), problem) for problem in problems]
        raise SeedError("\n".join(lines)) from error
    return SeedFile(path, seeds, document)


def apply(store: Store, file: SeedFile) -> bool:
    """
    Put what a seed file holds into a store, all or nothing; tell whether anything was done.

    :raises SeedError: a part of it is refused; nothing has changed.
    """
    mark = f"seed_file_{file.digest}"
    if store.setting(mark):
        return False
    with store.transaction():
        plant(store, file)
        store.set_setting(mark, store.timestamp())
    return True


def plant(store: Store, file: SeedFile) -> None:
    """Put what a seed file holds into a store, inside the caller's transaction."""
    try:
        Planter(store, file.seeds, file.path.parent).plant()
    except Misplaced as problem:
        raise SeedError(file.told(problem)) from problem


def _told(path: Path, line: int, problem: Misplaced) -> str:
    place = marked_yaml.show_path(problem.path)
    return f"{path}:{line}: {place + ': ' if place else ''}{problem.text}"


def _problem(error: Any) -> Misplaced:
    place = tuple(part for part in error["loc"] if part != "[key]")
    words = {
        "extra_forbidden": "is no key here",
        "missing": "is missing",
        "bool_parsing": "must be true or false",
        "bool_type": "must be true or false",
    }
    text = words.get(error["type"]) or error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if error["type"] == "extra_forbidden":
        text += f"; allowed are {', '.join(_allowed_keys(place[:-1]))}"
    elif error["type"] != "missing" and isinstance(error["input"], str | int | float):
        text += f", not {error['input']!r}"
    return Misplaced(place, text)


def _allowed_keys(place: tuple[str | int, ...]) -> list[str]:
    """Return the keys of the model that a place is in."""
    model: type[BaseModel] = Seeds
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _named_files(seeds: Seeds) -> Iterator[str]:
    for project in seeds.projects:
        yield from _files_in(project)


def _files_in(folder: Folder) -> Iterator[str]:
    if isinstance(folder, Project) and folder.wiki:
        yield from _texts_of(folder.wiki)
    for file in folder.files:
        if file.path:
            yield file.path
    for inner in folder.folders:
        yield from _files_in(inner)


def _texts_of(page: WikiPage) -> Iterator[str]:
    if page.file:
        yield page.file
    for inner in page.pages:
        yield from _texts_of(inner)

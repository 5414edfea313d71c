"""Every mistake in challenge.yaml is told with its line, what is allowed and the nearest spelling."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_synapse_challenge.challenge.config import Challenge, load_challenge
from airflow_synapse_challenge.errors import ConfigurationError

Complaints = Callable[[str], list[str]]
SIZES = 'write a number and one of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB, such as "2GiB"'
MOMENT = 'write date, time and zone, such as "2027-01-11T00:00:00-08:00"'


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


def test_all_problems_are_told_at_once(complaints: Complaints) -> None:
    found = complaints(
        """\
challenge: Breast Cancer
titel: Breast Cancer
compute: {engine: dockr, memory: -2GiB}
queues:
  - id: 1
    validate: {script: evaluation/validte.py, resources: {timeout: 1 hour, memory: 2gb}}
    gold_standard: syn0
    id: 2
  - name: B
    validate: {contract: custom, script: evaluation/score.py, arguments: '{predictons} {output}'}
    rounds:
      - {name: a, start: 2027-01-11T00:00:00, end: 2027-01-12}
      - {name: b, start: 2027-03-28 02:30 Europe/Berlin, end: 2027-04-12T00:00Z, limits: {daily: -1}}
    mail: {errors_only: true, valid: true}
"""
    )
    assert found == [
        '1: challenge: "Breast Cancer" is no short name; use small letters, digits and -, at most 63, '
        'such as "breast-cancer"',
        "2: titel: unknown key; allowed here: challenge, title, synapse, compute, poll_interval, queues; "
        'did you mean "title"?',
        f'3: compute.memory: "-2GiB" is no size; {SIZES}',
        '3: compute.engine: "dockr" is not known; allowed: docker, kubernetes, process; did you mean "docker"?',
        f'6: queues[0].validate.resources.memory: "2gb" is no size; {SIZES}; did you mean "2GB"?',
        '6: queues[0].validate.resources.timeout: "1 hour" is no duration; write numbers with d, h, m or s, '
        'such as "1h30m"',
        '6: queues[0].validate.script: no file "evaluation/validte.py" in the folder of this file; '
        'did you mean "evaluation/validate.py"?',
        '7: queues[0].gold_standard: "syn0" is no Synapse id; write one such as "syn51000010"',
        "8: queues[0].id: the key stands twice, in lines 5 and 8; keep one of them",
        '10: queues[1].validate.arguments: "{predictons}" is no placeholder; allowed here: {predictions}, '
        "{gold_standard}, {gold_standard_folder}, {entity_type}, {task}, {output}; "
        'did you mean "{predictions}"?',
        f'12: queues[1].rounds[0].start: "2027-01-11T00:00:00" has no time zone; {MOMENT}',
        f'12: queues[1].rounds[0].end: "2027-01-12" has no time of day; {MOMENT}',
        '13: queues[1].rounds[1].start: "2027-03-28 02:30 Europe/Berlin" is skipped or repeated by a clock change; '
        "write the offset instead",
        '13: queues[1].rounds[1].limits.daily: "-1" is out of range; must be at least 0',
        "14: queues[1].mail.errors_only: true contradicts `valid: true`; keep one of the two keys",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "    kind: writeup",
            "    kind: write-up",
            'queues[2].kind: "write-up" is not known; allowed: prediction_file, docker_image, writeup; '
            'did you mean "writeup"?',
        ),
        (
            "2027-03-02T00:00:00-08:00",
            "2027-03-01T16:00:00-08:00",
            'queues[0].rounds[1].start: the round "Final" overlaps with "Leaderboard" '
            "(2027-01-11T08:00:00Z to 2027-03-02T01:00:00Z); let it start where the other ends",
        ),
        (
            "2027-03-09T17:00:00-08:00",
            "2027-03-01T17:00:00-08:00",
            "queues[0].rounds[1].end: lies not after the start (2027-03-02T08:00:00Z)",
        ),
        (
            "  - name: Write-ups",
            "  - name: TASK 1",
            'queues[2].name: "TASK 1" gives the DAG name "task-1", as queues[0] does; change it',
        ),
        (
            "[Task 1, Task 2 (model to data)]",
            "[Task 1, Task 2]",
            'queues[2].required_for[1]: "Task 2" is no other queue; allowed: Task 1, Task 2 (model to data); '
            'did you mean "Task 1"?',
        ),
        (
            "memory: 40GiB",
            "memory: 12GiB",
            "queues[1].model.resources.memory: 16GiB is more than compute.memory (12GiB) has; "
            "raise that one or lower this one",
        ),
        (
            "    input_dir: /data/task2",
            "    input_dir: data/task2",
            'queues[1].input_dir: "data/task2" is no whole path; write one such as "/data/task1"',
        ),
        (
            "    kind: docker_image\n",
            "    kind: prediction_file\n",
            "queues[1].input_dir: goes only with `kind: docker_image`, and the kind is prediction_file",
        ),
        (
            "visibility: immediate",
            "visibility: hidden",
            'queues[0].scores.visibility: "hidden" is not known; allowed: immediate, withheld, hybrid',
        ),
        (
            "limits: {total: 2}, final: true",
            "limits: {total: 2}, final: maybe",
            'queues[0].rounds[1].final: must be true or false, not "maybe"',
        ),
        ("poll_interval: 10s", "poll_interval: 0.5s", 'poll_interval: "0.5s" is too short; give at least 1s'),
    ],
)
def test_one_mistake(complaints: Complaints, full: str, old: str, new: str, expected: str) -> None:
    text = replaced(full, old, new)
    # The mistake is told at the line where it was made; a few show only in another key, which is then named.
    place = {"memory: 12GiB": "memory: 16GiB", "    kind: prediction_file\n": "input_dir:"}.get(new, new)
    line = text[: text.rindex(place)].count("\n") + 1
    assert f"{line}: {expected}" in complaints(text)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("{command: x}", "validate: says not what to run; give `script` (a file beside this one), `image`, or both"),
        (
            "{script: ../score.py}",
            'validate.script: "../score.py" leads out of the folder of this file; '
            'use a path such as "evaluation/score.py"',
        ),
        (
            "{script: evaluation/score.R}",
            'validate.script: "evaluation/score.R" is no Python script; give `command` as well, such as "Rscript"',
        ),
        (
            "{image: a/b, contract: custom, arguments: '{output}'}",
            "validate.command: the key is missing; `contract: custom` in an image needs the command "
            "that starts the script",
        ),
        (
            "{script: evaluation/score.py, arguments: '{output}'}",
            "validate.arguments: goes only with `contract: custom`, and the contract is cwl",
        ),
        (
            "{script: evaluation/score.py, contract: custom}",
            "validate.arguments: the key is missing; `contract: custom` needs the arguments of the script",
        ),
        (
            "{script: evaluation/score.py, contract: custom, arguments: '-p {predictions}'}",
            "validate.arguments: has no {output}; the script must be told where to write its result",
        ),
        (
            "{script: evaluation/score.py, contract: custom, arguments: '{output} {predictions.__class__}'}",
            'validate.arguments: "{predictions.__class__}" is no placeholder; allowed here: {predictions}, '
            "{gold_standard}, {gold_standard_folder}, {entity_type}, {task}, {output}; "
            'did you mean "{predictions}"?',
        ),
        (
            "{script: evaluation/score.py, contract: custom, arguments: '{output} {gold_standard}'}",
            "validate.arguments: uses {gold_standard}, and the queue has no `gold_standard`",
        ),
        (
            "{script: evaluation/score.py, command: 'python3 \"-u'}",
            "validate.command: cannot be read: no closing quotation; close every quote and brace, "
            "and write {{ for a brace",
        ),
        (
            "{script: evaluation/score.py, command: python3 /input/score.py}",
            "validate.command: names the script itself; write {script} for its path, or leave it out: "
            "it then comes last",
        ),
        (
            "{image: --privileged}",
            'validate.image: "--privileged" is no image; write its name without spaces, '
            'such as "ghcr.io/example/evaluation@sha256:…"',
        ),
        (
            "{script: evaluation/score.py, resources: {memory: 1MiB}}",
            'validate.resources.memory: "1MiB" is too little memory; give at least 6MiB',
        ),
        (
            "{script: evaluation/score.py, resources: {cpus: true}}",
            "validate.resources.cpus: must be a number, not true",
        ),
        (
            "{script: evaluation/score.py, resources: {pids: many}}",
            'validate.resources.pids: must be a whole number, not "many"',
        ),
    ],
)
def test_a_step_that_cannot_run(complaints: Complaints, step: str, expected: str) -> None:
    found = complaints(f"challenge: a\nqueues:\n  - id: 1\n    validate: {step}\n")
    assert found == [f"4: queues[0].{expected}"]


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        ("{score: {script: evaluation/score.py}}", "has neither `id` nor `name`; give the evaluation's id, or a name"),
        ("{id: 1}", "has neither `validate` nor `score`; give at least one of them"),
        (
            "{id: 1, execution_stage: validation, score: {script: evaluation/score.py}}",
            ".validate: the key is missing; `execution_stage: validation` needs it",
        ),
        (
            "{id: 1, score: {script: evaluation/score.py}, scores: {visibility: hybrid}}",
            ".scores.visibility: hybrid withholds the scores of rounds marked `final: true`, and no round is",
        ),
        (
            "{id: 1, score: {script: evaluation/score.py}, scores: {secondary: {metric: auc}}}",
            ".scores.secondary: needs `primary` beside it",
        ),
        (
            "{id: 1, score: {script: evaluation/score.py}, scores: {primary: {metric: auc roc}}}",
            '.scores.primary.metric: "auc roc" is no annotation key; use letters, digits, _ and . only',
        ),
        ("{id: yes, score: {script: evaluation/score.py}}", '.id: must be a whole number, not "yes"'),
        ("{id: 0, score: {script: evaluation/score.py}}", '.id: "0" is out of range; must be more than 0'),
        (
            "{id: 1, score: {script: evaluation/score.py}, public: true}",
            ".public: goes only with `kind: writeup`, and the kind is prediction_file",
        ),
        (
            "{id: 1, score: {script: evaluation/score.py}, mail: {templates: {score: x.txt}}}",
            '.mail.templates.score: "score" is not known; allowed: started, valid, invalid, scored, failed, '
            'admin_failed, admin_withheld; did you mean "scored"?',
        ),
    ],
)
def test_a_queue_that_cannot_be(complaints: Complaints, queue: str, expected: str) -> None:
    found = complaints(f"challenge: a\nqueues:\n  - {queue}\n")
    assert len(found) == 1
    assert found[0].startswith(f"3: queues[0]{'' if expected.startswith('.') else ': '}{expected}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1: a challenge is a mapping of keys; begin with `challenge: <short name>`"]),
        ("- a\n", ["1: a challenge is a mapping of keys; begin with `challenge: <short name>`"]),
        ("challenge: a\n", ["1: queues: the key is missing"]),
        ("challenge: a\nqueues: []\n", ["2: queues: is empty; a challenge has at least one queue"]),
        ("challenge: a\nqueues:\n", ["2: queues: is empty; a challenge has at least one queue"]),
        ("challenge: a\nqueues: [" + "{id: 1}," * 101 + "]\n", ["2: queues: has 101 queues; 100 is the most"]),
        (
            "challenge: a\nsynapse: {administrators: [" + "7," * 51 + "]}\nqueues: []\n",
            [
                "2: synapse.administrators: has more than 50 entries",
                "3: queues: is empty; a challenge has at least one queue",
            ],
        ),
        ("challenge: a\nqueues: x\n", ['2: queues: must be a list, not "x"']),
        ("challenge: a\nqueues: [x]\n", ['2: queues[0]: must hold keys of its own, not "x"']),
        (
            "challenge: a\nqueues: !!python/object/apply:os.system [ls]\n",
            ["2: queues: the tag tag:yaml.org,2002:python/object/apply:os.system is not allowed; write a plain value"],
        ),
        ("challenge: a\n---\nchallenge: b\n", ["2: a second document starts here; write one challenge in a file"]),
        ("challenge: a\nqueues: *other\n", ["2: queues: the alias *other stands for nothing written before it"]),
        (
            "challenge: a\nqueues: &loop [*loop]\n",
            ["2: queues[0]: the alias *loop stands for nothing written before it"],
        ),
        ("challenge: a\nqueues: [{? [x] : y}]\n", ["2: queues[0]: a key must be a word"]),
    ],
)
def test_a_file_that_is_no_challenge(complaints: Complaints, text: str, expected: list[str]) -> None:
    assert complaints(text) == expected


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("challenge: a\nqueues:\n\t- id: 1\n", 3, "indent with spaces, never with a tab"),
        ("challenge: a\nqueues: [\n  {id: 1\n", 4, "no YAML"),
        ("challenge: a\ntitle: 'open\n", 3, "no YAML"),
        ("challenge: a\ntitle: a: b\n", 2, "no YAML"),
    ],
)
def test_broken_yaml_names_the_line(complaints: Complaints, text: str, line: int, hint: str) -> None:
    found = complaints(text)
    assert len(found) == 1
    assert found[0].startswith(f"{line}: no YAML: ")
    assert hint in found[0]


def test_an_alias_bomb_is_refused_before_it_grows(complaints: Complaints) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    found = complaints("\n".join(lines))
    assert found == ["5: a4: more than 50000 values, aliases counted as often as used"]


def test_deep_nesting_is_refused(complaints: Complaints) -> None:
    found = complaints("challenge: a\nqueues: " + "[" * 5000)
    assert found == ["2: queues[0][0]: nested deeper than 30 levels"]


def test_a_large_file_is_refused(challenge_folder: Path, shortest: str) -> None:
    path = challenge_folder / "challenge.yaml"
    path.write_text(shortest + "#" * 2**20)
    with pytest.raises(ConfigurationError, match="is larger than 1MiB, the most that is read"):
        load_challenge(path)


def test_other_encodings_are_named(challenge_folder: Path) -> None:
    path = challenge_folder / "challenge.yaml"
    path.write_bytes("challenge: a\ntitle: Größe\n".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"challenge\.yaml:2: is no UTF-8 text; save the file as UTF-8"):
        load_challenge(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"challenge\.yaml: cannot be read \(No such file or directory\)"):
        load_challenge(tmp_path / "challenge.yaml")
    with pytest.raises(ConfigurationError, match=r"cannot be read \(Is a directory\)"):
        load_challenge(tmp_path)


def test_a_link_out_of_the_folder_is_no_script(complaints: Complaints, challenge_folder: Path) -> None:
    (challenge_folder / "evaluation" / "outside.py").symlink_to("/etc/hostname")
    found = complaints("challenge: a\nqueues:\n  - {id: 1, score: {script: evaluation/outside.py}}\n")
    assert found == [
        '3: queues[0].score.script: "evaluation/outside.py" leads out of the folder of this file; '
        'use a path such as "evaluation/score.py"'
    ]


def test_the_process_engine_runs_scripts_only(complaints: Complaints) -> None:
    found = complaints(
        "challenge: a\ncompute: {engine: process, memory: 8GiB}\nqueues:\n"
        "  - {id: 1, score: {image: a/b}}\n"
        "  - {id: 2, kind: docker_image, score: {script: evaluation/score.py}}\n"
    )
    assert found == [
        "4: queues[0].score.image: needs `engine: docker`; `engine: process` runs a `script` only",
        "5: queues[1].kind: docker_image runs participants' code, and `engine: process` never does; "
        "use `engine: docker`",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello", 'its first line is no subject; begin the file with "Subject: …"'),
        ("Subject: x\n{{ nam }}", '"nam" is no variable; allowed: '),
        ("Subject: x\n{% if name %}", "line 2: "),
        ("Subject: x\n" + "x" * 70_000, "it is longer than 64KiB"),
    ],
)
def test_a_mail_text_that_cannot_be_sent(
    complaints: Complaints, challenge_folder: Path, shortest: str, text: str, expected: str
) -> None:
    (challenge_folder / "mail.txt").write_text(text)
    found = complaints(shortest + "    mail: {templates: {valid: mail.txt}}\n")
    assert len(found) == 1
    assert found[0].startswith(f'7: queues[0].mail.templates.valid: "mail.txt" cannot be used: {expected}')


def test_two_queues_with_one_id(complaints: Complaints) -> None:
    found = complaints(
        "challenge: a\nqueues:\n"
        "  - {id: 1, name: A, score: {script: evaluation/score.py}}\n"
        "  - {id: 1, name: B, score: {script: evaluation/score.py}}\n"
        "  - {id: 3, name: A, score: {script: evaluation/score.py}}\n"
    )
    assert found == [
        '4: queues[1].id: "1" is the id of queues[0] too; each queue has its own',
        '5: queues[2].name: "A" is the name of queues[0] too; give each its own',
    ]


def test_problems_inside_an_alias_name_the_line_where_they_stand(complaints: Complaints) -> None:
    found = complaints(
        "challenge: a\nqueues:\n"
        "  - id: 1\n    score: &step\n      script: evaluation/score.py\n      tsk: 1\n"
        "  - {id: 2, score: *step}\n"
    )
    assert [line.split(": unknown")[0] for line in found] == ["6: queues[0].score.tsk", "6: queues[1].score.tsk"]


def test_the_first_problem_is_raised_as_one_error(load: Callable[[str], Challenge]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load("challenge: a\n")
    assert caught.value.__cause__ is None

"""``synapse-challenge try`` on a real engine: what a participant sees of each way to end."""

from __future__ import annotations

import re
import time

import pytest

pytestmark = pytest.mark.docker

KEYS = {
    "verdict",
    "fault",
    "reason",
    "exit_code",
    "oom_killed",
    "timed_out",
    "seconds",
    "peak_memory_bytes",
    "outputs",
    "log_excerpt",
}
WRITE = 'open("/output/predictions.csv", "w").write("id,p\\n1,0.5\\n")\n'


def test_a_good_model(desk, image):
    """Figures, output and log of a model that does what it should; it saw what production would give it."""
    found = desk.attempt(
        image,
        """
        import os, socket, time
        block = bytearray(64 * 2**20)
        print("uid", os.getuid(), "interfaces", os.listdir("/sys/class/net"))
        for path in ("/etc/new", "/input/new"):
            try:
                open(path, "w")
            except OSError as error:
                print(path, type(error).__name__)
        print("capabilities", [line for line in open("/proc/self/status") if line.startswith("CapEff")])
        time.sleep(2)
        open("/output/predictions.csv", "w").write("id,p\\n1,0.5\\n")
        open("/output/notes.txt", "w").write("abc")
        """,
        "--queue",
        "Mortality",
    )
    assert set(found) == KEYS
    assert found["verdict"] == "ok"
    assert found["exit_code"] == 0
    assert not found["oom_killed"]
    assert not found["timed_out"]
    assert 2 <= found["seconds"] < 30
    assert 64 * 2**20 <= found["peak_memory_bytes"] <= 256 * 2**20
    assert {file["name"]: file["bytes"] for file in found["outputs"]} == {"predictions.csv": 11, "notes.txt": 3}
    log = found["log_excerpt"]
    assert "uid 65534 interfaces ['lo']" in log
    assert "/etc/new OSError" in log
    assert "/input/new OSError" in log
    assert re.search(r"CapEff:\\t0+\\n", log)


def test_what_a_person_sees(desk, image):
    """Limits, lines while they come, verdict; nothing that a model prints is taken for markup or obeyed."""
    data = desk.data("print('[red]epoch[/] \\x1b[2J\\x07 1')\n" + WRITE)
    done = desk.run("try", image, "--queue", "mortality", "--input", data, "--keep", desk.folder / "kept")
    assert done.code == 0
    for said in ("256MiB without swap", "16MiB in 20 files", "1m at most"):
        assert said in done.out
    for said in ("/output/predictions.csv", "network", "50kB of a submission", f"/input: {data}"):
        assert said in done.out
    assert "\n[red]epoch[/]  1\n" in done.out
    assert "\x1b" not in done.out
    assert "\x07" not in done.out
    assert done.out.index("epoch") < done.out.index("OK")
    assert (desk.folder / "kept" / "predictions.csv").read_text() == "id,p\n1,0.5\n"
    assert [path.name for path in (desk.folder / "kept").iterdir()] == ["predictions.csv"]


@pytest.mark.parametrize(
    ("code", "fault", "says", "figures"),
    [
        ("raise SystemExit(3)", "exit_code", "exit code 3", {"exit_code": 3}),
        ("x = bytearray(2**30)", "out_of_memory", "more than 256MiB", {"exit_code": 137, "peak_memory_bytes": 2**28}),
        ("open('/output/result.csv', 'w').write('x')", "wrong_name", "it wrote result.csv instead", {"exit_code": 0}),
        ("pass", "no_output", "wrote nothing", {"exit_code": 0, "outputs": []}),
        ("open('/output/predictions.csv', 'w')", "no_output", "empty /output/predictions.csv", {"exit_code": 0}),
        (
            "import os; os.symlink('/etc/passwd', '/output/predictions.csv')",
            "odd_output",
            "is a symbolic link",
            {"exit_code": 0, "outputs": [{"name": "predictions.csv", "bytes": 0}]},
        ),
        (
            "import os; f = open('/output/predictions.csv', 'wb')\n"
            "try:\n    while f.write(bytes(2**16)): f.flush()\nexcept OSError: os._exit(0)",
            "too_much",
            "16MiB in 20 files",
            {"exit_code": 0},
        ),
    ],
)
def test_a_model_that_would_be_invalid(desk, image, code, fault, says, figures):
    found = desk.attempt(image, code)
    assert found["verdict"] == "invalid"
    assert found["fault"] == fault
    assert says in found["reason"]
    assert {key: found[key] for key in figures} == figures
    assert found["oom_killed"] == (fault == "out_of_memory")
    assert not found["timed_out"]


def test_a_model_that_takes_too_long(desk, image):
    """It is ended although it does not listen to TERM."""
    desk.queue["model"]["resources"]["timeout"] = "2s"
    found = desk.attempt(
        image, "import signal, time; signal.signal(15, lambda *_: print('no'))\nwhile True: time.sleep(1)"
    )
    assert found["fault"] == "timed_out"
    assert found["timed_out"]
    assert not found["oom_killed"]
    assert "2s" in found["reason"]
    assert 2 <= found["seconds"] < 15


def test_names_of_outputs_are_harmless(desk, image):
    found = desk.attempt(
        image, "open(b'/output/\\xff\\x1b[2J', 'w').write('x')\nimport os; os.makedirs('/output/' + 'd/' * 5)"
    )
    assert found["fault"] == "wrong_name"
    ((name, size),) = [(file["name"], file["bytes"]) for file in found["outputs"]]
    assert size == 1
    assert name.isprintable()


def test_sparse_outputs_do_not_flood_the_judge(desk, image):
    """Files with more bytes than the folder has room for: only their names matter."""
    found = desk.attempt(
        image, "import os\nfor n in range(9): os.truncate(open(f'/output/{n}', 'w').name, 16 * 2**20)\n"
    )
    assert found["fault"] == "wrong_name"
    assert 1 <= len(found["outputs"]) <= 9


def test_a_flood_of_output_is_cut_as_in_production(desk, image):
    """Head and tail, within the limit of the queue."""
    desk.queue["logs"] = {"limit": "4kB"}
    code = "import os\nprint('first')\nfor n in range(400): os.write(1, b'x' * 2**16)\nprint('\\nlast')\n" + WRITE
    found = desk.attempt(image, code)
    assert found["verdict"] == "ok"
    assert len(found["log_excerpt"].encode()) <= 4000
    assert found["log_excerpt"].endswith("last\n")
    assert "bytes left out" in found["log_excerpt"]


def test_a_flood_that_does_not_end(desk, image):
    """The engine keeps little of it, the command less, and the time-out comes in time."""
    desk.queue["model"]["resources"]["timeout"] = "5s"
    desk.queue["logs"] = {"limit": "4kB"}
    begin = time.monotonic()
    found = desk.attempt(image, "import os\nwhile True: os.write(1, b'[' * 2**16)")
    assert found["fault"] == "timed_out"
    assert len(found["log_excerpt"].encode()) <= 4000
    assert time.monotonic() - begin < 60


def test_a_queue_without_data(desk, image):
    """An empty /input is there, as in production; the image brings what it needs."""
    del desk.queue["input_dir"]
    found = desk.attempt(image)
    assert (found["verdict"], found["fault"]) == ("invalid", "exit_code")
    assert "can't open file '/input/model.py'" in found["log_excerpt"]


def test_the_leak_budget_cuts_the_excerpt(desk, image):
    desk.queue["model"]["leak_budget"] = {"per_submission": "100B"}
    data = desk.data("for n in range(100): print('patient', n)\n" + WRITE)
    desk.write()
    done = desk.run("try", image, "--json", "--input", data)
    excerpt = done.json["log_excerpt"]
    assert excerpt.startswith("patient 0\n")
    assert "withheld" in excerpt
    assert len(excerpt.partition("\n[…")[0]) <= 100
    assert "withheld" in done.err


def test_a_canary_keeps_a_bad_model_from_the_data(desk, image):
    desk.queue["model"]["canary"] = {"input_dir": "/nowhere/either", "timeout": "20s"}
    full = desk.data("print('I saw the data')\n" + WRITE, "full")
    small = desk.data("raise SystemExit('bad on the canary')", "small")
    found = desk.attempt(image, None, "--input", full, "--input", f"canary={small}")
    assert found["fault"] == "exit_code"
    assert "on the canary" in found["reason"]
    assert "bad on the canary" in found["log_excerpt"]
    assert "I saw the data" not in found["log_excerpt"]


def test_a_canary_that_passes(desk, image):
    desk.queue["model"]["canary"] = {"input_dir": "/nowhere/either", "timeout": "20s"}
    full = desk.data("import os; print('left over:', os.listdir('/output'))\n" + WRITE, "full")
    small = desk.data("print('small'); open('/output/predictions.csv', 'w').write('tiny')", "small")
    found = desk.attempt(image, None, "--input", full, "--input", f"canary={small}")
    assert found["verdict"] == "ok"
    assert found["outputs"] == [{"name": "predictions.csv", "bytes": 11}]
    assert found["log_excerpt"].index("small") < found["log_excerpt"].index("left over: []")
    assert "===== model on the canary =====" in found["log_excerpt"]


def test_stages_pass_a_model_on(desk, image):
    desk.queue["model"]["stages"] = [{"name": "train", "timeout": "20s"}, {"name": "infer"}]
    train = desk.data("open('/model/weights', 'w').write('42'); print('trained')", "train")
    infer = desk.data(
        "print('weights', open('/model/weights').read())\n"
        "try: open('/model/more', 'w')\nexcept OSError: print('read-only')\n" + WRITE,
        "infer",
    )
    found = desk.attempt(image, None, "--input", f"train={train}", "--input", f"infer={infer}")
    assert found["verdict"] == "ok", found
    log = found["log_excerpt"]
    assert log.index("===== train stage =====") < log.index("trained") < log.index("===== infer stage =====")
    assert "weights 42" in log
    assert "read-only" in log


def test_only_this_package_and_docker_are_started(desk, image):
    """Airflow and Synapse's client take seconds to import."""
    done = desk.run("try", image, "--json", "--input", desk.data(WRITE), python=("-X", "importtime"))
    assert done.json["verdict"] == "ok"
    imported = {line.rpartition("|")[2].strip() for line in done.err.splitlines() if line.startswith("import time:")}
    assert "airflow_synapse_challenge.steps.trial" in imported
    tops = {name.partition(".")[0] for name in imported}
    assert not tops & {"airflow", "synapseclient", "sqlalchemy", "pandas"}
    assert not any(name.startswith("airflow_synapse_challenge.synapse") for name in imported)

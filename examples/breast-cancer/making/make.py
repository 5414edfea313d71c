"""
Make the data, the sample submissions and what is expected of them; needs scikit-learn.

The files are part of the repository, so only somebody who changes the example runs this::

    pip install scikit-learn && python examples/breast-cancer/making/make.py
"""

import csv
import io
import random
import zipfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

HERE = Path(__file__).parents[1]
SEED = 20261123

DATA = load_breast_cancer()
# In scikit-learn 0 stands for malignant; here the malignant class is the one to find.
MALIGNANT = 1 - DATA.target
IDS = np.array([f"S{number:04d}" for number in range(1, len(MALIGNANT) + 1)])
COLUMNS = [name.replace(" ", "_") for name in DATA.feature_names]
TRAIN, TEST = train_test_split(np.arange(len(IDS)), test_size=0.3, random_state=SEED, stratify=MALIGNANT)
TRAIN, TEST = np.sort(TRAIN), np.sort(TEST)


def write_data():
    folder = HERE / "data"
    folder.mkdir(exist_ok=True)
    label = {1: "M", 0: "B"}
    training = ([IDS[i], label[MALIGNANT[i]], *DATA.data[i]] for i in TRAIN)
    _write(folder / "train.csv", ["id", "diagnosis", *COLUMNS], training)
    _write(folder / "test.csv", ["id", *COLUMNS], ([IDS[i], *DATA.data[i]] for i in TEST))
    _write(folder / "goldstandard.csv", ["id", "diagnosis"], ([IDS[i], label[MALIGNANT[i]]] for i in TEST))


def _write(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _models():
    scaled = StandardScaler
    columns = COLUMNS.index
    yield "logistic-regression", make_pipeline(scaled(), LogisticRegression(max_iter=5000)), slice(None)
    yield "random-forest", RandomForestClassifier(300, random_state=SEED), slice(None)
    yield "gradient-boosting", GradientBoostingClassifier(random_state=SEED), slice(None)
    yield "support-vectors", make_pipeline(scaled(), SVC(probability=True, random_state=SEED)), slice(None)
    yield "extra-trees", ExtraTreesClassifier(300, random_state=SEED), slice(None)
    yield "nearest-neighbours", make_pipeline(scaled(), KNeighborsClassifier(7)), slice(None)
    yield "naive-bayes", GaussianNB(), slice(None)
    yield "texture-only", LogisticRegression(max_iter=5000), [columns("mean_texture")]
    yield "smoothness-only", LogisticRegression(max_iter=5000), [columns("mean_smoothness")]
    yield "stump", DecisionTreeClassifier(max_depth=1, random_state=SEED), slice(None)


def probabilities():
    """Return the test samples' probabilities by name of the method."""
    found = {}
    for name, model, columns in _models():
        model.fit(DATA.data[TRAIN][:, columns], MALIGNANT[TRAIN])
        found[name] = model.predict_proba(DATA.data[TEST][:, columns])[:, 1]
    found["benign-by-mistake"] = 1 - found["logistic-regression"]
    found["always-half"] = np.full(len(TEST), 0.5)
    found["coin"] = np.random.default_rng(SEED).random(len(TEST))
    return {name: np.round(values, 6) for name, values in found.items()}


def _csv(rows, header="id,probability"):
    return "\n".join([header, *(f"{sample},{value}" for sample, value in rows)]) + "\n"


def failures(good):
    """Return the ways people really fail, made of a good submission: content by file name."""
    rows = [(sample, f"{value:.6f}") for sample, value in zip(IDS[TEST], good, strict=True)]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(zipfile.ZipInfo("predictions.csv", (2026, 11, 23, 0, 0, 0)), _csv(rows))
    return {
        "missing-rows.csv": _csv(rows[:-12]).encode(),
        "duplicate-ids.csv": _csv(rows + rows[:3]).encode(),
        "not-a-number.csv": _csv([(s, "NaN" if i % 40 == 7 else v) for i, (s, v) in enumerate(rows)]).encode(),
        "percent.csv": _csv([(s, f"{100 * float(v):.4f}") for s, v in rows]).encode(),
        "wrong-header.csv": _csv(rows, "sample,malignant").encode(),
        "empty.csv": b"\n",  # Synapse takes no file without any byte
        "predictions.zip": archive.getvalue(),
        "utf-16.csv": _csv(rows).encode("utf-16"),
        "unknown-ids.csv": _csv([(s.replace("S0", "T0"), v) for s, v in rows]).encode(),
        "words.csv": _csv([(s, "high" if float(v) > 0.5 else "low") for s, v in rows]).encode(),
    }


REASONS = {
    "missing-rows.csv": "ids are missing",
    "duplicate-ids.csv": "ids occur more than once",
    "not-a-number.csv": "probabilities are not numbers",
    "percent.csv": "probabilities are not between 0 and 1",
    "wrong-header.csv": "The first line must be",
    "empty.csv": "The file is empty",
    "predictions.zip": "ZIP archive",
    "utf-16.csv": "UTF-16",
    "unknown-ids.csv": "ids are not in the test data",
    "words.csv": "probabilities are not numbers",
    "junk.bin": "The file has 50000000 bytes",
}
# Who submits what: two teams, and two people alone. Who submits in a team's name may not submit alone as well.
TEAMS = {"Curie Lab": ["marie", "irene"], "Broad Street": ["john"]}
PEOPLE = ["marie", "irene", "john", "rosalind", "ada"]
WHO = {
    "logistic-regression.csv": "Curie Lab", "random-forest.csv": "Broad Street", "gradient-boosting.csv": "rosalind",
    "support-vectors.csv": "rosalind", "extra-trees.csv": "Curie Lab", "nearest-neighbours.csv": "Broad Street",
    "naive-bayes.csv": "ada", "texture-only.csv": "Curie Lab", "smoothness-only.csv": "Curie Lab", "stump.csv": "ada",
    "benign-by-mistake.csv": "Broad Street", "always-half.csv": "Curie Lab", "coin.csv": "Broad Street",
    "missing-rows.csv": "ada", "duplicate-ids.csv": "Curie Lab", "not-a-number.csv": "Broad Street",
    "percent.csv": "rosalind", "wrong-header.csv": "ada", "empty.csv": "ada", "predictions.zip": "ada",
    "utf-16.csv": "Broad Street", "unknown-ids.csv": "Broad Street", "words.csv": "rosalind", "junk.bin": "rosalind",
}  # fmt: skip


def main():
    write_data()
    folder = HERE / "submissions"
    folder.mkdir(exist_ok=True)
    found = probabilities()
    metrics = {}
    for name, values in found.items():
        file = f"{name}.csv"
        content = _csv((sample, f"{value:.6f}") for sample, value in zip(IDS[TEST], values, strict=True))
        if name == "stump":
            (folder / file).write_bytes(content.replace("\n", "\r\n").encode("utf-8-sig"))  # as Excel saves it
        else:
            (folder / file).write_text(content, encoding="utf-8")
        truth = MALIGNANT[TEST]
        metrics[file] = (roc_auc_score(truth, values), average_precision_score(truth, values))
    for file, content in failures(found["logistic-regression"]).items():
        (folder / file).write_bytes(content)
    (HERE / "rehearsal.yaml").write_text(rehearsal(metrics), encoding="utf-8")


def rehearsal(metrics):
    """Return the file that says who submits what, and what has to come of it."""
    order = list(WHO)
    random.Random(SEED).shuffle(order)
    lines = [
        "# Written by making/make.py: who takes part, who submits what, and what has to come of it. The metrics are",
        "# scikit-learn's, so a rehearsal also checks the score script.",
        "",
        "gold_standards: {Diagnosis: data/goldstandard.csv}",
        f"participants: [{', '.join(PEOPLE)}]",
        "teams:",
        *(f"  {team}: [{', '.join(members)}]" for team, members in TEAMS.items()),
        "over: 60s",
        "",
        "submissions:",
    ]
    for file in order:
        source = "junk: 50000000" if file == "junk.bin" else f"file: submissions/{file}"
        if file in metrics:
            roc, pr = metrics[file]
            outcome = f"valid: {{auc_roc: {roc:.6f}, auc_pr: {pr:.6f}}}"
        else:
            outcome = f'invalid: "{REASONS[file]}"'
        lines.append(f"  - {{by: {WHO[file]}, {source}, {outcome}}}")
    best = {}
    for file, (roc, pr) in metrics.items():
        key = (round(roc, 6), round(pr, 6))
        if WHO[file] not in best or key > best[WHO[file]][0]:
            best[WHO[file]] = (key, file)
    ranking = sorted(best.items(), key=lambda item: item[1][0], reverse=True)
    lines += ["", "leaderboard:", *(f"  - {{submitter: {who}, file: {file}}}" for who, (_, file) in ranking)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

"""What synapseutils does with a project: walks it, fetches it, sends it back, copies it with its wiki."""

import json
import os
import sys
from pathlib import Path

import pandas
import synapseclient
import synapseutils

given = json.loads(sys.argv[1])
project, target, file = given["project"], given["target"], given["file"]
synapse = synapseclient.login(silent=True)

walked = [
    [folder, [name for name, _ in folders], [name for name, _ in files]]
    for (folder, _), folders, files in synapseutils.walk(synapse, project)
]

fetched = synapseutils.syncFromSynapse(synapse, project, path="fetched")
texts = {entity.name: Path(entity.path).read_text() for entity in fetched}

manifest = pandas.read_csv("fetched/SYNAPSE_METADATA_MANIFEST.tsv", sep="\t")
manifest.loc[manifest["id"] == file, "cohort"] = "A"
manifest.loc[manifest["id"] == file, "used"] = "https://example.org/study"
manifest.loc[manifest["id"] == file, "executed"] = given["other"]
Path("fetched/Data/data.csv").write_text("id,value\n1,2\n2,5\n")
os.utime("fetched/Data/data.csv", (2_000_000_000, 2_000_000_000))  # its seconds are all that synapseclient looks at
manifest.to_csv("back.tsv", sep="\t", index=False)
synapseutils.syncToSynapse(synapse, "back.tsv", sendMessages=False)

mapping = synapseutils.copy(synapse, project, target, skipCopyWikiPage=True)
synapseutils.copyWiki(synapse, project, target, entityMap=mapping)

renamed = synapseutils.changeFileMetaData(
    synapse, mapping[file], downloadAs="table.txt", contentType="text/plain", name="Table"
)
handle = synapse.get(file, downloadFile=False)["dataFileHandleId"]
[copied] = synapseutils.copyFileHandles(synapse, [handle], ["FileEntity"], [file], ["text/plain"], ["copy.txt"])
described = synapseutils.describe(synapse, file)


@synapseutils.notifyMe(synapse, "Nightly run", retries=1)
def nightly(fail):
    """Ends well or badly, which it only mails."""
    if fail:
        raise ValueError("The disk is full.")


nightly(fail=False)
nightly(fail=True)

print(
    "\nRESULT",
    json.dumps(
        {
            "walked": walked,
            "texts": texts,
            "mapping": mapping,
            "renamed": renamed["id"],
            "copied": copied["newFileHandle"]["id"],
            "largest": int(described["value"]["max"]),
        },
    ),
)

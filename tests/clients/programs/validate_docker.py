"""Look at submitted images as challengeutils does, but at a registry of one's own, with a token for a password."""

import json
import sys

from challengeutils.dockertools import validate_docker

given = json.loads(sys.argv[1])
verdicts = []
for digest in given["digests"]:
    try:
        verdicts.append(validate_docker(docker_digest=digest, **given["registry"], **given["credentials"]))
    except ValueError as refusal:
        verdicts.append(str(refusal))
print("\nRESULT", json.dumps(verdicts))

"""The ``docker`` command as participants use it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from airflow_synapse_challenge.errors import PermanentError

SECONDS = 600.0
#: Of a failed command's output.
LONGEST_OUTPUT = 2000


class DockerCommand:
    """
    One person's ``docker``: a login of its own on the common engine.

    :param config: folder for the login; made when it does not exist.
    :param label: ``key=value`` for every image that is built.
    """

    def __init__(self, config: Path, label: str) -> None:
        config.mkdir(parents=True, exist_ok=True)
        # The builder that every engine has; BuildKit would add an attestation and push an index of two.
        self._environment = os.environ | {"DOCKER_CONFIG": str(config), "DOCKER_BUILDKIT": "0"}
        self._label = label

    def login(self, registry: str, user: str, token: str) -> None:
        """Log in, the token as password."""
        self._run("login", "--username", user, "--password-stdin", registry, given=token)

    def build_and_push(self, folder: Path, name: str) -> None:
        """
        Build a folder's Dockerfile and push the image.

        :param name: registry, repository and tag.
        """
        self._run("build", "--quiet", "--network", "none", "--label", self._label, "--tag", name, str(folder))
        self._run("push", "--quiet", name)

    def _run(self, *arguments: str, given: str | None = None) -> None:
        done = subprocess.run(
            ["docker", *arguments],
            env=self._environment,
            input=given,
            stdin=None if given else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if done.returncode:
            raise PermanentError(f"docker {' '.join(arguments)} failed:\n{done.stderr[-LONGEST_OUTPUT:]}")

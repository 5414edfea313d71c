"""Start a local Synapse that writes down what it answers: the arguments are those of the local Synapse itself."""

from __future__ import annotations

import os
from pathlib import Path

from synapse_contract.recording import VARIABLE, Recorder

from airflow_synapse_challenge.local_synapse import command
from airflow_synapse_challenge.local_synapse.core.routing import OPERATIONS, Router

build = command.build


def recorded(folder, *arguments, **options):
    """The application with the recorder around it."""
    app = build(folder, *arguments, **options)
    app.add_middleware(Recorder, router=Router(OPERATIONS), folder=Path(os.environ[VARIABLE]))
    return app


if __name__ == "__main__":
    command.build = recorded
    command.main()

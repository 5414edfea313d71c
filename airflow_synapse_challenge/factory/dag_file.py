"""The one DAG file of a deployment, as it stands in ``dags/`` and as ``synapse-challenge init-airflow`` writes it."""

DAG_FILE_NAME = "synapse_challenges.py"
FOLDER_VARIABLE = "SYNAPSE_CHALLENGES_FOLDER"
DAG_FILE = '''\
"""
The DAGs of every Synapse challenge: put this file into Airflow's DAG folder.

Each ``challenge.yaml`` below the folder SYNAPSE_CHALLENGES_FOLDER (by default ``challenges`` beside this file) becomes
the DAG ``<challenge>__intake`` and one DAG for each of its queues.
"""

import os
from pathlib import Path

from airflow_synapse_challenge.factory.discover import dags_below

folder = Path(os.environ.get("SYNAPSE_CHALLENGES_FOLDER") or Path(__file__).parent / "challenges")
globals().update(dags_below(folder))
'''

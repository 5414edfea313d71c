"""``python -m airflow_synapse_challenge.rehearsal examples/breast-cancer``."""

import sys

from airflow_synapse_challenge.rehearsal.command import main

sys.exit(main())

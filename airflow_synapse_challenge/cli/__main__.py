"""``python -m airflow_synapse_challenge.cli``."""

from airflow_synapse_challenge.cli.main import main

main()

"""A whole challenge on one machine: a local Synapse, a small Airflow, participants that submit."""

"""The entry point of the plugin. Every Airflow process imports it: it imports nothing heavy."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from airflow_synapse_challenge.plugin import preload


class SynapseChallengePlugin(AirflowPlugin):
    """Prepares the process that LocalExecutor forks tasks from."""

    name = "synapse_challenge"
    listeners = [preload]

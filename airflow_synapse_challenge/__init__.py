"""Apache Airflow provider that runs crowd-sourced science challenges on Synapse."""

__version__ = "0.1.0"

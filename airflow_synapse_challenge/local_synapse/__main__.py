"""Start a local Synapse: ``python -m airflow_synapse_challenge.local_synapse``."""

from .command import main

if __name__ == "__main__":
    main()

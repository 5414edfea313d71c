"""
Run somebody else's code under a policy. No Airflow.

::

    ContainerSpec + Policy ──▶ Engine.run ──▶ Outcome
      what and how bounded       Docker, or a        exit code, bounded log,
                                 process group       bounded result files

An engine refuses what it cannot enforce; it never weakens a rule.
"""

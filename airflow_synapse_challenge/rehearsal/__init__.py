"""
A whole challenge on one machine: local Synapse, Airflow, participants who submit, and what has to come of it.

::

    plan (rehearsal.yaml) ──▶ site          projects, teams, queue, gold standard on a local Synapse
                          ──▶ deployment    Airflow's four processes with the challenge's DAGs
                          ──▶ participants  submit through synapseclient over a minute
                          ──▶ observer      reads statuses, runs and mails until everything is final
                          ──▶ report        tables for people, one JSON line for programs
"""

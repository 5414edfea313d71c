"""
What the run of a submission does: the rules of a challenge applied to Synapse and to containers. No Airflow.

::

    dispatch ──▶ claim ──▶ evaluate (validate) ──▶ evaluate (score) ──▶ finish
    lists the     takes      runs the organisers' scripts                 status, annotations,
    queue         it                                                      logs and mails
"""

"""
A Synapse for one machine: rehearsals, demos and tests speak to it with unmodified clients.

Standalone: nothing of the other rooms is imported here, because a simulator that shares code with its client would
agree with the client's mistakes. All state is one SQLite database and a folder of files; a request is one transaction,
so what was acknowledged survives a kill.

Each module holds one concept of Synapse and registers its operations with :func:`.http.operation`. Rule ids in the
docstrings (``V-05``, ``S-04`` …) name rules of Synapse's own behaviour; ``docs/local-synapse.md`` lists them.
"""

"""
Synapse's REST API, typed. No Airflow.

Each module holds one concept of Synapse. Its functions return a :class:`~.call.Call`, a description of one request,
which :class:`~.client.SynapseClient` and :class:`~.client.AsyncSynapseClient` send. Flows of several requests take a
client.
"""

"""
Synapse's REST API, typed. No Airflow.

Each module holds one concept of Synapse. Its functions return a :class:`~.call.Call`, a description of one request;
:class:`~.client.SynapseClient` and :class:`~.client.AsyncSynapseClient` send it. Flows of several requests take a client.
"""

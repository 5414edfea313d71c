"""Synapse's own description of its REST API, made into checks of what the local Synapse answers."""

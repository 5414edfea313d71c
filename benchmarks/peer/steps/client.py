"""A synapseclient from the configuration file that the orchestrator hands to every step."""

import logging

import synapseclient


def log_in(config):
    """Return a client that is logged in and asks the package index for nothing."""
    logging.getLogger("synapseclient_default").setLevel(logging.WARNING)
    synapse = synapseclient.Synapse(configPath=config, skip_checks=True, silent=True)
    synapse.login(silent=True)
    return synapse

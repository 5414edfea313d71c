"""What Airflow reads about this provider: a literal, so that discovery imports nothing of ours."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description (``airflow/provider_info.schema.json``)."""
    return {
        "package-name": "airflow-synapse-challenge",
        "name": "Synapse Challenge",
        "description": "Runs crowd-sourced science challenges (DREAM challenges) on Synapse.",
        "integrations": [
            {
                "integration-name": "Synapse",
                "external-doc-url": "https://www.synapse.org",
                "tags": ["service"],
            }
        ],
        "hooks": [
            {
                "integration-name": "Synapse",
                "python-modules": [
                    "airflow_synapse_challenge.hooks.docker",
                    "airflow_synapse_challenge.hooks.synapse",
                ],
            }
        ],
        "operators": [
            {
                "integration-name": "Synapse",
                "python-modules": [
                    "airflow_synapse_challenge.operators.challenge",
                    "airflow_synapse_challenge.operators.containers",
                    "airflow_synapse_challenge.operators.dispatch",
                    "airflow_synapse_challenge.operators.evaluation",
                    "airflow_synapse_challenge.operators.files",
                    "airflow_synapse_challenge.operators.finish",
                    "airflow_synapse_challenge.operators.maintenance",
                    "airflow_synapse_challenge.operators.messages",
                    "airflow_synapse_challenge.operators.model_container",
                    "airflow_synapse_challenge.operators.models",
                    "airflow_synapse_challenge.operators.run_model",
                    "airflow_synapse_challenge.operators.submissions",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": "Synapse",
                "python-modules": ["airflow_synapse_challenge.sensors.submissions"],
            }
        ],
        "triggers": [
            {
                "integration-name": "Synapse",
                "python-modules": [
                    "airflow_synapse_challenge.triggers.containers",
                    "airflow_synapse_challenge.triggers.submissions",
                ],
            }
        ],
        "notifications": ["airflow_synapse_challenge.notifications.synapse.SynapseNotifier"],
        "extra-links": ["airflow_synapse_challenge.links.synapse.SynapseLink"],
        "connection-types": [
            {
                "connection-type": "synapse",
                "hook-class-name": "airflow_synapse_challenge.hooks.synapse.SynapseHook",
                "hook-name": "Synapse",
                "conn-fields": {
                    "endpoint": {
                        "label": "Endpoint",
                        "description": (
                            "Base URL of another Synapse, for example a local one: "
                            "/repo/v1, /auth/v1 and /file/v1 are looked for below it. "
                            "Empty means production."
                        ),
                        "schema": {"type": ["string", "null"], "format": "uri"},
                    },
                },
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "schema", "login", "port", "extra"],
                    "relabeling": {"password": "Personal access token"},
                    "placeholders": {"password": "token with the scopes view, modify and download"},
                },
            }
        ],
    }

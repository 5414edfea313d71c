"""The Kubernetes cluster of an Airflow connection."""

from __future__ import annotations

from airflow_synapse_challenge.containers.kubernetes_cluster import Cluster
from airflow_synapse_challenge.containers.kubernetes_engine import KubernetesEngine
from airflow_synapse_challenge.containers.kubernetes_settings import ClusterSettings
from airflow_synapse_challenge.errors import ConfigurationError, TransientError


def cluster_of(conn_id: str | None, namespace: str) -> Cluster:
    """
    Return a namespace of a cluster.

    :param conn_id: Airflow connection of type ``kubernetes``; without one the cluster that this runs in, else that of
        the environment's ``kubeconfig``.
    :raises ConfigurationError: the provider for Kubernetes is not installed, or there is no such cluster.
    """
    try:
        from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
        from airflow.providers.cncf.kubernetes.utils.pod_manager import PodManager
    except ImportError as error:
        raise ConfigurationError(
            "`engine: kubernetes` needs the provider for Kubernetes: "
            f"pip install 'airflow-synapse-challenge[kubernetes]' ({error})."
        ) from error
    from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException
    from kubernetes.config import ConfigException

    try:
        core = KubernetesHook(conn_id=conn_id, kubernetes_conn_id=None).core_v1_client
    except ConfigException as error:
        raise ConfigurationError(
            f"No Kubernetes cluster is configured: {error}. Name an Airflow connection of type `kubernetes` in "
            "`compute: {kubernetes: {connection: …}}`."
        ) from error
    except AirflowNotFoundException as error:
        raise ConfigurationError(
            f"Airflow has no connection {conn_id!r} (`compute: {{kubernetes: {{connection: …}}}}`): {error}"
        ) from error
    except AirflowException as error:
        raise TransientError(f"The connection {conn_id} to Kubernetes cannot be used: {error}") from error
    return Cluster(core, PodManager(core), namespace)


def kubernetes_engine(conn_id: str | None, settings: ClusterSettings) -> KubernetesEngine:
    """Return the engine of a namespace; see :func:`cluster_of`."""
    return KubernetesEngine(cluster_of(conn_id, settings.namespace), settings)

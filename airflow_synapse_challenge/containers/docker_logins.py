"""The logins that the docker command has stored (``docker login``)."""

from __future__ import annotations

from airflow_synapse_challenge.containers.registry import DEFAULT_HOST
from airflow_synapse_challenge.errors import ConfigurationError


def stored_login(host: str) -> tuple[str, str] | None:
    """
    Return user and password for a registry, from docker's configuration or its credential helper.

    :param host: of the registry, with its port.
    :return: ``None`` when nothing is stored for it.
    :raises ConfigurationError: what is stored cannot be read, or is no password.
    """
    from docker.auth import load_config
    from docker.errors import DockerException

    try:
        found = load_config().resolve_authconfig("docker.io" if host == DEFAULT_HOST else host) or {}
    except DockerException as error:
        raise ConfigurationError(f"The login that docker has stored for {host} cannot be read: {error}") from error
    fields = {key.lower(): value for key, value in found.items()}
    if not fields.get("username"):
        return None
    if not fields.get("password"):
        raise ConfigurationError(
            f"What docker has stored for {host} is no password but an identity token, which cannot be used here. "
            f"Pull the image yourself with `docker pull`, or `docker login {host}` with an access token."
        )
    return str(fields["username"]), str(fields["password"])

"""The connection to Synapse."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from airflow_synapse_challenge.errors import ConfigurationError, SynapseChallengeError
from airflow_synapse_challenge.synapse import profiles
from airflow_synapse_challenge.synapse.client import IMPATIENT, AsyncSynapseClient, Endpoints, SynapseClient

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from airflow_synapse_challenge.synapse.files import FileTransfer


class SynapseHook(BaseHook):
    """
    Talk to Synapse with the personal access token of an Airflow connection.

    The connection has type ``synapse``: the password is the token, the extra field ``endpoint`` replaces production
    by another Synapse (a local one, a development stack).

    :param synapse_conn_id: Airflow connection of type ``synapse``.
    """

    conn_name_attr = "synapse_conn_id"
    default_conn_name = "synapse_default"
    conn_type = "synapse"
    hook_name = "Synapse"

    def __init__(self, synapse_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.synapse_conn_id = synapse_conn_id

    @cached_property
    def _connection(self) -> Connection:
        return self.get_connection(self.synapse_conn_id)

    @property
    def endpoints(self) -> Endpoints:
        """Addresses of the Synapse that the connection names."""
        return _endpoints(self._connection)

    def get_conn(self, *, impatient: bool = False) -> SynapseClient:
        """
        Return a new synchronous client; use it as a context manager.

        :param impatient: give up within seconds, for questions that can be asked again later.
        """
        return SynapseClient(_token(self._connection), self.endpoints, **(IMPATIENT if impatient else {}))

    async def get_async_conn(self, *, impatient: bool = False) -> AsyncSynapseClient:
        """Return a new asynchronous client, for triggers; the parameters are those of :meth:`get_conn`."""
        connection = await self.aget_connection(self.synapse_conn_id)
        return AsyncSynapseClient(_token(connection), _endpoints(connection), **(IMPATIENT if impatient else {}))

    def login(self) -> tuple[str, str]:
        """Return user name (``GET /userProfile``) and token, as Synapse's Docker registry takes them."""
        with self.get_conn() as client:
            return client.send(profiles.me()).user_name, _token(self._connection)

    def file_transfer(self, work_dir: Path) -> FileTransfer:
        """
        Return a transfer of files through synapseclient.

        :param work_dir: folder for this task's own cache and temporary files.
        """
        from airflow_synapse_challenge.synapse.files import FileTransfer

        return FileTransfer(_token(self._connection), self.endpoints, work_dir)

    def portal_url(self, entity_id: str) -> str:
        """Return the page of an entity on Synapse's web site."""
        return f"{self.endpoints.portal}/Synapse:{entity_id}"

    def test_connection(self) -> tuple[bool, str]:
        """Read the profile of the token's owner (``GET /userProfile``)."""
        try:
            with self.get_conn() as client:
                profile = client.send(profiles.me())
        except SynapseChallengeError as error:
            return False, str(error)
        if profile.user_name == "anonymous":
            return False, f"The connection {self.synapse_conn_id!r} has no token: Synapse sees an anonymous user."
        return True, f"Connected to {self.endpoints.repo} as {profile.user_name} ({profile.owner_id})."


def _token(connection: Connection) -> str:
    if not connection.password:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r} has no password. "
            "Put a Synapse personal access token (scopes view, modify, download) there."
        )
    return connection.password


def _endpoints(connection: Connection) -> Endpoints:
    endpoint = connection.extra_dejson.get("endpoint")
    return Endpoints.at(endpoint) if endpoint else Endpoints.production()

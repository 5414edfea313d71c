"""Folders, files and sharing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.links.synapse import show_link
from airflow_synapse_challenge.operators.base import SynapseOperator
from airflow_synapse_challenge.synapse import acls, folders

if TYPE_CHECKING:
    from airflow.sdk import Context


class SynapseEnsureFolderOperator(SynapseOperator):
    """
    Make a folder where it does not exist; the XCom is its synID.

    .. code-block:: python

        SynapseEnsureFolderOperator(task_id="logs", parent="syn51000000", name="Logs")

    :param parent: project or folder (templated).
    :param name: name of the folder (templated).
    :param sharing: access types by principal id for a folder of its own sharing; used only when the folder is made.
        Left out, the folder inherits.
    :param synapse_conn_id: Airflow connection of type ``synapse``.
    """

    template_fields: Sequence[str] = ("parent", "name")

    def __init__(
        self, *, parent: str, name: str, sharing: Mapping[int, Sequence[str]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.parent = parent
        self.name = name
        self.sharing = sharing

    def act(self, context: Context, work_dir: Path) -> str:  # noqa: ARG002
        """Look the folder up (``POST /entity/child``), else make it (``POST /entity/bundle2/create``)."""
        with self.hook.get_conn() as client:
            folder = folders.ensure_folder(client, self.parent, self.name, acl=self.sharing)
        show_link(self, context, self.hook.portal_url(folder.id))
        return folder.id


class SynapseSetPermissionsOperator(SynapseOperator):
    """
    Give a principal a level of access to an entity, replacing what it had.

    .. code-block:: python

        SynapseSetPermissionsOperator(
            task_id="share", entity_id="syn51000000", principal_id=3379097, level="download"
        )

    :param entity_id: project, folder or file; one that inherits gets sharing of its own (templated).
    :param principal_id: user or team (templated).
    :param level: ``view``, ``download``, ``moderate``, ``edit``, ``edit_and_delete``, ``admin`` or ``remove``
        (templated).
    :param synapse_conn_id: Airflow connection of type ``synapse``.
    """

    template_fields: Sequence[str] = ("entity_id", "principal_id", "level")

    def __init__(self, *, entity_id: str, principal_id: int | str, level: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.entity_id = entity_id
        self.principal_id = principal_id
        self.level = level

    def act(self, context: Context, work_dir: Path) -> None:  # noqa: ARG002
        """Write the entity's access control list (``PUT`` or ``POST /entity/{id}/acl``)."""
        show_link(self, context, self.hook.portal_url(self.entity_id))
        with self.hook.get_conn() as client:
            acls.set_permissions(client, self.entity_id, int(self.principal_id), self.level)


class SynapseUploadFileOperator(SynapseOperator):
    """
    Upload a file as a new file or as a new version; the XCom is a dict with ``id`` and ``version``.

    .. code-block:: python

        SynapseUploadFileOperator(task_id="upload", path="/data/predictions.csv", parent="syn51000001")

    :param path: local file (templated).
    :param parent: project or folder (templated).
    :param name: name on Synapse, by default the file's own (templated).
    :param used: entities that the file was made from, for its provenance (templated).
    :param executed: entities or URLs that made it (templated).
    :param synapse_conn_id: Airflow connection of type ``synapse``.
    """

    template_fields: Sequence[str] = ("path", "parent", "name", "used", "executed")

    def __init__(
        self,
        *,
        path: str,
        parent: str,
        name: str | None = None,
        used: Sequence[str] = (),
        executed: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.parent = parent
        self.name = name
        self.used = used
        self.executed = executed

    def act(self, context: Context, work_dir: Path) -> dict[str, Any]:
        """Upload through synapseclient; the same content again makes no new version."""
        stored = self.hook.file_transfer(work_dir).upload_file(
            Path(self.path), self.parent, name=self.name, used=self.used, executed=self.executed
        )
        show_link(self, context, self.hook.portal_url(stored.id))
        return {"id": stored.id, "version": stored.version}

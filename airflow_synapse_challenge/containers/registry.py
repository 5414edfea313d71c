"""
What a registry says about an image, before anything of it is pulled (Docker Registry HTTP API V2).

Nothing that is read here is trusted further than its digest: every document has a largest size, and its content has
to have the digest under which it was asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from airflow_synapse_challenge.containers import manifests
from airflow_synapse_challenge.containers.archive import printable
from airflow_synapse_challenge.errors import ParticipantFault, PermanentError, TransientError

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
TRIES = 3
LARGEST_MANIFEST = 4 * 1024**2
LARGEST_CONFIG = 8 * 1024**2
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)
INDEXES = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
DIGEST = re.compile(manifests.DIGEST)
#: Names as registries take them: no folder of a path is empty, ``.`` or ``..``.
REPOSITORY = re.compile(
    r"(?:[a-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)
LONGEST_REPOSITORY = 255
LOOPBACK = re.compile(r"(localhost|127(\.\d+){3}|\[::1\])(:\d+)?")
DEFAULT_HOST = "registry-1.docker.io"
#: Kind of the fault when there is no image of that name at all.
GONE = "gone"


@dataclass(frozen=True)
class ImageName:
    """
    An image by its digest.

    :param host: registry, with its port.
    :param repository: path on it.
    :param digest: ``sha256:…``.
    """

    host: str
    repository: str
    digest: str

    @classmethod
    def of(cls, repository: str, digest: str) -> ImageName:
        """
        Read what a submission says.

        :raises ParticipantFault: that is no image.
        """
        is_name = len(repository) <= LONGEST_REPOSITORY and REPOSITORY.fullmatch(repository)
        if not (is_name and DIGEST.fullmatch(digest)):
            raise ParticipantFault([f"{printable(repository)}@{printable(digest)} names no Docker image."])
        first, _, rest = repository.partition("/")
        if rest and ("." in first or ":" in first or first == "localhost"):
            return cls(first, rest, digest)
        return cls(DEFAULT_HOST, repository if rest else f"library/{repository}", digest)

    def __str__(self) -> str:
        host = "docker.io" if self.host == DEFAULT_HOST else self.host
        return f"{host}/{self.repository}@{self.digest}"


@dataclass(frozen=True)
class Manifest:
    """
    An image of one platform.

    :param digest: of the manifest, of the one chosen where the name was that of an index.
    :param layer_bytes: compressed size of each layer.
    :param config: the image's configuration: ``architecture``, ``os``, ``config`` with ``Entrypoint``, ``Cmd`` …
    """

    digest: str
    layer_bytes: tuple[int, ...]
    config: Mapping[str, Any] = field(repr=False)

    @property
    def total_bytes(self) -> int:
        """Compressed size of all layers."""
        return sum(self.layer_bytes)

    @property
    def platform(self) -> str:
        """``os/architecture``."""
        return str(manifests.Platform.model_validate(self.config))


class Registry:
    """
    Read manifests.

    :param user: user name for the registry's token service.
    :param password: its password or personal access token; sent to the token service only.
    :param transport: replaces the network, for tests.
    """

    def __init__(self, user: str = "", password: str = "", *, transport: httpx.BaseTransport | None = None) -> None:
        self._login = (user, password) if password else None
        self._http = httpx.Client(timeout=TIMEOUT, transport=transport)
        self._token = ""

    def __repr__(self) -> str:
        return f"Registry(user={self._login[0] if self._login else ''!r})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def manifest(self, name: ImageName, platform: str) -> Manifest:
        """
        Return an image's manifest, of the wanted platform where the name is that of an index.

        :param platform: ``os/architecture``, for example ``linux/amd64``.
        :raises ParticipantFault: it is gone, no image, damaged, or not for this platform.
        :raises PermanentError: the login may not read it.
        :raises TransientError: the registry is away.
        """
        document = self._document(name, "manifests", name.digest, LARGEST_MANIFEST)
        digest = name.digest
        if document.get("mediaType") in INDEXES or "manifests" in document:
            digest = _chosen(manifests.read(manifests.Index, document, "index"), platform)
            document = self._document(name, "manifests", digest, LARGEST_MANIFEST)
        if document.get("mediaType") not in (*MANIFESTS, None) or not isinstance(document.get("layers"), list):
            raise ParticipantFault(["What was submitted is no Docker image: its manifest has no layers."])
        found = manifests.read(manifests.ImageManifest, document, "manifest")
        if any(layer.urls for layer in found.layers):
            raise ParticipantFault(["The image has layers outside of the registry (`urls`). Push all of its layers."])
        config = self._document(name, "blobs", found.config.digest, LARGEST_CONFIG)
        manifests.read(manifests.ImageConfiguration, config, "configuration")
        return Manifest(digest, tuple(layer.size for layer in found.layers), config)

    def _document(self, name: ImageName, kind: str, digest: str, limit: int) -> dict[str, Any]:
        if not DIGEST.fullmatch(str(digest)):
            raise ParticipantFault(["The image's manifest is damaged."])
        raw = self._get(name, f"{kind}/{digest}", limit)
        if f"sha256:{hashlib.sha256(raw).hexdigest()}" != digest:
            raise ParticipantFault([f"The registry has another content under {digest}."])
        try:
            document = json.loads(raw, object_pairs_hook=_unique if kind == "manifests" else dict)
        except (ValueError, RecursionError) as error:
            raise ParticipantFault(["What was submitted is no Docker image: its manifest is no JSON."]) from error
        if not isinstance(document, dict):
            raise ParticipantFault(["What was submitted is no Docker image: its manifest is no JSON object."])
        return document

    def _get(self, name: ImageName, path: str, limit: int) -> bytes:
        scheme = "http" if LOOPBACK.fullmatch(name.host) else "https"
        url = f"{scheme}://{name.host}/v2/{name.repository}/{path}"
        problem: Exception | None = None
        for _ in range(TRIES):
            try:
                status, headers, body = self._fetch(url, limit)
                if status == 401 and self._log_in(name, headers.get("www-authenticate", "")):
                    status, headers, body = self._fetch(url, limit)
            except httpx.TransportError as error:
                problem = error
                continue
            if status < 500 and status != 429:
                return _judged(name, status, body)
            problem = TransientError(f"HTTP {status}")
        raise TransientError(f"The registry {name.host} does not answer: {problem}") from problem

    def _fetch(self, url: str, limit: int) -> tuple[int, httpx.Headers, bytes]:
        headers = {"Accept": ", ".join((*MANIFESTS, *INDEXES, "*/*"))}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        # httpx drops the token when a redirect leads to another host.
        with self._http.stream("GET", url, headers=headers, follow_redirects=True) as answer:
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > limit:
                    raise ParticipantFault([f"The image's manifest or configuration is larger than {limit} bytes."])
            return answer.status_code, answer.headers, body

    def _log_in(self, name: ImageName, challenge: str) -> bool:
        """Ask the token service that the registry names; the registry itself never sees the password."""
        kind, _, rest = challenge.partition(" ")
        asked = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if kind.lower() != "bearer" or urlsplit(asked.get("realm", "")).scheme not in ("http", "https"):
            return False
        if urlsplit(asked["realm"]).scheme == "http" and not LOOPBACK.fullmatch(urlsplit(asked["realm"]).netloc):
            raise PermanentError(f"The registry {name.host} names a token service without encryption; not used.")
        query = {"service": asked.get("service", ""), "scope": f"repository:{name.repository}:pull"}
        answer = self._http.get(asked["realm"], params=query, auth=self._login)
        if answer.status_code in (401, 403):
            raise PermanentError(f"The registry {name.host} does not accept the login of the challenge.")
        if not answer.is_success:
            raise TransientError(f"The token service of {name.host} answers {answer.status_code}.")
        found = answer.json()
        self._token = str(found.get("token") or found.get("access_token") or "")
        return bool(self._token)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse keys that engines take for the same: they ignore case, and the last one counts."""
    if len({key.casefold() for key, _ in pairs}) < len(pairs):
        raise ParticipantFault(["The image's manifest is damaged: a key stands twice."])
    return dict(pairs)


def _chosen(index: manifests.Index, platform: str) -> str:
    offered = {str(entry.platform) for entry in index.manifests if entry.platform}
    for entry in index.manifests:
        if entry.platform and str(entry.platform) == platform:
            return entry.digest
    known = ", ".join(sorted(one for one in offered if manifests.UNKNOWN not in one)) or "nothing"
    raise ParticipantFault(
        [f"The image is not for {platform}: its index offers {known[:200]}. Build it with --platform {platform}."]
    )


def _judged(name: ImageName, status: int, body: bytes) -> bytes:
    if status == 200:
        return body
    if status in (401, 403):
        raise PermanentError(
            f"The login of the challenge may not pull {name}. On Synapse that takes DOWNLOAD on the repository or "
            "READ_PRIVATE_SUBMISSION on the evaluation."
        )
    raise ParticipantFault(
        [f"The image {name} is not there (any more): the registry answers {status}. Push it again and resubmit."], GONE
    )

"""The token service's key and certificate, and the tokens that it signs for the registry."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from airflow_synapse_challenge.local_synapse.core.store import Json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ISSUER = "local-synapse"
ALGORITHM = "ES256"
TOKEN_LIFE = timedelta(minutes=15)
CERTIFICATE_LIFE = timedelta(days=36500)


class Identity(NamedTuple):
    """
    Who signs.

    :param key: private key.
    :param headers: by which the registry finds the public key: its id and the certificate.
    """

    key: EllipticCurvePrivateKey
    headers: Json


def key_file(folder: Path) -> Path:
    """Where a data folder keeps the private key."""
    return folder / "docker" / "token-key.pem"


def certificate_file(folder: Path) -> Path:
    """Where a data folder keeps the certificate, which the registry reads too."""
    return folder / "docker" / "token-certificate.pem"


@lru_cache(maxsize=8)
def identity_of(folder: Path) -> Identity:
    """Return the identity of a data folder; it is made once."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if not certificate_file(folder).exists():
        _make_identity(folder)
    key = serialization.load_pem_private_key(key_file(folder).read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate(certificate_file(folder).read_bytes())
    public = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    headers = {"kid": key_id(public), "x5c": [base64.b64encode(der).decode()]}
    return Identity(key, headers)


def _make_identity(folder: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + CERTIFICATE_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_file(folder).parent.mkdir(exist_ok=True)
    # The certificate comes last: where it is, both are whole.
    _write(key_file(folder), key_pem)
    _write(certificate_file(folder), certificate.public_bytes(serialization.Encoding.PEM))


def _write(path: Path, content: bytes) -> None:
    """Write a file that nobody else may read; it is there as a whole or not at all."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_bytes(content)
    part.replace(path)


def key_id(public_key: bytes) -> str:
    """Return the id that Docker's token specification gives to a public key in DER: twelve groups of base32."""
    text = base64.b32encode(hashlib.sha256(public_key).digest()[:30]).decode()
    return ":".join(text[start : start + 4] for start in range(0, len(text), 4))


def signed_token(folder: Path, service: str, subject: str, access: list[Json]) -> str:
    """
    Return a token that a registry accepts.

    :param access: what it allows: ``type``, ``name`` and ``actions`` of each resource.
    """
    import jwt

    identity = identity_of(folder)
    # The registry reads the machine's clock, which this Synapse's may be apart from.
    now = datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "sub": subject,
        "aud": service,
        "iat": now,
        "nbf": now,
        "exp": now + TOKEN_LIFE,
        "jti": secrets.token_hex(16),
        "access": access,
    }
    return jwt.encode(claims, identity.key, ALGORITHM, headers=identity.headers)

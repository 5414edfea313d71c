"""Sharing and bundles under the name by which other rooms know them."""

from __future__ import annotations

from .bundles import bundle_of
from .sharing import acl_of, permissions_of

__all__ = ["acl_of", "bundle_of", "permissions_of"]

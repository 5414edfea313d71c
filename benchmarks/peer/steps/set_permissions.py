"""Let the organisers read and download a folder: CONFIG ENTITY PRINCIPAL."""

import sys

from client import log_in

_, config, entity, principal = sys.argv
log_in(config).setPermissions(
    entity, principalId=int(principal), accessType=["READ", "DOWNLOAD"], warn_if_inherits=False
)

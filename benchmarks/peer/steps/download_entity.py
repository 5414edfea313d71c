"""Download an entity into ``entity/``: CONFIG ENTITY."""

import sys
from pathlib import Path

from client import log_in

_, config, entity = sys.argv
Path("entity").mkdir()
log_in(config).get(entity, downloadLocation="entity")

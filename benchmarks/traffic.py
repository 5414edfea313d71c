"""What was asked of Synapse, and how much of it is the transfer of files."""

from __future__ import annotations

#: Where the operations live that only move files: handles, uploads, presigned addresses, the bytes themselves.
FILE_PARTS = ("/file/v1/", "/storage/", "/repo/v1/fileHandle")
POLL = "/submission/status/all"


def split(operations: dict[str, int]) -> tuple[int, int]:
    """
    Return the calls beyond file transfer and those of it.

    Polls that found nothing belong to the queue, not to the submission; the one that rang is counted.
    """
    transfer = sum(number for name, number in operations.items() if any(part in name for part in FILE_PARTS))
    polls = sum(number for name, number in operations.items() if name.endswith(POLL))
    return sum(operations.values()) - transfer - polls + min(1, polls), transfer

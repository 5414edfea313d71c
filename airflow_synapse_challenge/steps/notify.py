"""Mails about a submission, each sent once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_synapse_challenge.challenge import mails
from airflow_synapse_challenge.challenge.config import Challenge, Queue
from airflow_synapse_challenge.steps.claim import Claimed
from airflow_synapse_challenge.synapse import messages, profiles
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.files import FileTransfer


@dataclass(frozen=True)
class Post:
    """
    What sending needs, besides what is said.

    :param recheck: look into the outbox first, because an earlier try of this task may have sent the mail.
    """

    client: SynapseClient
    transfer: FileTransfer
    challenge: Challenge
    queue: Queue
    recheck: bool

    def to_submitter(self, event: mails.Event, claimed: Claimed, **facts: object) -> bool:
        """Send a mail to the submitting team or user if the queue wants this event; tell whether it does."""
        if not mails.wanted(event, self.queue):
            return False
        self._send(event, claimed, [claimed.submission.submitter], name=self.submitter_name(claimed), **facts)
        return True

    def to_administrators(self, event: mails.Event, claimed: Claimed, **facts: object) -> bool:
        """Send a mail to the challenge's administrators; without any, to the service's own account."""
        recipients = list(self.challenge.synapse.administrators) or [int(self.client.send(profiles.me()).owner_id)]
        self._send(event, claimed, recipients, name="administrators", **facts)
        return True

    def submitter_name(self, claimed: Claimed) -> str:
        """Return the team's name, or the user's (``GET /team/{id}``, ``GET /userProfile/{id}``)."""
        if claimed.submission.team_id:
            return self.client.send(profiles.team(claimed.submission.team_id)).name
        profile = self.client.send(profiles.get(claimed.submission.user_id))
        return profile.user_name

    def _send(self, event: mails.Event, claimed: Claimed, recipients: Sequence[int], **facts: object) -> None:
        context = mails.MailContext(
            queue=self.queue.name,
            submission_id=claimed.submission.id,
            **facts,  # type: ignore[arg-type]
        )
        mail = mails.render(event, self.queue, context)
        messages.send_once(
            self.client,
            self.transfer,
            recipients=recipients,
            subject=mail.subject,
            body=mail.body,
            key=f"{claimed.submission.id}.{claimed.attempt}.{event}.txt",
            recheck=self.recheck,
        )

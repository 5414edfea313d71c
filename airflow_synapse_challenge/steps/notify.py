"""Mails about a submission, each sent once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

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
        name, recipients = self._submitter(claimed)
        self._send(event, claimed, recipients, name=name, **facts)
        return True

    def to_administrators(self, event: mails.Event, claimed: Claimed, **facts: object) -> bool:
        """Send a mail to the challenge's administrators; without any, to the service's own account."""
        recipients = list(self.challenge.synapse.administrators) or [int(self.client.send(profiles.me()).owner_id)]
        self._send(event, claimed, recipients, name="administrators", **facts)
        return True

    def _submitter(self, claimed: Claimed) -> tuple[str, list[int]]:
        """
        Return the submitter's name and who gets the mail.

        Synapse swallows a message to a team that does not let the sender write to it (X-02), and a participants' team
        rarely does. So the members are addressed, unless they are more than one message may have.
        """
        team_id = claimed.submission.team_id
        if not team_id:
            profile = self.client.send(profiles.get(claimed.submission.user_id))
            return profile.user_name, [int(profile.owner_id)]
        members = list(islice(self.client.pages(profiles.team_members(team_id)), messages.MOST_RECIPIENTS + 1))
        everybody = [int(entry.member.owner_id) for entry in members]
        fits = 0 < len(everybody) <= messages.MOST_RECIPIENTS
        return self.client.send(profiles.team(team_id)).name, everybody if fits else [int(team_id)]

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

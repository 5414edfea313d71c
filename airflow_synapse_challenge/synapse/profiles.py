"""Users and teams by their principal id."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_synapse_challenge.synapse.call import Call, Document, Pages, results_of


class UserProfile(Document):
    """The public part of a user's profile."""

    owner_id: str
    user_name: str
    first_name: str | None = None
    last_name: str | None = None


class Team(Document):
    """A team."""

    id: str
    name: str


class UserHeader(Document):
    """The least that Synapse tells about a user."""

    owner_id: str


class TeamMember(Document):
    """Somebody in a team."""

    member: UserHeader


class PrincipalHeader(Document):
    """Name of a user or a team."""

    owner_id: str
    user_name: str
    is_individual: bool = True


def me() -> Call[UserProfile]:
    """``GET /userProfile``: the owner of the token; ``anonymous`` without one."""
    return Call("GET", "/userProfile", "read the token owner's profile", UserProfile.model_validate)


def get(user_id: str) -> Call[UserProfile]:
    """``GET /userProfile/{id}``."""
    return Call("GET", f"/userProfile/{user_id}", f"read the profile of user {user_id}", UserProfile.model_validate)


def headers(principal_ids: Sequence[int]) -> Call[list[PrincipalHeader]]:
    """``GET /userGroupHeaders/batch``; principals that there are not are left out."""
    return Call(
        "GET",
        "/userGroupHeaders/batch",
        "look up the names of users and teams",
        lambda answer: [PrincipalHeader.model_validate(child) for child in answer["children"]],
        params={"ids": ",".join(map(str, principal_ids))},
    )


def team(team_id: str) -> Call[Team]:
    """``GET /team/{id}``."""
    return Call("GET", f"/team/{team_id}", f"read team {team_id}", Team.model_validate)


def team_members(team_id: str) -> Pages[TeamMember]:
    """``GET /teamMembers/{id}``; open to everybody (M-05)."""
    return Pages(
        Call(
            "GET",
            f"/teamMembers/{team_id}",
            f"list the members of team {team_id}",
            results_of(TeamMember.model_validate),
        ),
        limit=50,
    )

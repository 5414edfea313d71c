"""User profiles, who sees which part of them, and certification."""

from __future__ import annotations

from typing import Any

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Missing, NotAllowed, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, Redirect, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag
from airflow_synapse_challenge.local_synapse.files import handles

from . import access
from .principals import IdList, checked_name, require_free_name, user_doc
from .query import check_redirect, required

#: Told to the owner of a profile and to administrators only (X-03).
PRIVATE = ("email", "emails", "openIds", "rStudioUrl", "notificationSettings", "preferences", "twoFactorAuthEnabled")
#: What ``PUT`` replaces.
EDITABLE = (
    "userName", "firstName", "lastName", "summary", "position", "location", "industry", "company", "url", "teamName",
    "rStudioUrl", "profilePicureFileHandleId", "notificationSettings", "preferences",
)  # fmt: skip
CONCRETE_TYPE = "org.sagebionetworks.repo.model.UserProfile"
ANONYMOUS_PROFILE = {
    "ownerId": str(ANONYMOUS),
    "userName": "anonymous",
    "firstName": "anonymous",
    "lastName": "",
    "etag": "00000000-0000-0000-0000-000000000000",
}


class NotificationSettings(Body, total=False):
    """Which e-mails a user wants."""

    sendEmailNotifications: bool
    markEmailedMessagesAsRead: bool


class Profile(Body, total=False):
    """A profile, as its owner sends it."""

    ownerId: str
    etag: str
    userName: str
    firstName: str
    lastName: str
    summary: str
    position: str
    location: str
    industry: str
    company: str
    url: str
    teamName: str
    rStudioUrl: str
    profilePicureFileHandleId: str
    notificationSettings: NotificationSettings
    preferences: list[Body]


def profile(store: Store, user: int, viewer: int) -> Json:
    """Return a profile as somebody sees it (X-03)."""
    if user == ANONYMOUS:
        return dict(ANONYMOUS_PROFILE)
    doc = user_doc(store, user)
    if user == viewer or access.is_admin(store, viewer):
        return doc
    return {key: value for key, value in doc.items() if key not in PRIVATE}


@operation("GET", "/repo/v1/userProfile")
def get_own(context: Context) -> Json:
    """The caller's own profile; works without a token (X-03, P-02)."""
    return profile(context.store, context.user, context.user)


@operation("GET", "/repo/v1/userProfile/{id}")
def get_profile(context: Context) -> Json:
    """Anybody's profile."""
    return profile(context.store, context.number("id"), context.user)


@operation("GET", "/repo/v1/user")
def list_all(context: Context) -> Json:
    """Everybody's profile."""
    offset, limit = context.page(default=100)
    direction = "ASC" if context.flag("ascending", default=True) else "DESC"
    rows = context.store.all(
        f"SELECT id FROM principal WHERE kind = 'user' ORDER BY id {direction} LIMIT ? OFFSET ?", limit, offset
    )
    return paginated([profile(context.store, row["id"], context.user) for row in rows], offset, limit)


@operation("POST", "/repo/v1/userProfile", body=IdList, scopes=("view",), writes=False)
def list_profiles(context: Context) -> Json:
    """Several profiles by id (``ListWrapper``)."""
    require(context.body.get("list"), "list")
    found = [profile(context.store, user, context.user) for user in context.body["list"]]
    return {"concreteType": CONCRETE_TYPE, "list": found}


@operation("PUT", "/repo/v1/userProfile", body=Profile, scopes=("view", "modify"))
def put_profile(context: Context) -> Json:
    """Change the caller's own profile under its etag."""
    store, user, body = context.store, context.user, context.body
    require(body.get("ownerId"), "ownerId")
    if user == ANONYMOUS or as_id(body["ownerId"]) != user:
        raise NotAllowed("Only the owner of a profile can change it.")
    old = user_doc(store, user)
    if body.get("etag") != old["etag"]:
        raise Stale(f"UserProfile {user} was updated since you last fetched it, retrieve it again and re-apply.")
    name = checked_name("user", body.get("userName", old["userName"]))
    require_free_name(store, name, but=user)
    _require_own_picture(store, user, body.get("profilePicureFileHandleId"), old.get("profilePicureFileHandleId"))
    kept = {key: value for key, value in old.items() if key not in EDITABLE}
    changed = {key: body[key] for key in EDITABLE if key in body}
    new = kept | changed | {"userName": name, "etag": new_etag()}
    store.run("UPDATE principal SET name = ?, doc = ? WHERE id = ?", name, dump(new), user)
    return new


def _require_own_picture(store: Store, user: int, handle: str | None, old: str | None) -> None:
    if handle in (None, old):
        return
    if store.value("SELECT creator FROM file_handle WHERE id = ?", as_id(handle)) != user:
        raise NotAllowed(f"Only the creator of a FileHandle can use it as a picture. FileHandle {handle}")


@operation("GET", "/repo/v1/userProfile/{id}/image", scopes=("download",))
def get_image(context: Context) -> Redirect:
    """Find the picture of a user."""
    user = context.number("id")
    check_redirect(context)
    handle = user_doc(context.store, user).get("profilePicureFileHandleId")
    if handle is None:
        raise Missing(f"User {user} has no profile picture")
    return Redirect(handles.download_url(context.store, context.base, int(handle)))


@handles.association("UserProfileAttachment")
def _is_picture(store: Store, user: int, handle: int, owner: int) -> bool:
    row = store.one("SELECT doc FROM principal WHERE id = ? AND kind = 'user'", owner)
    return row is not None and load(row["doc"]).get("profilePicureFileHandleId") == str(handle)


@operation("GET", "/repo/v1/user/bundle")
def own_bundle(context: Context) -> Json:
    """Profile and flags of the caller, as far as the mask asks."""
    return _bundle(context, context.user)


@operation("GET", "/repo/v1/user/{id}/bundle")
def user_bundle(context: Context) -> Json:
    """Profile and flags of a user, as far as the mask asks."""
    return _bundle(context, context.number("id"))


def _bundle(context: Context, user: int) -> Json:
    required(context, "mask")
    mask, store = context.whole("mask", 0), context.store
    is_act = access.is_member(store, access.ACCESS_AND_COMPLIANCE, user)
    parts: dict[int, tuple[str, Any]] = {
        1: ("userProfile", profile(store, user, context.user)),
        8: ("isCertified", access.is_certified(store, user)),
        16: ("isVerified", False),
        32: ("isACTMember", is_act),
        64: ("isARReviewer", is_act),
    }
    return {"userId": str(user)} | {name: value for bit, (name, value) in parts.items() if mask & bit}


@operation("GET", "/repo/v1/user/{id}/certifiedUserPassingRecord")
def passing_record(context: Context) -> Json:
    """The certification quiz of a user."""
    user = context.number("id")
    doc = user_doc(context.store, user)
    if not access.is_certified(context.store, user):
        raise Missing("The record for this user does not exist")
    return {
        "userId": str(user),
        "quizId": 1,
        "responseId": user,
        "score": 15,
        "passed": True,
        "passedOn": doc["createdOn"],
        "revoked": False,
        "certified": True,
    }


@operation("PUT", "/repo/v1/admin/user/{id}/certificationStatus", 204)
def set_certified(context: Context) -> None:
    """Certify a user, or undo it; administrators only."""
    user = context.number("id")
    required(context, "isCertified")
    certified = context.flag("isCertified")
    if not access.is_admin(context.store, context.user):
        raise NotAllowed("You are not an administrator of Synapse.")
    user_doc(context.store, user)
    context.store.run("UPDATE principal SET certified = ? WHERE id = ?", certified, user)

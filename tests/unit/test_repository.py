"""What must hold of the repository as a whole: that it is whole, clean, and says what the code says."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from typer.main import get_command

from chocofactory import __version__
from chocofactory.bootstrap import build
from chocofactory.cli import Exit
from chocofactory.cli import app as command_line
from chocofactory.core.config import Settings, load_settings, variable
from chocofactory.core.reference import as_markdown
from chocofactory.services.routine import NAMES

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = ("assets/vendor/", "tests/browser/vendor/")
NOT_KEPT = {".git", ".venv", "var", "dist", "build", "__pycache__"}
LOCKS = ("requirements.lock", "requirements-dev.lock")
# Written so that no pattern finds itself here.
FORBIDDEN = {
    "address of a package index": r"index[-]url|find[-]links|https?://\S+/(?:simple|packages)/|files[.]pythonhosted|"
    r"registry[.]npmjs|\"resolved\":",
    "path of somebody's machine": r"(?:^|[^\w.])/(?:wor[k]|roo[t]|hom[e]|User[s])/\w",
    "unfinished mark": r"\b(?:TOD[O]|FIXM[E]|XX[X]|NotImplemented[E]rror)\b",
}


@cache
def kept_files() -> tuple[str, ...]:
    """Paths of all files that are or would be committed, relative to the root."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        ask = [git, "-C", str(ROOT), "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard"]
        listed = subprocess.run(ask, capture_output=True, check=True, text=True).stdout.split("\0")
        names = {name for name in listed if name and (ROOT / name).is_file()}
    else:
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        names = {
            path.as_posix()
            for path in found
            if not NOT_KEPT & set(path.parts) and not any(part.endswith(("_cache", ".egg-info")) for part in path.parts)
        }
    return tuple(sorted(name for name in names if not name.startswith(NOT_OURS)))


def text_of(name: str) -> str:
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def locked(name: str) -> dict[str, list[Version]]:
    """Versions by package name; a package may be locked once for each range of Python versions."""
    out: dict[str, list[Version]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([^\s\\;]+)", text_of(name), re.MULTILINE):
        out.setdefault(canonicalize_name(package), []).append(Version(version))
    return out


def required(*, dev: bool) -> list[Requirement]:
    project = tomllib.loads(text_of("pyproject.toml"))
    lines = [*project["project"]["dependencies"], *project["dependency-groups"]["build"]]
    return [Requirement(line) for line in lines + (project["project"]["optional-dependencies"]["dev"] if dev else [])]


def pages() -> list[str]:
    return [name for name in kept_files() if name.endswith(".md")]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds_what_must_not_be_published(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = [f"{name}: {hit.group()}" for name in kept_files() for hit in pattern.finditer(text_of(name))]
    assert not found


def test_the_files_that_are_looked_through_are_the_repository() -> None:
    assert {"Makefile", "app.py", "chocofactory/cli/__init__.py", "tests/conftest.py", *LOCKS} <= set(kept_files())


def test_no_python_file_is_longer_than_400_lines() -> None:
    lengths = {name: text_of(name).count("\n") for name in kept_files() if name.endswith(".py")}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


@pytest.mark.parametrize(("lock", "dev"), [(LOCKS[0], False), (LOCKS[1], True)])
def test_lock_file_satisfies_what_the_project_asks_for(lock: str, dev: bool) -> None:
    wanted = required(dev=dev)
    lacking = {str(one) for one in wanted if canonicalize_name(one.name) not in locked(lock)}
    wrong = {
        f"{one} has {version}"
        for one in wanted
        for version in locked(lock).get(canonicalize_name(one.name), [])
        if version not in one.specifier
    }
    assert (lacking, wrong) == (set(), set())


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes(lock: str) -> None:
    entries = re.split(r"^(?=[\w.-]+==)", text_of(lock), flags=re.MULTILINE)[1:]
    assert len(entries) > 50
    assert [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_developers_run_the_versions_that_users_run() -> None:
    runtime, dev = locked(LOCKS[0]), locked(LOCKS[1])
    assert {name: versions for name, versions in runtime.items() if dev.get(name) != versions} == {}


def test_changelog_tells_of_the_present_version() -> None:
    assert re.search(rf"^## \[{re.escape(__version__)}\]", text_of("CHANGELOG.md"), re.MULTILINE)


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = {name for page in pages() for name in re.findall(r"(?:^|`)make ([a-z-]+)", text_of(page), re.MULTILINE)}
    assert {"demo", "run", "test"} <= named <= targets


def test_readme_lists_every_command_of_the_command_line() -> None:
    group = get_command(command_line)
    commands = set()
    for name, command in group.commands.items():
        if not command.hidden:
            inner = {f"{name} {each}" for each in getattr(command, "commands", {})}
            alone = not inner or getattr(command, "invoke_without_command", False)
            commands |= inner | ({name} if alone else set())
    listed = set(re.findall(r"^\| `chocofactory ([a-z]+(?: [a-z]+)?)", text_of("README.md"), re.MULTILINE))
    assert listed == commands


def test_operations_explain_every_exit_code() -> None:
    section = text_of("docs/operations.md").split("## Exit codes")[1].split("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)} == {int(code) for code in Exit}


def test_operations_explain_every_task_with_its_cadence(tmp_path) -> None:
    explained = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    for settings in ({"mode": "demo"}, {"aemet_key": "made-up"}):
        factory = build(load_settings(data_dir=tmp_path, **settings))
        for task in factory.schedule.tasks.values():
            assert f"| `{task.name}` | `{task.cadence}` |" in explained, task.name
            assert task.name in NAMES
        factory.close()


def test_links_between_documents_lead_somewhere() -> None:
    links = [
        (page, target)
        for page in pages()
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(page))
        if "://" not in target and not target.startswith("mailto:")
    ]
    assert links
    assert [(page, target) for page, target in links if not (ROOT / page).parent.joinpath(target).exists()] == []


def test_the_page_of_settings_is_the_one_that_the_settings_write() -> None:
    assert text_of("docs/configuration.md") == as_markdown(), "run `make docs`"


def test_the_page_of_settings_names_each_with_its_default_and_marks_secrets() -> None:
    rows = {row.split(" | ")[0].strip("| `"): row for row in as_markdown().splitlines() if row.startswith("| `CHOCO_")}
    assert set(rows) == {variable(name) for name in Settings.model_fields}
    assert "| `8050` |" in rows["CHOCO_PORT"]
    assert "from 1 to 65535" in rows["CHOCO_PORT"]
    assert "above 0 to 60" in rows["CHOCO_HTTP_CONNECT_TIMEOUT_S"]
    assert "`live` or `demo`" in rows["CHOCO_MODE"]
    assert {name for name, row in rows.items() if "**secret**" in row} == {
        variable(name) for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)
    }


def test_env_example_holds_every_setting_at_its_default() -> None:
    given = dict(re.findall(r"^#(CHOCO_\w+)=(.*)$", text_of(".env.example"), re.MULTILINE))
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert given == {variable(name): "" if value is None else str(value) for name, value in defaults.items()}


def test_env_example_changes_nothing_until_it_is_edited() -> None:
    assert [line for line in text_of(".env.example").splitlines() if line and not line.startswith("#")] == []

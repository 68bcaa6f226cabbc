"""Keep the message catalogs in step with the code: ``python -m components.catalogs``."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages import Catalog, pofile

from chocofactory.core import errors
from components.text import LANGUAGES, LOCALES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("app.py", "chocofactory", "components", "pages")
_PLACEHOLDER = re.compile(r"\{(\w*)[^}]*\}")
_HEADER = """msgid ""
msgstr ""
"Project-Id-Version: ChocoFactory\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals={count}; plural={expression};\\n"

"""


def keywords() -> dict[str, tuple[int, ...]]:
    """What marks a message, and which of its arguments are one: gettext, errors, reports of runs, sentences."""
    raised = (name for name, found in vars(errors).items() if isinstance(found, type) and issubclass(found, Exception))
    return {
        "_": (0,),
        "N_": (0,),
        "ngettext": (0, 1),
        "Light": (1,),
        "Message": (0,),
        "report": (1,),
        **dict.fromkeys(raised, (0,)),
    }


def template() -> Catalog:
    """Every message of the code, with the files that hold it."""
    catalog, marks = Catalog(charset="utf-8"), keywords()
    for path in _files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if message := _message(node, marks):
                catalog.add(message, locations=[(path.relative_to(ROOT).as_posix(), 0)])
    return catalog


def path_of(language: str) -> Path:
    """Where the catalog of a language lies."""
    return LOCALES / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """The catalog of a language, empty when there is none yet."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return pofile.read_po(file, locale=language)


def update(language: str) -> Catalog:
    """Bring the catalog of a language in step with the code: new messages empty, gone ones dropped."""
    catalog = read(language)
    catalog.update(template(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    head = _HEADER.format(language=language, count=catalog.num_plurals, expression=catalog.plural_expr)
    with path.open("wb") as file:
        file.write(head.encode())
        pofile.write_po(
            file, catalog, width=110, omit_header=True, sort_output=True, include_lineno=False, ignore_obsolete=True
        )
    return catalog


def faults(catalog: Catalog, wanted: Catalog) -> list[str]:
    """Why a catalog is not ready: one sentence a message, none when all is well."""
    out = [
        f"not in the code any more: {message.id!r}" for message in catalog if message.id and message.id not in wanted
    ]
    out += [f"unknown to the catalog: {message.id!r}" for message in wanted if message.id and message.id not in catalog]
    for message in catalog:
        if not message.id:
            continue
        if message.fuzzy:
            out.append(f"fuzzy: {message.id!r}")
        ids, strings = _forms(message.id), _forms(message.string)
        if not all(strings):
            out.append(f"not translated: {message.id!r}")
        elif {p for s in strings for p in _PLACEHOLDER.findall(s)} != {p for i in ids for p in _PLACEHOLDER.findall(i)}:
            out.append(f"other placeholders: {message.id!r}")
    return out


def main() -> int:
    """Update every catalog; report what is left to translate and return 1 when there is any."""
    wanted = template()
    left = [
        f"{language}: {fault}"
        for language in LANGUAGES
        if language != "en"
        for fault in faults(update(language), wanted)
    ]
    sys.stdout.write("".join(f"{line}\n" for line in left))
    return 1 if left else 0


def _files() -> Iterator[Path]:
    for name in SOURCES:
        found = ROOT / name
        yield from sorted(found.rglob("*.py")) if found.is_dir() else [found] if found.exists() else []


def _message(node: ast.AST, marks: dict[str, tuple[int, ...]]) -> str | tuple[str, ...] | None:
    if not isinstance(node, ast.Call):
        return None
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    found = [node.args[place] for place in marks.get(name, ()) if place < len(node.args)]
    texts = tuple(arg.value for arg in found if isinstance(arg, ast.Constant) and isinstance(arg.value, str))
    if not texts or len(texts) < len(found):
        return None
    return texts[0] if len(texts) == 1 else texts


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, (tuple, list)) else (text or "",)


if __name__ == "__main__":
    sys.exit(main())

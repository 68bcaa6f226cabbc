"""A version that is not what was written: refused and named, and no reason for the list of all to fail."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from pathlib import Path

import pytest

from chocofactory.core.errors import ModelDamaged, NotFound
from chocofactory.forecasting.manifest import Manifest, seal
from chocofactory.forecasting.registry import Registry
from tests.registry_kit import FIRST, MAKERS, META, SECOND, Arrays, Nothing, Record, content, keep

FILES = ["manifest.json", "meta.json", "roll.npz", "members/arrays/weights.npz", "members/arrays/more/levels.json"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    made = Registry(tmp_path_factory.mktemp("registry") / "models")
    keep(made, FIRST)
    keep(made, SECOND, seed=5)
    return made.folder


@pytest.fixture
def registry(written, tmp_path):
    return Registry(shutil.copytree(written, tmp_path / "models"))


def never(*_):
    pytest.fail("something was loaded before all hashes were compared")


class Unloadable:
    load = never


def refused(registry, version=FIRST):
    """Why the version is refused; nothing of it was loaded, and what is listed beside it is sound."""
    with pytest.raises(ModelDamaged) as verified:
        registry.verify(version)
    with pytest.raises(ModelDamaged) as loaded:
        registry.load(version, dict.fromkeys(MAKERS, Unloadable), never)
    assert (loaded.value.message, loaded.value.fields) == (verified.value.message, verified.value.fields)
    assert verified.value.fields["version"] == version
    assert (verified.value.status, verified.value.code) == (503, "model-damaged")
    sound, entry = registry.entries()
    assert (sound.id, sound.damage, entry.id) == (SECOND, None, version)
    assert content(registry, SECOND) == 5
    return str(verified.value), entry


def spoilt(raw, place, mask):
    return raw[:place] + bytes([raw[place] ^ mask]) + raw[place + 1 :]


# --- one file


@pytest.mark.parametrize("name", FILES)
def test_a_byte_that_has_changed_anywhere_is_noticed(registry, name):
    chance = random.Random(name)  # noqa: S311
    path = registry.folder / FIRST / name
    raw = path.read_bytes()
    places = range(len(raw)) if name.endswith(".json") else chance.sample(range(len(raw)), 100)
    for place in places:
        path.write_bytes(spoilt(raw, place, chance.randrange(1, 256)))
        with pytest.raises(ModelDamaged):
            registry.verify(FIRST)
        damage = registry.read(FIRST).damage  # never an exception
        assert damage is not None or name not in {"manifest.json", "meta.json"}
    path.write_bytes(raw)
    registry.verify(FIRST)


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_a_changed_byte_is_named_and_nothing_is_loaded(registry, name):
    path = registry.folder / FIRST / name
    path.write_bytes(spoilt(path.read_bytes(), 30, 0x01))
    why, entry = refused(registry)
    assert f"{name} is not what was written" in why or f"{name} cannot be read" in why
    assert entry.meta == ({} if name in {"manifest.json", "meta.json"} else {**META, "seed": 0})


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_is_named(registry, name):
    (registry.folder / FIRST / name).unlink()
    why, entry = refused(registry)
    assert f"damaged: {name} is missing" in why
    assert str(entry.damage) == why
    assert entry.members == (() if name == "manifest.json" else ("nothing", "arrays"))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("left", [0, 1, -1])
def test_a_file_that_was_cut_off_is_noticed_in_the_list_already(registry, name, left):
    path = registry.folder / FIRST / name
    path.write_bytes(path.read_bytes()[:left])
    why, entry = refused(registry)
    assert name in why
    assert str(entry.damage) == why


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_longer_than_it_was_is_noticed(registry, name):
    with (registry.folder / FIRST / name).open("ab") as file:
        file.write(b"\n")
    why, entry = refused(registry)
    assert f"{name} is not what was written" in why
    assert entry.damage is not None


@pytest.mark.parametrize("name", ["extra.json", "members/arrays/more.npz", "members/stranger/model.txt", ".hidden"])
def test_a_file_that_was_put_there_is_named(registry, name):
    path = registry.folder / FIRST / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    why, entry = refused(registry)
    assert f"damaged: {name} does not belong to it" in why
    assert str(entry.damage) == why


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_file_is_noticed(registry, name):
    path = registry.folder / FIRST / name
    path.unlink()
    path.mkdir()
    why, entry = refused(registry)
    assert name in why
    assert entry.damage is not None


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(registry, name, monkeypatch):
    path, whole = registry.folder / FIRST / name, Path.open

    def unreadable(self, *args, **more):
        if self == path:
            raise OSError(5, "Input/output error")
        return whole(self, *args, **more)

    monkeypatch.setattr(Path, "open", unreadable)
    why, _ = refused(registry)
    assert f"{name} cannot be read (OSError: [Errno 5] Input/output error)" in why


# --- the manifest


def manifest_of(registry):
    path = registry.folder / FIRST / "manifest.json"
    return path, json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"files"',
        "{}",
        '{"files": []}',
        '{"files": {"a": 1}, "members": []}',
        "[" * 100_000,
        "\x00",
        "\ud800".encode("utf-8", "surrogatepass"),
        b"\xff\xfe",
        '{"members": 1, "files": {}}',
        "9" * 5000,
    ],
)
def test_anything_may_stand_in_a_manifest_without_more_than_its_version_being_lost(registry, text):
    path, _ = manifest_of(registry)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    why, entry = refused(registry)
    assert "manifest.json" in why
    assert (entry.members, entry.meta, str(entry.damage)) == ((), {}, why)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"version": SECOND},
        {"members": ["nothing"]},
        {"more": 1},
        {"files": {}},
    ],
)
def test_a_manifest_is_believed_only_in_the_form_in_which_we_write_it(registry, change):
    path, written = manifest_of(registry)
    path.write_text(json.dumps({**written, **change}), encoding="utf-8")
    why, _ = refused(registry)
    assert "manifest.json is not what was written" in why


def test_a_copy_of_a_version_under_another_id_is_refused(registry):
    shutil.rmtree(registry.folder / FIRST)
    shutil.copytree(registry.folder / SECOND, registry.folder / FIRST)
    why, _ = refused(registry)
    assert "manifest.json is not what was written" in why


def test_a_version_that_was_moved_with_all_versions_is_still_good(registry, tmp_path):
    registry.folder.rename(tmp_path / "elsewhere")
    assert content(Registry(tmp_path / "elsewhere"), SECOND) == 5


def test_a_meta_that_is_no_json_object_is_no_reason_for_the_list_to_fail(registry):
    for text in ("{", "[1]", "7"):
        folder = registry.folder / FIRST
        (folder / "meta.json").write_text(text, encoding="utf-8")
        (folder / "manifest.json").unlink()
        seal(folder, FIRST, ["nothing", "arrays"])
        _, entry = registry.entries()
        assert "meta.json cannot be read" in str(entry.damage)


def test_a_folder_that_is_no_version_at_all_is_listed_as_damaged(registry):
    shutil.rmtree(registry.folder / FIRST)
    (registry.folder / FIRST).mkdir()
    why, entry = refused(registry)
    assert "manifest.json is missing" in why
    assert entry.size_bytes == 0


# --- what another program has written


def test_a_member_that_nobody_here_knows_is_named(registry):
    with pytest.raises(ModelDamaged, match="does not know its model nothing"):
        registry.load(FIRST, {"arrays": Arrays}, Record.load)
    members, _ = registry.load(FIRST, {**MAKERS, "newer": Arrays}, Record.load)
    assert list(members) == ["nothing", "arrays"]


@pytest.mark.parametrize(
    "error", [ValueError("old"), KeyError("old"), zipfile.BadZipFile("old"), TypeError("old"), AssertionError("old")]
)
def test_what_its_own_class_cannot_load_is_named_with_the_reason(registry, error):
    class Newer:
        @classmethod
        def load(cls, _):
            raise error

    with pytest.raises(ModelDamaged, match=r"members/nothing cannot be read \(\w+: .?old.?\)") as caught:
        registry.load(FIRST, {"arrays": Arrays, "nothing": Newer}, Record.load)
    assert caught.value.__cause__ is error
    with pytest.raises(ModelDamaged, match=r"roll\.npz cannot be read"):
        registry.load(FIRST, MAKERS, Newer.load)


# --- versions that are removed meanwhile


def test_a_version_that_is_removed_while_it_is_read_is_absent_and_not_damaged(registry, monkeypatch):
    check = Manifest.check_names

    def removed_first(self):
        if self.folder.name == FIRST:
            Registry(registry.folder).delete(FIRST)
        check(self)

    for ask in (registry.read, registry.verify, lambda version: registry.load(version, MAKERS, Record.load)):
        with monkeypatch.context() as patch:
            patch.setattr(Manifest, "check_names", removed_first)
            with pytest.raises(NotFound):
                ask(FIRST)
        keep(registry, FIRST)
    monkeypatch.setattr(Manifest, "check_names", removed_first)
    assert [(entry.id, entry.damage) for entry in registry.entries()] == [(SECOND, None)]


def test_a_version_that_is_removed_while_it_is_loaded_is_absent_and_not_damaged(registry):
    class Removing(Nothing):
        @classmethod
        def load(cls, _):
            Registry(registry.folder).delete(FIRST)
            return cls()

    with pytest.raises(NotFound):
        registry.load(FIRST, {"nothing": Removing, "arrays": Arrays}, Record.load)

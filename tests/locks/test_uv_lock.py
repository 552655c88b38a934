from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_archcheck.judge.lock import inspect_lock
from pytest_archcheck.locks.model import LockInvalid
from pytest_archcheck.locks.reading import read_lock
from pytest_archcheck.machine.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_archcheck.findings import Finding

ARM = "macosx_14_0_arm64"
HEAD = 'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n'
INDEX = 'source = { registry = "https://example.invalid/simple" }'


def package(name: str, version: str, *tags: str, sdist: bool = False, extra: str = "", source: str = INDEX) -> str:
    base = f"https://example.invalid/{name.replace('-', '_')}-{version}"
    wheels = "".join(f'    {{ url = "{base}-{tag}.whl", hash = "sha256:00" }},\n' for tag in tags)
    return (
        f'\n[[package]]\nname = "{name}"\nversion = "{version}"\n{source}\n'
        + (f'sdist = {{ url = "{base}.tar.gz", hash = "sha256:00" }}\n' if sdist else "")
        + (f"wheels = [\n{wheels}]\n" if tags else "")
        + extra
    )


def root(*edges: str, extra: str = "") -> str:
    lines = "".join(f"    {{ {edge} }},\n" for edge in edges)
    return f'\n[[package]]\nname = "demo"\nversion = "1"\nsource = {{ virtual = "." }}\ndependencies = [\n{lines}]\n{extra}'


@pytest.fixture
def lock(tmp_path: Path) -> Callable[..., Any]:
    """Write a uv.lock and judge it: subject's last part -> its findings."""

    def write(*parts: str, target: str = ARM, python: str = "3.12", head: str = HEAD) -> dict[str, tuple[Finding, ...]]:
        path = tmp_path / "uv.lock"
        path.write_text(head + "".join(parts))
        _, checks = inspect_lock(str(path), Target.parse(target), python)
        assert checks[0].subject == "uv.lock::environment::packages"
        return {check.subject.split("::", 1)[1]: check.findings for check in checks}

    return write


def rules(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.rule for finding in findings]


def test_a_wheel_for_the_target_is_no_finding(lock: Callable[..., Any]) -> None:
    found = lock(root('name = "fast"'), package("fast", "1.0", "cp312-cp312-macosx_11_0_arm64"))
    assert found == {"environment::packages": (), "fast": ()}


def test_no_wheel_names_the_python_that_has_one(lock: Callable[..., Any]) -> None:
    metal = package("metal", "1.2.0", "cp311-cp311-macosx_12_0_arm64", "cp312-cp312-macosx_12_0_arm64")
    (finding,) = lock(root('name = "metal"'), metal, python="3.13")["metal"]
    assert (finding.rule, finding.severity, finding.subject) == ("no-wheel-for-target", "error", "uv.lock::metal")
    assert finding.message == (
        "metal 1.2.0 (needed by demo) has no wheel for Python 3.13 on macOS 14.0 arm64 and no source distribution; "
        "its wheels for that machine are for Python 3.11 and 3.12"
    )
    assert finding.remedy == (
        "use Python 3.12 (--archcheck-python=3.12), "
        "or pin a version of metal that has a macosx arm64 wheel for Python 3.13 and lock again (uv lock)"
    )


def test_a_python_that_the_lock_forbids_is_no_remedy(lock: Callable[..., Any]) -> None:
    head = HEAD.replace(">=3.11", ">=3.13")
    metal = package("metal", "1", "cp312-cp312-macosx_12_0_arm64")
    (finding,) = lock(root('name = "metal"'), metal, python="3.13", head=head)["metal"]
    assert "--archcheck-python" not in finding.remedy


def test_no_wheel_names_the_machines_that_have_one(lock: Callable[..., Any]) -> None:
    flow = package("flow", "2.17", "cp312-cp312-macosx_12_0_arm64", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64")
    (finding,) = lock(root('name = "flow"'), flow, target="macosx_14_0_x86_64")["flow"]
    assert "its wheels for Python 3.12 are for Linux x86_64 (glibc), macOS arm64" in finding.message


def test_no_wheel_names_the_os_that_would_do(lock: Callable[..., Any]) -> None:
    flow = package("flow", "2", "cp312-cp312-macosx_13_0_arm64", "cp312-cp312-macosx_12_0_universal2")
    (finding,) = lock(root('name = "flow"'), flow, target="macosx_11_0_arm64")["flow"]
    assert "its wheels need macOS 12.0 or newer" in finding.message
    assert "--archcheck-target=macosx_12_0_arm64)" in finding.remedy
    glibc = package("flow", "2", "cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-manylinux_2_34_x86_64")
    (finding,) = lock(root('name = "flow"'), glibc, target="manylinux_2_17_x86_64")["flow"]
    assert "its wheels need glibc 2.28 or newer" in finding.message
    assert "--archcheck-target=manylinux_2_28_x86_64)" in finding.remedy


def test_the_lock_s_own_other_version_is_the_remedy(lock: Callable[..., Any]) -> None:
    source = 'source = { registry = "https://example.invalid/simple" }'
    edges = [
        f"""name = "flow", version = "2.20", {source}, marker = "python_full_version >= '3.12'" """,
        f"""name = "flow", version = "2.16", {source}, marker = "python_full_version < '3.12'" """,
    ]
    old = package("flow", "2.16", "cp312-cp312-macosx_12_0_x86_64", "cp311-cp311-macosx_12_0_x86_64")
    new = package("flow", "2.20", "cp312-cp312-macosx_12_0_arm64")
    (finding,) = lock(root(*edges), old, new, target="macosx_14_0_x86_64")["flow"]
    assert finding.message.startswith("flow 2.20 ")
    assert finding.remedy == "pin flow==2.16, which this lock holds for other environments and which has a wheel"
    assert lock(root(*edges), old, new, target="macosx_14_0_x86_64", python="3.11")["flow"] == ()


def test_source_only_is_a_warning(lock: Callable[..., Any]) -> None:
    parts = [
        root('name = "made"', 'name = "cloned"', 'name = "packed"'),
        package("made", "1", "cp312-cp312-macosx_11_0_x86_64", sdist=True),
        package("cloned", "1", source='source = { git = "https://user:secret@example.invalid/cloned#0123" }'),
        package("packed", "1", source='source = { url = "https://example.invalid/packed-1.tar.gz" }', sdist=True),
    ]
    found = lock(*parts)
    for name in ("made", "cloned", "packed"):
        (finding,) = found[name]
        assert (finding.rule, finding.severity) == ("source-only", "warning")
        assert "secret" not in finding.message


def test_a_wheel_by_its_url_is_judged_by_its_name(lock: Callable[..., Any]) -> None:
    direct = package(
        "direct",
        "1",
        "cp312-cp312-macosx_11_0_arm64",
        source='source = { url = "https://example.invalid/direct-1-cp312-cp312-macosx_11_0_arm64.whl" }',
    )
    assert lock(root('name = "direct"'), direct)["direct"] == ()
    (finding,) = lock(root('name = "direct"'), direct, target="macosx_14_0_x86_64")["direct"]
    assert finding.rule == "no-wheel-for-target"
    assert "by its URL" in finding.remedy


def test_only_what_the_target_reaches_counts(lock: Callable[..., Any]) -> None:
    parts = [
        root(
            """name = "cuda", marker = "sys_platform == 'linux'" """,
            """name = "intel", marker = "platform_machine == 'x86_64'" """,
            """name = "old", marker = "python_full_version < '3.12'" """,
            'name = "pure"',
        ),
        *(package(name, "1", "cp39-cp39-win32") for name in ("cuda", "intel", "old", "orphan")),
        package("pure", "1", "py3-none-any"),
    ]
    assert set(lock(*parts)) == {"environment::packages", "pure"}
    assert set(lock(*parts, target="manylinux_2_28_x86_64", python="3.11")) == {
        "environment::packages",
        "pure",
        "cuda",
        "intel",
        "old",
    }


def test_extras_of_dependencies_are_followed(lock: Callable[..., Any]) -> None:
    server = package(
        "server", "1", "py3-none-any", extra='\n[package.optional-dependencies]\nfast = [\n    { name = "loop" },\n]\n'
    )
    loop = package("loop", "1", "py3-none-any")
    assert "loop" not in lock(root('name = "server"'), server, loop)
    assert "loop" in lock(root('name = "server", extra = ["fast"]'), server, loop)


def test_default_groups_and_what_is_left_out(lock: Callable[..., Any], tmp_path: Path) -> None:
    groups = (
        '\n[package.optional-dependencies]\nplot = [\n    { name = "plot" },\n]\n'
        '\n[package.dev-dependencies]\ndev = [\n    { name = "tester" },\n]\ndocs = [\n    { name = "writer" },\n]\n'
    )
    parts = [root(extra=groups), *(package(name, "1", "py3-none-any") for name in ("plot", "tester", "writer"))]
    assert set(lock(*parts)) == {"environment::packages", "tester"}
    environment, _ = inspect_lock(str(tmp_path / "uv.lock"), Target.parse(ARM), "3.12")
    assert any("extra plot of demo, group docs of demo" in skipped.reason for skipped in environment.skipped)
    (tmp_path / "pyproject.toml").write_text('[tool.uv]\ndefault-groups = ["docs"]\n')
    assert set(lock(*parts)) == {"environment::packages", "writer"}
    (tmp_path / "pyproject.toml").write_text('[tool.uv]\ndefault-groups = "all"\n')
    assert set(lock(*parts)) == {"environment::packages", "tester", "writer"}
    (tmp_path / "pyproject.toml").write_text("[tool")
    assert set(lock(*parts)) == {"environment::packages", "tester"}


def test_default_groups_are_named_in_any_spelling(lock: Callable[..., Any], tmp_path: Path) -> None:
    """uv writes dev-tools into the lock for the Dev_Tools of pyproject.toml."""
    (tmp_path / "pyproject.toml").write_text('[tool.uv]\ndefault-groups = ["Dev_Tools"]\n')
    groups = '[package.dev-dependencies]\ndev-tools = [{ name = "checker" }]\n'
    assert set(lock(root(extra=groups), package("checker", "1", "py3-none-any"))) == {"environment::packages", "checker"}


@pytest.mark.parametrize(
    ("requires", "python", "excluded"),
    [
        (">=3.12.4", "3.12", False),
        (">=3.12.4", "3.12.3", True),
        (">=3.12.4", "3.11", True),
        (">=3.11,!=3.12.0", "3.12", False),
        (">=3.11,<3.12.2", "3.12", False),
        (">=3.12", "3.12.0rc1", True),
    ],
)
def test_of_a_minor_version_any_release_will_do(
    lock: Callable[..., Any],
    requires: str,
    python: str,
    excluded: bool,  # noqa: FBT001
) -> None:
    head = f'version = 1\nrequires-python = "{requires}"\n'
    fork = 'name = "old", marker = "python_full_version < \'3.12.4\'"'
    found = lock(root(fork), package("old", "1", "py3-none-any"), head=head, python=python)
    assert rules(found["environment::packages"]) == (["lock-excludes-target"] if excluded else [])
    if not excluded:  # markers are asked for the release that was chosen
        assert ("old" in found) is (requires != ">=3.12.4")


def test_a_remedy_names_a_python_of_which_the_lock_allows_some_release(lock: Callable[..., Any]) -> None:
    head = 'version = 1\nrequires-python = ">=3.12.4"\n'
    (finding,) = lock(root('name = "a"'), package("a", "1", "cp312-cp312-macosx_11_0_arm64"), head=head, python="3.13")["a"]
    assert finding.remedy.startswith("use Python 3.12 (--archcheck-python=3.12), or ")


def test_conflicting_groups_choose_their_side(lock: Callable[..., Any]) -> None:
    parts = [
        root(
            """name = "tool", version = "1", marker = "extra == 'group-4-demo-dev'" """,
            """name = "tool", version = "2", marker = "extra != 'group-4-demo-dev'" """,
            extra='\n[package.dev-dependencies]\ndev = [\n    { name = "tester" },\n]\n',
        ),
        package("tool", "1", "py3-none-any"),
        package("tool", "2", "cp39-cp39-win32"),
        package("tester", "1", "py3-none-any"),
    ]
    assert lock(*parts)["tool"] == ()


def test_forks_without_a_version_on_the_edge(lock: Callable[..., Any]) -> None:
    parts = [
        root('name = "fork"'),
        package("fork", "1", "py3-none-any", extra="resolution-markers = [\"sys_platform == 'darwin'\"]\n"),
        package("fork", "2", "cp39-cp39-win32", extra="resolution-markers = [\"sys_platform != 'darwin'\"]\n"),
    ]
    assert lock(*parts)["fork"] == ()
    assert rules(lock(*parts, target="manylinux_2_28_x86_64")["fork"]) == ["no-wheel-for-target"]


def test_universal2_asks_both_machines(lock: Callable[..., Any]) -> None:
    thin = package("thin", "1", "cp312-cp312-macosx_11_0_arm64")
    both = package("both", "1", "cp312-cp312-macosx_11_0_arm64", "cp312-cp312-macosx_10_9_x86_64")
    fat = package("fat", "1", "cp312-cp312-macosx_10_9_universal2")
    found = lock(root('name = "thin"', 'name = "both"', 'name = "fat"'), thin, both, fat, target="macosx_14_0_universal2")
    assert (found["both"], found["fat"]) == ((), ())
    (finding,) = found["thin"]
    assert "macOS 14.0 x86_64" in finding.message


@pytest.mark.parametrize(
    ("head", "python", "target"),
    [
        (HEAD, "3.10", ARM),
        (HEAD + "supported-markers = [\"sys_platform == 'linux'\"]\n", "3.12", ARM),
    ],
)
def test_a_lock_that_is_not_for_this_target(lock: Callable[..., Any], head: str, python: str, target: str) -> None:
    found = lock(root('name = "p"'), package("p", "1", "py3-none-any"), head=head, python=python, target=target)
    assert set(found) == {"environment::packages"}
    assert rules(found["environment::packages"]) == ["lock-excludes-target"]


def test_workspace_without_a_root_project_means_every_member(lock: Callable[..., Any]) -> None:
    head = HEAD + '\n[manifest]\nmembers = ["a", "b"]\n\n[manifest.dependency-groups]\ndev = [{ name = "tester" }]\n'
    member = (
        '\n[[package]]\nname = "{0}"\nversion = "1"\nsource = {{ editable = "{0}" }}\ndependencies = [{{ name = "of-{0}" }}]\n'
    )
    parts = [
        member.format("a"),
        member.format("b"),
        *(package(name, "1", "py3-none-any") for name in ("of-a", "of-b", "tester")),
    ]
    assert set(lock(*parts, head=head)) == {"environment::packages", "of-a", "of-b", "tester"}


def test_script_lock(tmp_path: Path) -> None:
    path = tmp_path / "tool.py.lock"
    path.write_text(HEAD + '\n[manifest]\nrequirements = [{ name = "p" }]\n' + package("p", "1", "py3-none-any"))
    _, checks = inspect_lock(str(path), Target.parse(ARM), "3.12")
    assert [check.subject for check in checks] == ["tool.py.lock::environment::packages", "tool.py.lock::p"]


def test_environment_says_what_was_not_looked_at(lock: Callable[..., Any], tmp_path: Path) -> None:
    lock(root('name = "p"'), package("p", "1", "cp312-cp312-macosx_11_0_arm64", "cp313-cp313-macosx_11_0_arm64"))
    environment, _ = inspect_lock(str(tmp_path / "uv.lock"), Target.parse(ARM), "3.12")
    assert (environment.kind, environment.label, environment.path) == ("lock", "uv.lock", str(tmp_path / "uv.lock"))
    assert [(dist.name, dist.version, dist.tags) for dist in environment.distributions] == [
        ("p", "1", ("cp312-cp312-macosx_11_0_arm64",))
    ]
    assert environment.skipped[0].reason == (
        "all wheels exist; whether the files in them fit each other no lock tells: install it into FOLDER, then "
        "pytest-archcheck FOLDER --archcheck-target=macosx_14_0_arm64"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("version = 1\npackage = ]\n", "at line 2"),
        ("version = 2\n[[package]]\n", "schema version is 2"),
        ("[project]\nname = 'x'\n", "not a uv.lock"),
        ("version = 1\npackage = 3\n", "'package' is no array of tables"),
        ("version = 1\nmanifest = 3\n", "'manifest' is no table"),
        ("version = 1\n[[package]]\nversion = '1'\n", "has no name"),
        ("version = 1\n[[package]]\nname = 'x'\n", "no source"),
        ("version = 1\n[[package]]\nname = 'x'\nsource = { moon = '1' }\n", "unknown kind: moon"),
        ("version = 1\nrequires-python = 'three'\n", "three"),
        ("version = 1\nrequires-python = 3\n", "expected a string"),
        (HEAD + root('name = "gone"'), "'gone', which is not in the lock"),
        (HEAD + root('name = "p", marker = "sys_platform = 1"') + package("p", "1", "py3-none-any"), "no environment marker"),
        (HEAD + root(f'name = "p", marker = "{"(" * 9000}"') + package("p", "1", "py3-none-any"), "no environment marker"),
        (
            HEAD + root("name = 'p', marker = \"extra == 'a'\"") + package("p", "1", sdist=True) + "wheels = 1",
            "no array of tables",
        ),
        ("a = " + "[" * 100_000, "not TOML"),
        ("a = " + "9" * 10_000, "not TOML"),
    ],
    ids=range(16),
)
def test_bad_locks_name_file_and_reason(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "uv.lock"
    path.write_text(content)
    with pytest.raises(LockInvalid) as error:
        inspect_lock(str(path), Target.parse(ARM), "3.12")
    assert str(error.value).startswith(f"{path}: ")
    assert reason in error.value.reason


def test_unreadable_files_are_invalid_locks(tmp_path: Path) -> None:
    for name, content in {"uv.lock": b"\xff\xfe", "a.py.lock": b"\x00"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LockInvalid, match=r"UTF-8|TOML"):
            read_lock(str(tmp_path / name))
    (tmp_path / "b.py.lock").mkdir()
    for name in ("b.py.lock", "nowhere/uv.lock"):
        with pytest.raises(LockInvalid):
            read_lock(str(tmp_path / name))


def test_a_cycle_ends(lock: Callable[..., Any]) -> None:
    parts = [
        package(name, "1", "py3-none-any", extra=f'dependencies = [{{ name = "{other}" }}]\n')
        for name, other in (("a", "b"), ("b", "a"))
    ]
    assert set(lock(root('name = "a"'), *parts)) == {"environment::packages", "a", "b"}

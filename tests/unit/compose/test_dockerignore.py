"""`.dockerignore`: which files a builder gets."""

from __future__ import annotations

import pytest

from nap_compose.compose.dockerignore import Ignore, read_patterns


@pytest.mark.parametrize(
    ("text", "out", "kept"),
    [
        ("*.log", ["a.log"], ["a.txt", "sub/a.log"]),
        ("**/*.log", ["a.log", "sub/deep/a.log"], ["a.logs"]),
        ("node_modules", ["node_modules", "node_modules/x/y"], ["sub/node_modules"]),
        ("**/cache", ["cache", "a/cache/b", "a/b/cache"], ["caches"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z/y"], ["b/z"]),
        ("/rooted\n./dotted/", ["rooted", "dotted/x"], ["sub/rooted"]),
        ("file.?\n[ab]c", ["file.c", "ac", "bc"], ["file.", "cc", "file./"]),
        ("[^a]b", ["cb"], ["ab"]),
        (r"\*star", ["*star"], ["xstar"]),
        ("*\n!keep", ["a", "a/b"], ["keep", "keep/all"]),
        ("*.md\n!README*.md\nREADME-secret.md", ["a.md", "README-secret.md"], ["README.md"]),
        ("a.b+c", ["a.b+c"], ["axb+c", "a.bbc"]),
        ("# comment\n\n  \n!\tb\nb", ["b"], ["# comment"]),
        ("", [], ["a"]),
    ],
)
def test_what_is_left_out(text: str, out: list[str], kept: list[str]) -> None:
    ignore = Ignore(read_patterns(text))
    assert [path for path in (*out, *kept) if ignore.leaves_out(path)] == out


def test_a_folder_that_is_left_out_is_looked_into_where_something_in_it_is_taken_back() -> None:
    ignore = Ignore(read_patterns("big\n!big/small/one"))
    assert ignore.leaves_out("big/other")
    assert not ignore.leaves_out("big/small/one")
    assert [ignore.may_hold(folder) for folder in ("big", "big/small", "big/smaller")] == [
        True, True, False
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["!", "a\n!  ", "[a"])
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError):
        read_patterns(text)

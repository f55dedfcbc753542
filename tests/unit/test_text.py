from nap_compose.text import coloured, colourless, instead_of, nearest, plain


def test_control_characters_are_shown() -> None:
    assert plain("a\x1b]0;title\x07b\n\x9bc\x7f") == r"a\x1b]0;title\x07b\x0a\x9bc\x7f"


def test_marks_that_reorder_text_are_shown() -> None:
    assert plain("safe\u202etxt.exe") == r"safe\u202etxt.exe"


def test_other_scripts_pass() -> None:
    assert plain("Grüße, 世界 ✓") == "Grüße, 世界 ✓"


def test_a_log_line_keeps_plain_colours_and_tabs() -> None:
    assert (
        coloured("\x1b[31mred\tis\x1b[0m \x1b[2Jgone")
        == "\x1b[31mred\tis\x1b[0m \\x1b[2Jgone\x1b[0m"
    )


def test_a_line_without_colours_gets_no_reset() -> None:
    assert coloured("quite\tplain ü") == "quite\tplain ü"


def test_colours_can_be_taken_out() -> None:
    assert colourless("\x1b[1;31mred\x1b[m\x1b[K") == "red\\x1b[K"


def test_the_nearest_word() -> None:
    assert nearest("endpont", ["endpoint", "labels"]) == "endpoint"
    assert nearest("zzz", ["endpoint", "labels"]) is None
    assert nearest("strat", ["start", "stats", "status"]) == "start"


def test_what_was_meant_by_an_app_that_is_not_there() -> None:
    services = [("shop", "web"), ("blog", "web"), ("shop", "db")]
    assert instead_of("db", ["shop", "blog"], services) == (
        "'db' is a service of shop: write shop/db"
    )
    assert instead_of("web", ["shop"], services) == (
        "'web' is a service of blog, shop: write blog/web"
    )
    assert instead_of("sohp", ["shop", "blog"], services) == "did you mean 'shop'?"
    assert instead_of("x", ["shop", "blog"], ()) == "there are: blog, shop"
    for many in ([], [f"app{number}" for number in range(11)]):
        assert instead_of("x", many, ()) == "nap ls -a lists the apps"

"""`--format`: the part of Go's templates that people use, and what is said of the rest."""

import json

import pytest

from nap_compose.cli.output.template.form import Form, aligned
from nap_compose.cli.output.template.values import Record
from nap_compose.errors import WrongUse

ROW = Record(
    Name="web-1",
    Code=3,
    Share=0.5,
    Ok=True,
    Nothing=None,
    Empty="",
    Ports=[Record(URL="::", Port=80), Record(URL="", Port=443)],
    Labels={"b": "2", "a": "<1>"},
    Label={"tier": "front"}.get,
)


def shown(text: str) -> str:
    (line,) = Form(text).lines([ROW])
    return line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{.Name}}:{{ .Code }}", "web-1:3"),
        ("{{.Share}} {{.Ok}} {{.Nothing}} {{.Labels}}", "0.5 true <nil> map[a:<1> b:2]"),
        ("{{.Ports}}", "[{:: 80} { 443}]"),
        ("{{.Labels.b}}{{$.Name}}{{(index .Ports 1).Port}}", "2web-1443"),
        ('{{.Label "tier"}}', "front"),
        ('{{.Name | upper | printf "%s!"}}', "WEB-1!"),
        ('{{print (len .Name) "," (len .Ports)}}', "5,2"),
        ('{{join (split .Name "-") "+"}} {{title "ab cd"}} {{lower "AB"}}', "web+1 Ab Cd ab"),
        ('{{pad .Name 1 2}}|{{pad "" 3 3}}|{{truncate .Name 3}}', " web-1  ||web"),
        ('{{slice .Name 1 3}} {{index .Labels "b"}} {{index .Labels "none"}}', "eb 2 "),
        ('{{printf "%-6s|%04d|%5.1f|%v|%q|%%" .Name .Code .Share .Ok .Name}}',
         'web-1 |0003|  0.5|true|"web-1"|%'),
        ("{{json .Labels}} {{json .Ports}}",
         '{"a":"\\u003c1\\u003e","b":"2"} [{"URL":"::","Port":80},{"URL":"","Port":443}]'),
        ('{{eq .Code 3}} {{eq .Name "x" "web-1"}} {{ne .Code 3}} {{lt .Code 4}} {{ge .Code 4}}',
         "true true false true false"),
        ("{{and .Ok .Name}} {{or .Empty .Name}} {{not .Empty}}", "web-1 web-1 true"),
        ("{{if .Empty}}a{{else if .Ok}}b{{else}}c{{end}}", "b"),
        ("{{if .Empty}}a{{else if .Nothing}}b{{else}}c{{end}}{{if .Ports}}d{{end}}", "cd"),
        ("{{with .Name}}{{.}}{{end}}{{with .Empty}}{{.}}{{else}}-{{end}}", "web-1-"),
        ("{{range .Ports}}{{.Port}},{{$.Code}} {{end}}", "80,3 443,3 "),
        ("{{range $i, $p := .Ports}}{{$i}}={{$p.Port}} {{end}}", "0=80 1=443 "),
        ("{{range $p := .Ports}}{{$p.Port}} {{end}}", "80 443 "),
        ("{{range $k, $v := .Labels}}{{$k}}{{$v}} {{end}}", "a<1> b2 "),
        ("{{range .Empty | split \"\"}}x{{else}}none{{end}}", "none"),
        ("{{$n := .Name}}{{$n}}{{$n}}", "web-1web-1"),
        ("a {{- .Code -}} b{{/* nothing */}}c {{- /* nor here */ -}} d", "a3bcd"),
        ("{{`a\"b`}}{{\"\\t\\x41\\u00e9\\101\"}}", 'a"b\tAéA'),
        ("{{true}} {{3}} {{-2.5}} {{nil | not}}", "true 3 -2.5 true"),
        ("a\\tb\\nc", "a\tb\nc"),
    ],
)  # fmt: skip
def test_what_a_template_comes_to(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("{{.Nmae}}", 3, "no field '.Nmae'"),
        ("ab{{.Name", 3, "this {{ is never closed"),
        ('{{"x', 3, "this string is never closed"),
        ('{{"\\y"}}', 3, "is no string"),
        ("{{}}", 1, "nothing between"),
        ("{{.Name.First}}", 3, "no .First in web-1"),
        ("{{upcase .Name}}", 3, "no function 'upcase'"),
        ("{{upper}}", 3, "upper can't be called with nothing"),
        ("{{upper .Code}}", 3, "upper can't be called with 3"),
        ("{{.Name 3}}", 3, "can't be called"),
        ('{{"a" "b"}}', 3, "a value can't be called"),
        ("{{if .Ok}}x", 3, "'if' is never ended"),
        ("{{if}}x{{end}}", 3, "something is missing"),
        ("x{{end}}", 4, "nothing to end"),
        ("{{range .Name}}{{end}}", 3, "no range over web-1"),
        ("{{(.Name}}", 3, "this bracket is never closed"),
        ("{{.Name)}}", 8, "')' doesn't belong"),
        ("{{.Name | }}", 10, "something is missing"),
        ("{{.Name % 2}}", 9, "'%' doesn't belong"),
        ('{{template "x"}}', 3, "'template' isn't supported"),
        ("{{$x}}", 3, "no variable $x"),
        ("{{index .Ports 9}}", 3, "index: there is nothing at 9"),
        ("{{slice .Name 4 2}}", 3, "slice: it has no part"),
        ('{{printf "%d" .Name}}', 3, "printf: %d doesn't fit web-1"),
        ('{{printf "%99999s" .Name}}', 3, "printf: a width is"),
        ("{{pad .Name 99999 0}}", 3, "pad: it takes"),
        ("x\n  {{.Nope}}", 5, "no field '.Nope'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, column: int, said: str) -> None:
    with pytest.raises(WrongUse) as raised:
        shown(text)
    error = raised.value
    assert said in error.message
    assert error.place is not None
    assert (error.place.file, error.place.column) == ("--format", column)
    assert error.place.line == text[: text.find("{{.Nope")].count("\n") + 1


def test_a_field_that_is_nearly_one_is_named() -> None:
    with pytest.raises(WrongUse) as raised:
        shown("{{.Nmae}}")
    assert raised.value.hint == "did you mean '.Name'?"


def test_branches_within_branches_have_an_end() -> None:
    with pytest.raises(WrongUse, match="within each other"):
        Form("{{if .Ok}}" * 60 + "{{end}}" * 60)


def test_table_and_a_template() -> None:
    form = Form('table {{.Name}}\\t{{.Label "tier"}}\t{{.Code}}')
    assert form.lines([ROW, ROW]) == [
        "NAME      TIER      CODE",
        "web-1     front     3",
        "web-1     front     3",
    ]
    looking_inside = Form("table {{.Name}}{{range .Ports}} {{.Port}}{{end}}")
    assert looking_inside.lines([ROW]) == ["", "web-1 80 443"]
    assert Form("table {{.Name}}\t{{.Code}}").lines([ROW], {"Code": "EXIT CODE"}) == [
        "NAME      EXIT CODE",
        "web-1     3",
    ]
    assert Form("table {{.Name}}").lines([]) == ["NAME"]


def test_wide_characters_keep_their_columns() -> None:
    assert aligned(["日本語\tx", "a\ty"]) == ["日本語    x", "a         y"]


def test_table_and_json_are_no_templates() -> None:
    assert Form("").table
    assert Form("table").table
    assert Form(" json ").json
    (line,) = Form("json").lines([Record(b="1", a=[], f=print)])
    assert line == '{"b":"1","a":[]}'


def test_text_from_outside_cannot_move_the_cursor() -> None:
    row = Record(Name="a\x1b[2Jb\nc", Labels={"x": "\u202e\x9b"}, Label=lambda _: "\x07")
    (line,) = Form('{{.Name}}\\n{{upper .Name}} {{.Labels.x}} {{.Label "y"}}').lines([row])
    assert line == r"a\x1b[2Jb\x0ac" + "\n" + r"A\X1B[2JB\X0AC \u202e\x9b \x07"
    (line,) = Form("json").lines([row])
    assert line.isprintable()
    assert json.loads(line) == {"Name": row["Name"], "Labels": row["Labels"]}

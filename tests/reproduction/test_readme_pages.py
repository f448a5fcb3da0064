"""READMEs as HTML: what their Markdown says, and nothing that leads elsewhere."""

from pathlib import Path

import pytest
from pages import PICTURE, SCRIPT, Parsed

from linnet.reproduction.readme import markdown, question_of, read_readme, title_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0\0\0\1" * 2


def test_headings_tables_and_code_are_kept(tmp_path: Path) -> None:
    text = "# Title\n\n**Question.** Why\nnot?\n\n    linnet train\n\n| a | b |\n|---|---:|\n| `1` | 2 |\n"
    page = Parsed(markdown(text, tmp_path))
    assert title_of(text) == "Title" and question_of(text) == "Why not?"
    assert page.texts("h1") == [] and page.texts("strong") == ["Question."]
    assert page.texts("code") == ["linnet train", "1"] and page.texts("td") == ["", "2"]
    assert not any("style" in attrs for _, attrs, _ in page.elements)


def test_comments_are_not_shown(tmp_path: Path) -> None:
    page = Parsed(markdown("one\n\n<!-- numbers:\n1 -->\n\n`<!-- x -->`\n\nthree\n", tmp_path))
    assert page.texts("p") == ["one", "", "three"] and page.texts("code") == ["<!-- x -->"]


def test_html_is_shown_as_text(tmp_path: Path) -> None:
    page = Parsed(markdown(f"{SCRIPT}\n\n{PICTURE}\n\n`{SCRIPT}`\n", tmp_path))
    assert {name for name, _, _ in page.elements} == {"p", "code"} and page.text.count(SCRIPT) == 2


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("../other/README.md", "other.html"), ("other/README.md", "other.html"), ("../other", "other.html"),
        ("https://d2l.ai/x", "https://d2l.ai/x"), ("../unknown/README.md", None), ("results.json", None),
        ("javascript:alert(1)", None), ("file:///etc/passwd", None), ("data:text/html,x", None), ("//host/x", None),
    ],
)  # fmt: skip
def test_links_lead_to_pages_of_the_book_or_to_the_web(tmp_path: Path, link: str, address: str | None) -> None:
    page = Parsed(markdown(f"see [**there**]({link}) and more\n", tmp_path, {"other": "other.html"}))
    assert [attrs for name, attrs, _ in page.elements if name == "a"] == ([{"href": address}] if address else [])
    assert "there" in page.text and "and more" in page.text


def test_pictures_are_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "readme").mkdir()
    (tmp_path / "outside.png").write_bytes(PNG)
    (tmp_path / "readme" / "inside.png").write_bytes(PNG)
    (tmp_path / "readme" / "text.png").write_bytes(b"<svg>")
    (tmp_path / "readme" / "link.png").symlink_to(tmp_path / "outside.png")
    (tmp_path / "readme" / "drawn.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "readme" / "grows.svg").write_text('<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "aa">]><svg/>')
    names = (
        "inside.png",
        "drawn.svg",
        "grows.svg",
        "text.png",
        "link.png",
        "../outside.png",
        "http://a/b.png",
        "absent.png",
    )
    page = Parsed(markdown(" ".join(f"![alt {name}]({name})" for name in names), tmp_path / "readme"))
    found = {attrs["alt"]: attrs["src"].partition(",")[0] for name, attrs, _ in page.elements if name == "img"}
    assert found == {"alt inside.png": "data:image/png;base64", "alt drawn.svg": "data:image/svg+xml;base64"}
    assert all(f"alt {name}" in page.text for name in names[2:])


def test_control_characters_are_written_out(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes("# a\u202eb\x1b[31m\n\xff".encode("latin-1", "ignore") + "\u202e".encode())
    assert not {"\u202e", "\x1b"} & set(read_readme(tmp_path / "README.md"))
    assert read_readme(tmp_path / "absent.md") == ""

"""Remove the lines of a CSV file that are not rows: titles before the header, and comments."""

import re

VALUE_BEGINS = rb"(?<![^\r\n,;\t|])"


def blanked(text: bytes, comment: str | None, skip_rows: int) -> bytes:
    """Return the text with empty lines, which are no rows, in place of titles and comments: lines keep their numbers.

    Args:
        text: whole lines in UTF-8.
        comment: what a comment begins with, at the start of a line outside quotes; None: there are none.
        skip_rows: lines to blank at the beginning.
    """
    if skip_rows:
        lines = text.splitlines(keepends=True)
        titles = (line[len(line.rstrip(b"\r\n")) :] for line in lines[:skip_rows])
        text = b"".join([*titles, *lines[skip_rows:]])
    if comment is None or comment.encode() not in text:
        return text
    sign = re.escape(comment.encode())
    if text.startswith(comment.encode()) or re.search(rb"[\r\n]" + sign, text):
        quoted = VALUE_BEGINS + rb'"[^"]*(?:""[^"]*)*(?:"|\Z)'
        pattern = re.compile(rb"(?P<comment>(?<![^\r\n])" + sign + rb"[^\r\n]*)|" + quoted)
        text = pattern.sub(lambda match: b"" if match["comment"] is not None else match[0], text)
    return text

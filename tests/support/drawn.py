"""What a figure shows, and whether it renders."""

import io

from matplotlib.figure import Figure


def assert_renders(figure: Figure) -> None:
    """Draw without any warning: matplotlib warns where a layout collapses or a scale meets a bad limit."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    assert buffer.getvalue().startswith(b"\x89PNG")


def said(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)

"""TensorBoard as an object that a notebook displays."""

from pathlib import Path

from linnet.comparison.board import serve
from linnet.results.html import escaped


class Board:
    """TensorBoard over a run, or over the runs below a directory, served until this process ends.

    url: its address on this machine. A notebook shows the page itself.

    Raises:
        InputError: there is no serving at that host and port.
    """

    def __init__(self, directory: Path, host: str = "localhost", port: int | None = None) -> None:
        self.directory = directory
        self.url = serve(directory, host, port)

    def __repr__(self) -> str:
        return f"<TensorBoard {self.url}>"

    def _repr_html_(self) -> str:
        url = escaped(self.url, 300)
        return f'<a href="{url}">{url}</a><iframe src="{url}" width="100%" height="640" style="border:0"></iframe>'

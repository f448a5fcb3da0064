"""Private parts of torch's TensorBoard writer."""

from typing import Any

from torch.utils.tensorboard import SummaryWriter


class WriterTo(SummaryWriter):
    """torch's SummaryWriter that adds its events to a given file, and makes none itself.

    Args:
        file: has the methods of torch's FileWriter.
        folder: where it lies.
    """

    def __init__(self, file: Any, folder: str) -> None:
        self.file = file
        super().__init__(log_dir=folder)

    def _get_file_writer(self) -> Any:
        return self.file

"""Lightning's strategy of data-parallel training, with processes that linnet starts."""

import socket
from datetime import timedelta

from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from linnet.system.compat.ddp_strategy import PlainDDPStrategy

HOST = "127.0.0.1"
TIMEOUT = timedelta(minutes=10)
"""How long the first process waits for the others; they wait for it as long as it lives, even if it is suspended."""
PATIENCE = timedelta(days=365)


class Processes(LightningEnvironment):
    """Processes on this machine that need no environment variables, which would outlive the run.

    Args:
        rank: of this process, from 0.
    """

    def __init__(self, rank: int) -> None:
        super().__init__()
        self._rank = rank

    @property
    def creates_processes_externally(self) -> bool:
        return True

    def local_rank(self) -> int:
        return self._rank

    def node_rank(self) -> int:
        return 0

    def teardown(self) -> None:
        pass


class DataParallel(PlainDDPStrategy):
    """DDPStrategy without its DistributedDataParallel wrapper.

    The wrapper would sum the gradients that autograd stores; linnet computes them in closed form, and
    `linnet.models.train_steps` sums them. Lightning's launcher of processes is not used, since it runs the command line
    again, which from Python or in `linnet resume` is another one.

    Args:
        rank: of this process, from 0.
        port: at which the first process listens, on this machine only; None in the first itself.

    Attributes:
        port: the same, and the one that was found in the first process.
    """

    def __init__(self, rank: int, port: int | None = None) -> None:
        if port is None:
            listener = socket.create_server((HOST, 0))
            self.port: int = listener.getsockname()[1]
            store = TCPStore(
                HOST, self.port, is_master=True, wait_for_workers=False, timeout=TIMEOUT,
                master_listen_fd=listener.detach(),
            )  # fmt: skip
        else:
            self.port = port
            store = TCPStore(HOST, port, is_master=False, timeout=TIMEOUT)
        super().__init__(Processes(rank), store, PATIENCE if rank else TIMEOUT)

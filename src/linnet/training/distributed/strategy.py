"""Lightning's strategy of data-parallel training, with processes that linnet starts."""

import socket
from datetime import timedelta

import torch.distributed as dist
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
from pytorch_lightning.strategies import DDPStrategy
from torch.distributed import TCPStore  # type: ignore[attr-defined]

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


class DataParallel(DDPStrategy):
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
        super().__init__(cluster_environment=Processes(rank))
        if port is None:
            listener = socket.create_server((HOST, 0))
            self.port: int = listener.getsockname()[1]
            self._store = TCPStore(
                HOST, self.port, is_master=True, wait_for_workers=False, timeout=TIMEOUT,
                master_listen_fd=listener.detach(),
            )  # fmt: skip
        else:
            self.port = port
            self._store = TCPStore(HOST, port, is_master=False, timeout=TIMEOUT)

    def _configure_launcher(self) -> None:
        """Use no launcher of Lightning's, which would change the number of threads."""

    def setup_distributed(self) -> None:
        self.set_world_ranks()
        self._process_group_backend = self._get_process_group_backend()
        on_gpu = self.root_device.type == "cuda"
        dist.init_process_group(
            self._process_group_backend, store=self._store, rank=self.global_rank, world_size=self.world_size,
            timeout=PATIENCE if self.global_rank else TIMEOUT, device_id=self.root_device if on_gpu else None,
        )  # fmt: skip

    def configure_ddp(self) -> None:
        pass

    def teardown(self) -> None:
        super().teardown()
        del self._store  # or it would listen as long as somebody keeps the trained model

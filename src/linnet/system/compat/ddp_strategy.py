"""Lightning's strategy of data-parallel training, without the parts of it that are private."""

from datetime import timedelta

import torch.distributed as dist
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
from pytorch_lightning.strategies import DDPStrategy
from torch.distributed import TCPStore  # type: ignore[attr-defined]


class PlainDDPStrategy(DDPStrategy):
    """DDPStrategy that starts no processes, does not wrap the model, and meets the other processes at a given store.

    Args:
        environment: of this process among the others.
        store: at which they meet.
        timeout: how long this process waits for the others in an operation.
    """

    def __init__(self, environment: LightningEnvironment, store: TCPStore, timeout: timedelta) -> None:
        super().__init__(cluster_environment=environment)
        self._store, self._patience = store, timeout

    def _configure_launcher(self) -> None:
        """Use no launcher of Lightning's, which would change the number of threads."""

    def setup_distributed(self) -> None:
        self.set_world_ranks()
        self._process_group_backend = self._get_process_group_backend()
        on_gpu = self.root_device.type == "cuda"
        dist.init_process_group(
            self._process_group_backend, store=self._store, rank=self.global_rank, world_size=self.world_size,
            timeout=self._patience, device_id=self.root_device if on_gpu else None,
        )  # fmt: skip

    def configure_ddp(self) -> None:
        pass

    def teardown(self) -> None:
        super().teardown()
        del self._store  # or it would listen as long as somebody keeps the trained model

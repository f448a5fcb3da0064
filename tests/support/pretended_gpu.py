"""Tensors that say they are on a GPU and compute on the processor, so that code for a GPU is tried without one.

An operation on tensors of both devices fails as it would on a GPU. Speed, memory and rounding are the processor's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

ATEN = torch.ops.aten
OF_BOTH = (ATEN._to_copy.default, ATEN.copy_.default, ATEN.index.Tensor, ATEN.index_put_.default)
"""Operations that may have tensors of two devices; the result is on that of the first."""


class There(torch.Tensor):
    """A tensor on the pretended GPU; `here` holds its numbers."""

    here: torch.Tensor

    @staticmethod
    def __new__(cls, here: torch.Tensor) -> "There":
        made = torch.Tensor._make_wrapper_subclass(
            cls, here.shape, strides=here.stride(), storage_offset=here.storage_offset(), dtype=here.dtype,
            device=torch.device("cuda", 0),
        )  # fmt: skip
        made.here = here
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})


def _compute(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
    there = [each for each in given if isinstance(each, There)]
    device = kwargs.get("device")
    if func not in OF_BOTH and there and any(each.dim() > 0 and not isinstance(each, There) for each in given):
        raise RuntimeError(f"{func}: expected all tensors to be on the same device")
    if func is ATEN.index.Tensor and there and not isinstance(args[0], There):
        raise RuntimeError("indices should be on the device of the tensor or on the processor")
    on_gpu = torch.device(device).type == "cuda" if device is not None else bool(there)
    if func in OF_BOTH and device is None:
        on_gpu = isinstance(args[0], There)
    args, kwargs = tree_map(lambda each: each.here if isinstance(each, There) else each, (args, kwargs))
    kwargs = {name: value for name, value in kwargs.items() if name not in ("device", "pin_memory")}
    found = func(*args, **kwargs)
    known = {id(each.here): each for each in there}  # what is computed in place stays the same tensor

    def put(each: Any) -> Any:
        if not isinstance(each, torch.Tensor):
            return each
        return known[id(each)] if id(each) in known else There(each) if on_gpu else each

    return tree_map(put, found)


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})


@contextmanager
def pretended_gpu() -> Iterator[None]:
    """Have a GPU, called "pretended", inside the block."""
    torch._C._ensureCUDADeviceGuardSet()  # as torch's own FakeTensor does where there is no driver
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: True)
        patch.setattr(torch.cuda, "_lazy_init", lambda: None)
        patch.setattr(torch.cuda, "get_device_name", lambda device=None: "pretended")
        with _Mode():
            yield

"""Where examples come from: sources (one function per `data=` option), their preparation, and the batch order.

Names are imported when they are first asked for: the command line looks at a table before it imports torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linnet.data.arrays import arrays
    from linnet.data.blobs import gaussian_blobs
    from linnet.data.covariate_shift import covariate_shift
    from linnet.data.examples import Batch, Examples, Source, Truth
    from linnet.data.image_folder import image_folder
    from linnet.data.images import image_classes
    from linnet.data.label_shift import label_shift
    from linnet.data.module import Data
    from linnet.data.order import epoch_order
    from linnet.data.preparation import prepare
    from linnet.data.random_convolution import random_convolution
    from linnet.data.shipped import diabetes, digits
    from linnet.data.synthetic import high_dimensional, polynomial, synthetic_regression
    from linnet.data.table.source import table_rows

_MODULES = {
    "arrays": ("arrays",),
    "blobs": ("gaussian_blobs",),
    "covariate_shift": ("covariate_shift",),
    "examples": ("Batch", "Examples", "Source", "Truth"),
    "image_folder": ("image_folder",),
    "images": ("image_classes",),
    "label_shift": ("label_shift",),
    "module": ("Data",),
    "order": ("epoch_order",),
    "preparation": ("prepare",),
    "random_convolution": ("random_convolution",),
    "shipped": ("diabetes", "digits"),
    "synthetic": ("high_dimensional", "polynomial", "synthetic_regression"),
    "table.source": ("table_rows",),
}

__all__ = [
    "Batch",
    "Data",
    "Examples",
    "Source",
    "Truth",
    "arrays",
    "covariate_shift",
    "diabetes",
    "digits",
    "epoch_order",
    "gaussian_blobs",
    "high_dimensional",
    "image_classes",
    "image_folder",
    "label_shift",
    "polynomial",
    "prepare",
    "random_convolution",
    "synthetic_regression",
    "table_rows",
]


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            value = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__} has no attribute {name}")

"""Where examples come from: sources (one function per `data=` option), their preparation, and the batch order.

Names are imported when they are first asked for: the command line looks at a table before it imports torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linnet.data.batch import Batch as Batch, TrueParameters as TrueParameters
    from linnet.data.module import Data as Data
    from linnet.data.order import epoch_order as epoch_order
    from linnet.data.preparation import prepare as prepare
    from linnet.data.sources.arrays import arrays as arrays
    from linnet.data.sources.blobs import gaussian_blobs as gaussian_blobs
    from linnet.data.sources.covariate_shift import covariate_shift as covariate_shift
    from linnet.data.sources.image_folder import image_folder as image_folder
    from linnet.data.sources.images import image_classes as image_classes
    from linnet.data.sources.label_shift import label_shift as label_shift
    from linnet.data.sources.random_convolution import random_convolution as random_convolution
    from linnet.data.sources.shipped import diabetes as diabetes, digits as digits
    from linnet.data.sources.synthetic import (
        high_dimensional as high_dimensional,
        polynomial as polynomial,
        synthetic_regression as synthetic_regression,
    )
    from linnet.data.sources.table import table_rows as table_rows
    from linnet.data.storage.examples import Examples as Examples, Source as Source

_MODULES = {
    "sources.arrays": ("arrays",),
    "sources.blobs": ("gaussian_blobs",),
    "sources.covariate_shift": ("covariate_shift",),
    "batch": ("Batch", "TrueParameters"),
    "storage.examples": ("Examples", "Source"),
    "sources.image_folder": ("image_folder",),
    "sources.images": ("image_classes",),
    "sources.label_shift": ("label_shift",),
    "module": ("Data",),
    "order": ("epoch_order",),
    "preparation": ("prepare",),
    "sources.random_convolution": ("random_convolution",),
    "sources.shipped": ("diabetes", "digits"),
    "sources.synthetic": ("high_dimensional", "polynomial", "synthetic_regression"),
    "sources.table": ("table_rows",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            value = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__} has no attribute {name}")

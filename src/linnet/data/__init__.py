"""Where examples come from: sources (one function per `data=` option), their preparation, and the batch order."""

from linnet.data.arrays import arrays
from linnet.data.blobs import gaussian_blobs
from linnet.data.examples import Batch, Examples, Source, Truth
from linnet.data.images import image_classes
from linnet.data.module import Data
from linnet.data.order import epoch_order
from linnet.data.prepare import prepare
from linnet.data.shipped import diabetes, digits
from linnet.data.synthetic import high_dimensional, polynomial, synthetic_regression

__all__ = [
    "Batch",
    "Data",
    "Examples",
    "Source",
    "Truth",
    "arrays",
    "diabetes",
    "digits",
    "epoch_order",
    "gaussian_blobs",
    "high_dimensional",
    "image_classes",
    "polynomial",
    "prepare",
    "synthetic_regression",
]

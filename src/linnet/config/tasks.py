"""What each component is for, known without importing it."""

# `linnet.losses` says the same of itself, and a test holds the two together.
CLASSIFICATION = frozenset(
    {
        "linnet.models.SoftmaxRegression",
        "linnet.losses.CrossEntropy",
        "linnet.losses.CrossEntropyNaive",
        "linnet.losses.TorchCrossEntropy",
        "linnet.data.gaussian_blobs",
        "linnet.data.digits",
        "linnet.data.image_classes",
        "linnet.data.image_folder",
        "linnet.data.label_shift",
        "linnet.data.random_convolution",
    }
)
EITHER = frozenset({"linnet.data.table_rows", "linnet.data.arrays"})
"""What they hold says what they are for, unless they have a `task` that does, and the data are looked at."""

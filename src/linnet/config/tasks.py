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
    }
)
EITHER = "linnet.data.table_rows"
"""Its `task` says what it is for; where that is null the table itself does, and `linnet.build` looks."""

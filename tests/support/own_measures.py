"""More of the module in `own_parts`: penalties, metrics and figures."""

TEXT = '''

class Ridge:
    """Half of the squared norm."""

    def __init__(self, strength: float = 0.1):
        self.strength = strength

    def value(self, weight):
        return 0.5 * self.strength * weight.square().sum()


class Lasso:
    """The sum of absolute values, by its proximal step."""

    def __init__(self, strength: float = 0.1):
        self.strength = strength

    def value(self, weight):
        return self.strength * weight.abs().sum()

    def prox(self, weight, step):
        return weight.sign() * (weight.abs() - step * self.strength).clamp(min=0)


class ManyValues:
    """No penalty: one number for each weight."""

    def value(self, weight):
        return weight.square()


class Squares:
    """Mean squared error, example by example."""

    direction = "minimize"

    def value(self, prediction, target):
        return (prediction - target).square().mean(1)


class MeanTarget:
    """Of the targets only, to know their units."""

    direction = "minimize"

    def value(self, prediction, target):
        return target.mean()


class Hits:
    """Accuracy, less a tenth of something."""

    direction = "maximize"

    def __init__(self, off: Annotated[float, Gt(0)] = 0.1):
        self.off = off

    def value(self, prediction, target):
        return (prediction.argmax(1) == target).double() - self.off


class Worse(Hits):
    direction = "up"


class OfAll(Hits):
    """Of the wrong shape."""

    def value(self, prediction, target):
        return prediction


class Scatter:
    """Predictions of the test examples."""

    def __init__(self, color: str = "k"):
        self.color = color

    def draw(self, run):
        from matplotlib.figure import Figure

        figure = Figure()
        axes = figure.subplots()
        axes.plot(run.curves["train/loss"].value, color=self.color)
        axes.set_title(f"{run.metrics['train/loss']:.3g}")
        return figure


class NoFigure:
    def draw(self, run):
        raise ZeroDivisionError("a mistake of the user")
'''

"""Optimizers as pure update rules whose hyperparameters are one number, or one per model."""

from linnet.optimizers.adagrad import Adagrad
from linnet.optimizers.adam import Adam
from linnet.optimizers.adamw import AdamW
from linnet.optimizers.exact import Exact
from linnet.optimizers.hyperparameter import Hyperparameter, along_models
from linnet.optimizers.momentum import Momentum
from linnet.optimizers.optimizer import Evaluate, Optimizer, State
from linnet.optimizers.rmsprop import RMSprop
from linnet.optimizers.sgd import SGD
from linnet.optimizers.torch_lbfgs import TorchLBFGS
from linnet.optimizers.torch_optim import TorchAdam, TorchAdamW, TorchSGD

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Evaluate",
    "Exact",
    "Hyperparameter",
    "Momentum",
    "Optimizer",
    "RMSprop",
    "State",
    "TorchAdam",
    "TorchAdamW",
    "TorchLBFGS",
    "TorchSGD",
    "along_models",
]

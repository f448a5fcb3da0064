"""Optimizers as pure update rules whose hyperparameters are one number, or one per model."""

from linnet.optimizers.adagrad import Adagrad as Adagrad
from linnet.optimizers.adam import Adam as Adam
from linnet.optimizers.adamw import AdamW as AdamW
from linnet.optimizers.exact import Exact as Exact
from linnet.optimizers.hyperparameter import Hyperparameter as Hyperparameter, along_models as along_models
from linnet.optimizers.momentum import Momentum as Momentum
from linnet.optimizers.optimizer import Evaluate as Evaluate, Optimizer as Optimizer, State as State
from linnet.optimizers.rmsprop import RMSprop as RMSprop
from linnet.optimizers.sgd import SGD as SGD
from linnet.optimizers.torch_lbfgs import TorchLBFGS as TorchLBFGS
from linnet.optimizers.torch_optim import TorchAdam as TorchAdam, TorchAdamW as TorchAdamW, TorchSGD as TorchSGD

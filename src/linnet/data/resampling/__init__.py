"""Resampling: cross-validation folds and bootstrap samples of the training examples, a component per option.

Resamples are counts: how often each training example is trained on in each, and which examples are held out. They are a
pure function of the options, the seed, and the labels of the examples.
"""

from linnet.data.resampling.bootstrap import Bootstrap as Bootstrap
from linnet.data.resampling.folds import GivenFolds as GivenFolds, KFold as KFold, LeaveOneOut as LeaveOneOut
from linnet.data.resampling.group_kfold import GroupKFold as GroupKFold
from linnet.data.resampling.resample import resample as resample
from linnet.data.resampling.resamples import Resamples as Resamples
from linnet.data.resampling.resampling import Labels as Labels, NoResampling as NoResampling, Resampling as Resampling
from linnet.data.resampling.time_series import TimeSeries as TimeSeries

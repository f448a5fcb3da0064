# %% [markdown]
# # Inside your own Trainer
# The modules are ordinary LightningModules: your DataLoader, your callbacks, your logger.

# %%
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, LearningRateMonitor
from pytorch_lightning.loggers import CSVLogger
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

import linnet

pictures, digits = (torch.as_tensor(part) for part in load_digits(return_X_y=True))
examples = TensorDataset(pictures.float() / 16, digits.long())
train, val = random_split(examples, [0.8, 0.2], torch.Generator().manual_seed(0))

# %%
model = linnet.SoftmaxRegression(n_features=64, n_outputs=10, optimizer=torch.optim.Adam)
trainer = pl.Trainer(
    max_epochs=20, logger=CSVLogger("runs", "own_trainer"), enable_progress_bar=False,
    callbacks=[EarlyStopping("val/loss"), LearningRateMonitor()], gradient_clip_val=1.0,
)  # fmt: skip
trainer.fit(model, DataLoader(train, 32, shuffle=True), DataLoader(val, 256))
print(trainer.callback_metrics["val/accuracy"])

# %% [markdown]
# One model gives logits `[N, C]`, like any other module:

# %%
print(model(pictures[:4].float() / 16).argmax(1), digits[:4])

# %% [markdown]
# # Decisions and costs
# The likeliest class is not always the best answer: a missed malignant tumour costs more than a needless examination.

# %%
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold

from linnet.sklearn import SoftmaxRegression

features, benign = load_breast_cancer(return_X_y=True)
malignant = 1 - benign
p = np.zeros((len(malignant), 2))
for train, test in StratifiedKFold(10, shuffle=True, random_state=0).split(features, malignant):
    mean, std = features[train].mean(0), features[train].std(0)
    model = SoftmaxRegression(penalty="l2", strength=0.01).fit((features[train] - mean) / std, malignant[train])
    p[test] = model.predict_proba((features[test] - mean) / std)

# %% [markdown]
# cost[y, a]: what answer a costs where y is true. The best answer has the least expected cost Σ_y p(y|x) cost[y, a];
# with two answers, that is a threshold on p.


# %%
def decide(p, cost):
    """Return the answer of least expected cost for each row of class probabilities."""
    return (p @ cost).argmin(1)


print(f"{malignant.sum()} malignant of {len(malignant)}, out of fold")
for miss in (1, 5, 20, 100):
    cost = np.array([[0, 1], [miss, 0]])
    for name, answer in (("likeliest", p.argmax(1)), ("least cost", decide(p, cost))):
        missed, alarms = ((answer == 0) & (malignant == 1)).sum(), ((answer == 1) & (malignant == 0)).sum()
        total = missed * miss + alarms
        print(f"a miss costs {miss:3}: {name:10} misses {missed:2}, false alarms {alarms:3}, cost {total:4}")

# %% [markdown]
# Three answers, the third being to ask an expert for 0.3: taken where neither class is sure enough.

# %%
cost = np.array([[0, 1, 0.3], [5, 0, 0.3]])
answer = decide(p, cost)
paid, without = cost[malignant, answer].sum(), cost[malignant, decide(p, cost[:, :2])].sum()
print(f"with an expert: asked {(answer == 2).sum()} times, cost {paid:.1f} instead of {without:.1f}")
for miss in (5, 20):
    rule, threshold = decide(p, np.array([[0, 1], [miss, 0]])) == 1, p[:, 1] > 1 / (1 + miss)
    print(f"a miss costs {miss}: the rule is p > 1/{1 + miss}: {(rule == threshold).all()}")

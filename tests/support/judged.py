"""What linnet says of a random problem, judged by the reference in 100 digits."""

import contextlib
import io
import tempfile
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import torch
from decimal_problem import ONE, ZERO, Numbers, Problem, exact
from random_problems import DELTA, L1_RATIO, SIGMA, SMOOTHING, Drawn
from reference import minimise
from tables import write_csv

import linnet
from linnet.data import Examples
from linnet.losses import AbsoluteError, CrossEntropy, GaussianNLL, Huber, Loss, PoissonNLL, SquaredError
from linnet.penalties import L1, L2, ElasticNet, NoPenalty, Penalty
from linnet.solvers.optimum import Optimum
from linnet.solvers.solve import solve
from linnet.system.errors import InputError
from linnet.training.optimality import EXACT_TOLERANCE

UNIT = 2.0**-53
WELL_POSED = 1e-8
"""κ 2⁻⁵³ below which coefficients must be right."""
NOT_SOLVED = 1e6
"""Bound, in units of the tolerance that was asked for, beyond which a problem counts as not solved."""
FAR = Decimal(10) ** 60
"""Multiple of a ray at which losses that fall along it are 0 to 100 digits."""
WRONG = 1e-6
"""Normwise relative error of coefficients that are wrong."""
EXACT = {
    "squared_error": SquaredError(), "gaussian_nll": GaussianNLL(SIGMA), "huber": Huber(DELTA),
    "absolute_error": AbsoluteError(), "poisson_nll": PoissonNLL(), "cross_entropy": CrossEntropy(),
    "label_smoothing": CrossEntropy(SMOOTHING),
}  # fmt: skip
PI = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214"
)


@dataclass(frozen=True)
class Verdict:
    """right | refused | not solved | false certificate | wrong coefficients | no reference; and the figures."""

    verdict: str
    detail: str = ""


def judge_solver(drawn: Drawn) -> Verdict:
    """Solve the standardised problem with `linnet.solvers.solve`, and judge its certificate and its coefficients."""
    x = standardised(drawn)
    if not drawn.classes and drawn.loss != "poisson_nll":
        drawn = replace(drawn, y=drawn.y - drawn.y.mean())  # as in a run, and of no consequence with a bias
    loss, penalty = EXACT[drawn.loss], penalty_of(drawn)
    y = torch.from_numpy(drawn.y) if drawn.classes else torch.from_numpy(drawn.y)[:, None]
    weight = None if drawn.weight is None else torch.from_numpy(drawn.weight / drawn.weight.mean())
    examples = Examples(torch.from_numpy(x), y, weight)
    tolerance = EXACT_TOLERANCE * (_initial(loss, examples) or 1.0)  # as a run asks for
    try:
        found = solve(examples, loss, penalty, bias=True, tolerance=tolerance)
    except ValueError as error:
        return Verdict("refused", str(error))
    problem = problem_of(drawn, exact(x), None if weight is None else weight.numpy())
    verdict = _judge_attained(problem, found) if found.attained else _judge_unattained(problem, found)
    if verdict.verdict == "wrong coefficients" and found.suboptimality_bound > NOT_SOLVED * tolerance:
        return Verdict("not solved", verdict.detail)  # a bound that says so is not silent
    return verdict


def judge_run(drawn: Drawn) -> Verdict:
    """Train on a table of 17 digits with `optimizer=exact`, all else as it is by default but for rows held out."""
    columns = {f"x{j}": [repr(float(value)) for value in drawn.x[:, j]] for j in range(drawn.x.shape[1])}
    columns["y"] = [f"c{value}" if drawn.classes else repr(float(value)) for value in drawn.y]
    words = ["data=table", "data.target=y", "data.test_fraction=0", "data.val_fraction=0", "optimizer=exact"]
    if drawn.weight is not None:
        columns["w"] = [repr(float(value)) for value in drawn.weight]
        words.append("data.weight=w")
    if not drawn.classes:
        words.append("data.task=regression")
    with tempfile.TemporaryDirectory() as folder:
        path = write_csv(Path(folder) / "table.csv", columns)
        place = [f"data.path={path}", f"hydra.run.dir={folder}/run", "figures=false"]
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # thousands of result tables
                run = linnet.train([*words, *drawn.overrides, *place])
        except InputError as error:
            return Verdict("refused", str(error))
        predictor = linnet.load(run.directory).model
    mean, deviation = moments(drawn)
    problem = problem_of(drawn, (exact(drawn.x) - mean) / deviation, drawn.weight)
    weight = exact(predictor.weight) * deviation
    params = np.column_stack([weight, exact(predictor.bias) + exact(predictor.weight) @ mean])
    best = minimise(problem, params)
    if best.gap > abs(best.objective) * Decimal("1e-18") + Decimal("1e-18"):
        return Verdict("no reference", f"gap {best.gap:.1e}")
    objective, bound = Decimal(run.metrics["optimum/loss"]), Decimal(run.metrics["optimum/bound"])
    off = abs(objective - best.objective)
    if off > bound + rounding(problem, best.params):
        return Verdict("false certificate", f"{objective:.17g} ± {bound:.1e}, right {best.objective:.17g}")
    return _judge_coefficients(problem, params, best.params, f"bound {bound:.1e}")


def _judge_attained(problem: Problem, found: Optimum) -> Verdict:
    params = exact(np.column_stack([found.weight.numpy(), found.bias.numpy()]))
    here, best = problem.objective(params), minimise(problem, params)
    least, bound = min(best.objective, here), Decimal(found.suboptimality_bound)  # perhaps Infinity: nothing is proven
    detail = f"F − F* = {here - least:.2e}, bound {bound:.2e}, F* = {least:.6g}, {found.method}: {found.certificate}"
    ulp = Decimal(abs(found.objective)) * Decimal(2 * UNIT)
    if "count as dependent" in found.certificate and _is_deficient(problem):
        return Verdict("right", f"of the numerical row space; {detail}")
    if here - least > bound or Decimal(found.objective) - bound > least + ulp:
        return Verdict("false certificate", f"objective − F* = {Decimal(found.objective) - least:.2e}, {detail}")
    if best.gap > bound + abs(least) * Decimal("1e-18"):
        return Verdict("no reference", f"gap {best.gap:.1e}; {detail}")
    return _judge_coefficients(problem, params, best.params, detail)


def _judge_unattained(problem: Problem, found: Optimum) -> Verdict:
    best = minimise(problem, max_steps=120)
    least = best.objective  # an upper bound of the infimum, as is any other value of the objective
    if found.ray is not None:
        ray = np.column_stack([part.numpy() for part in found.ray])
        least = min(least, problem.objective(exact(ray) * FAR))
    objective, bound = Decimal(found.objective), Decimal(found.suboptimality_bound)
    ulp = abs(objective) * Decimal(2 * UNIT)
    detail = f"infimum {objective:.6g}, bound {bound:.1e}; reference {least:.6g}, gap {best.gap:.1e}"
    if objective - bound > least + ulp or least - best.gap * 1000 > objective + bound + ulp:
        return Verdict("false certificate", f"{detail}; {found.certificate}")
    return Verdict("right", detail)


def _judge_coefficients(problem: Problem, params: Numbers, best: Numbers, detail: str) -> Verdict:
    d = problem.x.shape[1]
    kappa = condition(problem, best)
    if not kappa * UNIT < WELL_POSED:
        return Verdict("right", f"κ = {kappa:.1e}; {detail}")
    here, there = params[:, :d], best[:, :d]
    if problem.kind == "softmax" and not problem.absolute:  # the same number on all classes changes nothing
        here, there = here - here.mean(0), there - there.mean(0)
    size = float((there * there).sum().sqrt())
    error = float(((here - there) ** 2).sum().sqrt())
    if error > WRONG * size:
        return Verdict("wrong coefficients", f"{error:.1e} of {size:.1e}, κ = {kappa:.1e}; {detail}")
    return Verdict("right", f"coefficients to {error / (size or 1):.1e}, κ = {kappa:.1e}; {detail}")


def _is_deficient(problem: Problem) -> bool:
    """Whether the features have a numerical rank, at max(N, D) 2⁻⁵³, below the number of columns."""
    x = (problem.x - problem.weight @ problem.x).astype(np.float64)
    rooted = np.sqrt(problem.weight.astype(np.float64))[:, None] * x
    values = np.linalg.svd(rooted / np.linalg.norm(rooted, axis=0), compute_uv=False)
    return bool(values[-1] <= max(x.shape) * UNIT * values[0])


def condition(problem: Problem, best: Numbers) -> float:
    """κ: the square root of the condition number of the Hessian of scaled parameters, at the optimum; inf if singular.

    With an L1 penalty: of the equicorrelation set, the weights whose derivative of the loss reaches the penalty's
    coefficient, or nearly so. Absolute error: of the rows that are met, which must determine the parameters.
    """
    size = best.shape[1]
    free = np.ones(best.shape, dtype=bool)
    if problem.absolute:
        largest = max(abs(value) for value in best[:, :-1].ravel())
        free[:, :-1] = abs(best[:, :-1]) > largest * Decimal("1e-15")
        if problem.kind != "absolute":
            pull = replace(problem, absolute=ZERO).derivatives(best, ZERO, ZERO)[0].reshape(best.shape)[:, :-1]
            free[:, :-1] |= abs(pull) >= problem.absolute * Decimal("0.999999")
        if not free[:, :-1].any():
            return 1.0
    if problem.kind == "absolute":
        residual = abs(problem.design @ best[0] - problem.y)
        met = residual <= max(residual) * Decimal("1e-15")
        design = problem.design[met][:, free[0]].astype(np.float64)
        if problem.squared or len(design) < design.shape[1]:
            return np.inf  # a combination of rows and curvature, whose condition is not looked into
        return float(np.linalg.cond(design / np.sqrt((design**2).sum(0))))
    hessian = replace(problem, absolute=ZERO).derivatives(best, ZERO, ZERO)[1][np.ix_(free.ravel(), free.ravel())]
    scale = np.array([value.sqrt() if value > 0 else ONE for value in np.diag(hessian)])
    values = np.linalg.eigvalsh((hessian / scale / scale[:, None]).astype(np.float64))
    if problem.kind == "softmax" and not problem.absolute:
        values = values[size if not problem.squared else 1 :]  # shifts of all classes
    return float(np.sqrt(values[-1] / values[0])) if values[0] > 1e-15 * values[-1] else np.inf


def rounding(problem: Problem, params: Numbers) -> Decimal:
    """What standardised features that are rounded to float64 change in the objective, by its first derivatives."""
    z = problem.design @ params.T
    slope = abs(problem.slope_and_curvature(z, ZERO if problem.kind != "absolute" else Decimal("1e-40"))[0])
    terms = (
        abs(problem.design) @ abs(params).T + abs(problem.y if problem.kind != "softmax" else 0 * problem.y)[:, None]
    )
    return Decimal(16 * UNIT) * ((problem.weight[:, None] * slope * terms).sum() + abs(problem.objective(params)))


def problem_of(drawn: Drawn, x: Numbers, weight: "np.ndarray | None") -> Problem:
    """The problem in 100 digits."""
    shares = np.full(len(x), ONE) if weight is None else exact(weight)
    kinds = {"squared_error": "squared", "gaussian_nll": "squared", "huber": "huber", "absolute_error": "absolute",
             "poisson_nll": "poisson"}  # fmt: skip
    penalty = penalty_of(drawn)
    gaussian = drawn.loss == "gaussian_nll"
    sigma = Decimal(SIGMA)
    return Problem(
        x,
        drawn.y if drawn.classes else exact(drawn.y),
        shares / shares.sum(),
        kinds.get(drawn.loss, "softmax"),  # type: ignore[arg-type]
        int(drawn.y.max()) + 1 if drawn.classes else 1,
        Decimal(float(penalty.l1)),
        Decimal(float(penalty.l2)),
        delta=Decimal(DELTA),
        scale=1 / sigma**2 if gaussian else ONE,
        constant=(2 * PI).ln() / 2 + sigma.ln() if gaussian else ZERO,
        smoothing=Decimal(SMOOTHING) if drawn.loss == "label_smoothing" else ZERO,
    )


def penalty_of(drawn: Drawn) -> Penalty:
    made = {"none": NoPenalty, "l1": L1, "l2": L2, "elastic_net": ElasticNet}[drawn.penalty]
    if drawn.penalty == "none":
        return NoPenalty()
    return ElasticNet(drawn.strength, L1_RATIO) if made is ElasticNet else made(drawn.strength)


def moments(drawn: Drawn) -> tuple[Numbers, Numbers]:
    """Weighted mean and deviation of the columns, `[D]` each."""
    x = exact(drawn.x)
    weight = np.full(len(x), ONE) if drawn.weight is None else exact(drawn.weight)
    share = weight / weight.sum()
    mean = share @ x
    variance = share @ (x - mean) ** 2
    return mean, np.array([value.sqrt() for value in variance])


def standardised(drawn: Drawn) -> "np.ndarray":
    """Features of mean 0 and deviation 1, rounded to float64."""
    mean, deviation = moments(drawn)
    return ((exact(drawn.x) - mean) / deviation).astype(np.float64)


def _initial(loss: Loss, examples: Examples) -> float:
    """|mean loss| of predicting 0."""
    outputs = int(examples.y.max()) + 1 if examples.y.dim() == 1 else 1
    values = loss.value(torch.zeros(1, len(examples.y), outputs, dtype=torch.float64), examples.y)[0]
    return abs(float((values if examples.weight is None else values * examples.weight).mean()))

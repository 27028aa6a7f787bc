"""Distances of embeddings: their definitions, what they must not see, their errors and floors."""

import itertools
import json

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

import dsp
from dsp import distances
from dsp.distances import embeddings, splits

SPECTRUM = 1 / np.sqrt(np.arange(1, 9))
ROUNDING = 1e-9  # sums of some hundred products in float64


def worlds(seed, n=60, repeats=2):
    """Embeddings of `repeats` recordings of each patient, and estimates of them."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n // repeats), repeats)
    shared, own, wrong = rng.normal(size=(3, n, 8)) * SPECTRUM
    z = 0.8 * shared[groups] + 0.6 * own
    return z, 0.7 * z + 0.4 * wrong + 0.1, groups


def independent(seed, n=200, m=200, gain=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 8)) * SPECTRUM, gain * rng.normal(size=(m, 8)) * SPECTRUM + shift


def rotation(seed, dim=8):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))[0]


PAIRED = {
    "cosine gap": distances.cosine_gap,
    "R2": distances.r2,
    "R2 after ridge": distances.ridge_r2,
    "CKA": distances.cka,
    "mutual k-NN": lambda a, b, g=None: distances.mutual_knn(a, b, g, k=5),
    "alignment": distances.alignment,
    "R@1": lambda a, b, g=None: distances.retrieval(a, b, g).r1,
    "MRR": lambda a, b, g=None: distances.retrieval(a, b, g).mrr,
}
SETS = {
    "KID": distances.kid,
    "MMD": distances.mmd,
    "Frechet": distances.frechet,
    "Frechet, n to infinity": distances.frechet_infinity,
    "sliced Wasserstein": distances.sliced_wasserstein,
    "modality gap": distances.modality_gap,
    "density": lambda *z: distances.density_coverage(*z).density,
    "coverage": lambda *z: distances.density_coverage(*z).coverage,
}
ALL = {**PAIRED, **SETS}
every = pytest.mark.parametrize("name", ALL)


# Definitions, written the slow way


def discrepancy(kernel, a, b, groups):
    """The U-statistic over pairs of different patients."""
    different = groups[:, None] != groups
    means = [kernel(x, y)[different].mean() for x, y in ((a, a), (b, b), (a, b))]
    return means[0] + means[1] - 2 * means[2]


def test_kid_and_mmd_are_u_statistics_over_pairs_of_patients():
    a, b, groups = worlds(0)
    cubic = lambda x, y: (x @ y.T / 8 + 1) ** 3  # noqa: E731
    assert distances.kid(a, b, groups).value == pytest.approx(discrepancy(cubic, a, b, groups))
    gaussian = lambda x, y: np.exp(-(scipy.spatial.distance.cdist(x, y) ** 2) / 2 / 1.5**2)  # noqa: E731
    found = distances.mmd(a, b, groups, width=1.5).value
    assert found == pytest.approx(discrepancy(gaussian, a, b, groups))
    assert distances.mmd(a, b).value == pytest.approx(distances.mmd(10 * a, 10 * b).value)


def test_frechet_is_that_of_gaussians():
    a, b, _ = worlds(0, n=300)
    A, B = np.cov(a.T), np.cov(b.T)
    common = scipy.linalg.sqrtm(scipy.linalg.sqrtm(A) @ B @ scipy.linalg.sqrtm(A)).real
    slow = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(A + B - 2 * common)
    assert distances.frechet(a, b).value == pytest.approx(slow)
    # More dimensions than rows: padding with zeros changes nothing.
    wide = [np.pad(z, ((0, 0), (0, 400))) for z in (a, b)]
    assert distances.frechet(*wide).value == pytest.approx(slow)
    assert "fewer than 2 embeddings a dimension" in distances.frechet(*wide).warning


def test_cka_is_that_of_gram_matrices():
    a, b, _ = worlds(0)
    n = len(a)

    def hsic(x, y):
        K, L = x @ x.T, y @ y.T
        np.fill_diagonal(K, 0)
        np.fill_diagonal(L, 0)
        means = K.sum() * L.sum() / (n - 1) / (n - 2) - 2 * (K @ L).sum() / (n - 2)
        return (np.trace(K @ L) + means) / n / (n - 3)

    slow = hsic(a, b) / np.sqrt(hsic(a, a) * hsic(b, b))
    assert distances.cka(a, b).value == pytest.approx(slow)


def test_neighbours_by_sorting():
    a, b, groups = worlds(0)
    shared = []
    for i, group in enumerate(groups):
        near = []
        for z in (a, b):
            u = z - z.mean(0)
            u /= np.linalg.norm(u, axis=1, keepdims=True)
            cosine = np.where(groups == group, -2, u @ u[i])
            near.append(set(np.argsort(-cosine)[:5]))
        shared.append(len(near[0] & near[1]) / 5)
    assert distances.mutual_knn(a, b, groups, k=5).value == pytest.approx(np.mean(shared))


def test_retrieval_by_sorting():
    a, b, groups = worlds(0)
    u, v = (z - a.mean(0) for z in (a, b))
    u, v = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (u, v))
    slow = []
    for i, group in enumerate(groups):
        others = groups != group
        slow.append(1 + (u[others] @ v[i] > u[i] @ v[i]).sum())
    assert distances.ranks(a, b, groups).tolist() == slow
    found = distances.retrieval(a, b, groups)
    assert found.r1.value == pytest.approx(np.mean(np.array(slow) == 1))
    assert found.r10.value == pytest.approx(np.mean(np.array(slow) <= 10))
    assert found.mrr.value == pytest.approx(np.mean(1 / np.array(slow)))
    assert found.r10.chance == pytest.approx(10 / 59)  # 60 less the patient's other recording


def test_density_and_coverage_by_counting():
    a, b = independent(0, 50, 40, gain=1.3)
    within = scipy.spatial.distance.cdist(a, a)
    radius = np.sort(within, axis=1)[:, 5]  # the first is the row itself
    inside = scipy.spatial.distance.cdist(a, b) <= radius[:, None]
    found = distances.density_coverage(a, b, k=5)
    assert found.density.value == pytest.approx(inside.sum() / 5 / 40)
    assert found.coverage.value == pytest.approx(inside.any(axis=1).mean())


@pytest.mark.parametrize(("n", "m"), [(30, 30), (30, 20), (7, 31)])
def test_sliced_wasserstein_along_one_line_is_that_of_sorted_copies(n, m):
    x, y = np.random.default_rng(0).normal(size=n), np.random.default_rng(1).gamma(2, size=m)
    sizes = np.lcm(n, m)
    slow = np.sort(np.repeat(x, sizes // n)) - np.sort(np.repeat(y, sizes // m))
    found = distances.sliced_wasserstein(x[:, None], y[:, None])
    assert found.value == pytest.approx(np.sqrt((slow**2).mean()))


def test_uniformity_alignment_and_r2_by_pairs():
    a, b, _ = worlds(0)
    u, v = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (a, b))
    far = [((u[i] - u[j]) ** 2).sum() for i, j in itertools.permutations(range(len(u)), 2)]
    assert distances.uniformity(a).value == pytest.approx(np.log(np.exp(-2 * np.array(far)).mean()))
    assert distances.alignment(a, b).value == pytest.approx(((u - v) ** 2).sum(1).mean())
    slow = 1 - ((a - b) ** 2).sum() / ((a - a.mean(0)) ** 2).sum()
    assert distances.r2(a, b).value == pytest.approx(slow)
    # Alignment is twice the cosine gap when nothing is centred.
    gap = distances.cosine_gap(a, b, mean=np.zeros(8)).value
    assert distances.alignment(a, b).value == pytest.approx(2 * gap)
    assert distances.cosine_gaps(a, b, mean=np.zeros(8)).mean() == pytest.approx(gap)


def test_modality_gap_is_the_length_of_its_vector():
    a, b, _ = worlds(0)
    vector = (b.mean(0) - a.mean(0)) / np.sqrt(a.var(0).sum())
    assert distances.gap_vector(a, b) == pytest.approx(vector)
    assert distances.modality_gap(a, b).value == pytest.approx(np.linalg.norm(vector))


# What they must and must not see


@given(seed=st.integers(0, 1000), size=st.floats(0.01, 100))
def test_cka_does_not_see_rotation_scale_or_shift(seed, size):
    a, b, _ = worlds(seed)
    changed = size * b @ rotation(seed) + size * np.arange(8)
    assert distances.cka(a, changed).value == pytest.approx(distances.cka(a, b).value, abs=1e-6)
    assert distances.cka(a, size * a @ rotation(seed)).value == pytest.approx(1, abs=1e-6)


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_a_rotation_of_both_changes_nothing(seed):
    a, b, groups = worlds(seed)
    turn = rotation(seed)
    for name in sorted(set(ALL) - {"sliced Wasserstein"}):  # its lines are random
        before, after = ALL[name](a, b, groups), ALL[name](a @ turn, b @ turn, groups)
        assert after.value == pytest.approx(before.value, abs=1e-6), name
        assert after.error == pytest.approx(before.error, abs=1e-6), name


@every
def test_the_order_of_rows_changes_nothing(name):
    a, b, groups = worlds(0)
    order = np.random.default_rng(0).permutation(len(a))
    before, after = ALL[name](a, b, groups), ALL[name](a[order], b[order], groups[order])
    # The halves of the extrapolation, and the folds of the ridge, fall elsewhere.
    random = {"Frechet, n to infinity": 0.1, "R2 after ridge": 0.1}
    assert after.value == pytest.approx(before.value, abs=random.get(name, ROUNDING))


@pytest.mark.parametrize("name", ["cosine gap", "R2", "alignment", "KID", "MMD", "modality gap"])
def test_copies_of_a_recording_are_one_patient(name):
    """Three copies of each recording change neither the value nor its error."""
    a, b, _ = worlds(0, n=40, repeats=1)
    groups = np.repeat(np.arange(40), 3)
    options = {"width": 1.0} if name == "MMD" else {}
    once = ALL[name](a, b, np.arange(40), **options)
    copied = ALL[name](a[groups], b[groups], groups, **options)
    assert copied.value == pytest.approx(once.value)
    assert copied.error == pytest.approx(once.error)
    assert (copied.n_patients, copied.n_a) == (40, 120)
    if name in PAIRED:
        assert ALL[name](a[groups], b[groups]).error < 0.8 * once.error


def test_identical_sets_are_perfect():
    a, _, groups = worlds(0)
    best = {"R2": 1, "R2 after ridge": 1, "CKA": 1, "mutual k-NN": 1, "R@1": 1, "MRR": 1}
    for name in sorted(set(ALL) - {"density", "coverage"}):
        found = ALL[name](a, a, groups).value
        # The ridge is left its smallest penalty.
        assert found == pytest.approx(best.get(name, 0), abs=1e-4), name


def test_a_constant_estimate_scores_chance():
    a, _, _ = worlds(0)
    constant = np.ones_like(a)
    found = distances.retrieval(a, constant)
    for share in found:
        assert share.value == pytest.approx(share.chance)
    assert distances.cosine_gap(a, constant * a.mean(0)).value == 1
    assert np.isnan(distances.cka(a, constant).value)
    assert distances.r2(a, constant * a.mean(0)).value == pytest.approx(0)
    assert distances.ridge_r2(a, constant).value == pytest.approx(0, abs=0.1)


def test_a_shift_is_seen_by_those_that_should():
    a, b = independent(0, shift=1.0)
    assert distances.modality_gap(a, b).low > 1.5
    for name in ("KID", "MMD", "Frechet, n to infinity", "sliced Wasserstein"):
        assert SETS[name](a, b).low > 0, name
    assert distances.density_coverage(a, b).coverage.high < 0.8


def test_centring_matters_in_a_narrow_cone():
    a, b, _ = worlds(0)
    strangers = b[::-1]
    assert distances.cosine_gap(a + 50, strangers + 50, mean=np.zeros(8)).value < 0.01
    assert distances.cosine_gap(a + 50, strangers + 50).value > 0.8


def test_ridge_undoes_what_is_linear_and_only_for_new_patients():
    a, _, groups = worlds(0, n=200)
    turned = 3 + 2 * a @ rotation(1)
    assert distances.r2(a, turned).value < 0
    assert distances.ridge_r2(a, turned, groups).value > 0.999
    # Recordings of one patient are alike: a map that had seen the others would seem to work.
    rng = np.random.default_rng(0)
    person = rng.normal(size=(40, 30))[np.repeat(np.arange(40), 5)]
    target = rng.normal(size=(40, 2))[np.repeat(np.arange(40), 5)]
    patients = np.repeat(np.arange(40), 5)
    assert distances.ridge_r2(target, person, patients).value < 0.05
    assert distances.ridge_r2(target, person).value > 0.3
    assert distances.cross_predict(target, person, patients).shape == target.shape


# Errors and intervals


@pytest.mark.parametrize("name", ["KID", "MMD"])
def test_null_lies_within_three_standard_errors(name):
    """40 worlds without difference: 3 standard errors are left in 1 of 370."""
    ratio = [SETS[name](*independent(seed, 150, 100)) for seed in range(40)]
    beyond = sum(abs(d.value) > 3 * d.error for d in ratio)
    assert beyond <= 1
    values = np.array([d.value for d in ratio])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(40)
    assert 0.7 < np.mean([d.error for d in ratio]) / values.std() < 1.8


@pytest.mark.slow
@every
def test_standard_errors_are_of_the_right_size(name):
    """60 worlds tell a standard deviation to 9 %; linearised errors may be 40 % off, not more."""
    found = []
    for seed in range(60):
        if name in PAIRED:
            a, b, groups = worlds(seed, n=200)
            found.append(ALL[name](a, b, groups))
        else:
            found.append(ALL[name](*independent(seed, gain=1.4, shift=0.2 * SPECTRUM)))
    spread = np.std([d.value for d in found])
    assert 0.6 < np.mean([d.error for d in found]) / spread < 1.6


def test_frechet_to_infinity_loses_the_bias():
    plain, free = [], []
    for seed in range(20):
        a, b = independent(seed, 60, 60)
        plain.append(distances.frechet(a, b).value)
        free.append(distances.frechet_infinity(a, b).value)
    assert np.mean(plain) > 5 * np.std(plain) / np.sqrt(20)
    assert abs(np.mean(free)) < 0.25 * np.mean(plain)
    # What differs stays: 8 variances of spectrum, 0.5 larger in length.
    truth = 0.25 * (SPECTRUM**2).sum()
    other = [
        distances.frechet_infinity(*independent(seed, 100, 100, gain=1.5)).value
        for seed in range(20)
    ]
    assert np.mean(other) == pytest.approx(truth, rel=0.1)


def test_differences_of_methods_cancel_what_they_share():
    a, b, groups = worlds(0, n=200)
    worse = b + 0.1 * np.random.default_rng(5).normal(size=b.shape)
    for name in ("cosine gap", "R2", "CKA", "Frechet"):
        x, y = ALL[name](a, worse, groups), ALL[name](a, b, groups)
        found = distances.difference(x, y)
        assert found.value == pytest.approx(x.value - y.value)
        assert found.high - found.low < (x.high - x.low) + (y.high - y.low)
    assert (
        distances.difference(
            distances.cosine_gap(a, worse, groups), distances.cosine_gap(a, b, groups)
        ).low
        > 0
    )
    with pytest.raises(dsp.LengthError, match="one distance"):
        distances.difference(distances.r2(a, b), distances.cka(a, b))
    with pytest.raises(dsp.LengthError, match="same recordings"):
        distances.difference(distances.r2(a, b), distances.r2(a, b, groups))


def test_shares_of_none_or_all_are_not_sure():
    a, _, _ = worlds(0)
    found = distances.retrieval(a, a)
    assert (found.r1.value, found.r1.high) == (1, 1)
    # The exact binomial end for 60 of 60.
    assert found.r1.low == pytest.approx(0.025 ** (1 / 60))


def test_few_patients_carry_a_warning_and_one_has_no_interval():
    a, b, _ = worlds(0, n=20)
    assert "fewer than 30 patients" in repr(distances.cosine_gap(a, b))
    alone = distances.cosine_gap(a, b, ["x"] * 20)
    assert np.isnan([alone.low, alone.high]).all()
    assert "single patient" in alone.warning
    assert float(alone) == alone.value


# The gate


@every
def test_blocks_are_as_the_whole(name, monkeypatch):
    a, b, groups = worlds(0)
    whole = ALL[name](a, b, groups)
    monkeypatch.setattr(embeddings, "_BLOCK", 400)
    parts = ALL[name](a, b, groups)
    assert parts.value == pytest.approx(whole.value, abs=ROUNDING)
    assert parts.error == pytest.approx(whole.error, abs=ROUNDING)


@every
def test_input_is_left_alone_and_may_be_single_precision(name):
    a, b, groups = worlds(0)
    single = [z.astype(np.float32) for z in (a, b)]
    for z in single:
        z.setflags(write=False)
    found = ALL[name](*single, groups)
    # A rank, a neighbour, or a row on the edge of a ball may change by rounding of the input.
    assert found.value == pytest.approx(ALL[name](a, b, groups).value, abs=0.02)
    assert (found.n_a, found.n_b, found.n_patients, found.dim) == (60, 60, 30, 8)


@every
def test_bad_embeddings_are_refused(name):
    a, b, groups = worlds(0)
    broken = a.copy()
    broken[3, 2] = np.nan
    for wrong in (broken, a.astype(str), [[1, 2], [3]]):
        with pytest.raises(dsp.SignalError, match="embeddings"):
            ALL[name](wrong, b, groups)
    for wrong in (a[0], a[:0], a[:, :0]):
        with pytest.raises(dsp.LengthError, match="shape"):
            ALL[name](wrong, b, groups)
    with pytest.raises(dsp.LengthError, match="groups"):
        ALL[name](a, b, groups[1:])
    if name in PAIRED:
        with pytest.raises(dsp.LengthError, match="row i"):
            ALL[name](a, b[1:])
    if name not in ("R2 after ridge", "CKA", "mutual k-NN"):
        with pytest.raises(dsp.LengthError, match="one space"):
            ALL[name](a, b[:, 1:])


def test_too_little_for_a_distance():
    a, b, _ = worlds(0)
    with pytest.raises(dsp.LengthError, match="at least 4"):
        distances.cka(a[:3], b[:3])
    with pytest.raises(dsp.LengthError, match="neighbours among 5"):
        distances.mutual_knn(a[:6], b[:6])
    with pytest.raises(dsp.LengthError, match="neighbours among 2"):
        distances.density_coverage(a[:3], b)
    with pytest.raises(dsp.LengthError, match="three at least"):
        distances.ridge_r2(a[:2], b[:2])
    with pytest.raises(dsp.LengthError, match="single patient"):
        distances.kid(a, b, ["x"] * len(a))
    with pytest.raises(dsp.LengthError, match="at least four"):
        distances.frechet_infinity(a[:3], b[:3])
    with pytest.raises(dsp.LengthError, match="without groups"):
        distances.kid(a, b, None, np.arange(len(b)))
    with pytest.raises(dsp.LengthError, match="mean"):
        distances.r2(a, b, mean=np.zeros(3))
    with pytest.raises(dsp.SignalError, match="width"):
        distances.mmd(np.ones((5, 2)), np.ones((5, 2)))


# Collapse


def test_collapse_is_flagged_and_a_narrow_cone_is_not():
    a, _, _ = worlds(0)
    assert not distances.collapse(a).collapsed
    assert not distances.collapse(a + 5).collapsed
    point = distances.collapse(np.ones((50, 8)) + 1e-15)
    assert point.effective_rank == 0
    assert "one point" in point.reason
    assert "same way" in str(distances.collapse(a / 1000 + 1))
    assert "line" in distances.collapse(np.outer(a[:, 0], np.arange(8))).reason
    assert distances.collapse(np.random.default_rng(0).normal(size=(2000, 8))).effective_rank > 7.9


# Floors


@given(seed=st.integers(0, 1000), repeats=st.integers(1, 4))
def test_halves_share_no_patient_and_strangers_are_strangers(seed, repeats):
    generator = np.random.default_rng(seed)
    patient = np.sort(generator.integers(0, 15, 12 * repeats))
    patient[:4] = [20, 21, 22, 23]
    first, second = splits.halves(patient, generator)
    assert len(first) == len(second) > 0
    assert not set(patient[first]) & set(patient[second])
    assert len(set(first)) == len(first)
    other = splits.strangers(patient, generator)
    assert sorted(other) == list(range(len(patient)))
    if np.bincount(patient).max() * 2 <= len(patient):
        assert (patient[other] != patient).all()


def test_a_second_real_sample_is_at_its_floor():
    a, b = independent(0, 300, 300)
    report = distances.compare(a, b, paired=False, repeats=6)
    for name in ("KID", "MMD", "Frechet", "sliced Wasserstein", "modality gap", "coverage"):
        row = report[name]
        spread = np.std(row.floor)
        # Repeats share recordings: b as a whole may lie off by more than halves of a differ.
        assert abs(row.at_floor.mean() - row.floor.mean()) < 5 * spread, name
    assert report["Frechet"].floor.mean() > 1.5 * report["Frechet"].distance.value  # half the rows
    assert "cosine gap" not in report.rows


def test_strangers_score_chance_in_the_report():
    a, b, groups = worlds(0, n=200)
    report = distances.compare(a, b, groups, repeats=5)
    for name in ("R@1", "R@10", "MRR", "cosine gap", "mutual k-NN"):
        row = report[name]
        assert row.floor.mean() == pytest.approx(row.distance.chance, abs=0.06), name
        assert abs(row.distance.value - row.best) < abs(row.floor.mean() - row.best), name
    assert abs(report["CKA"].floor.mean()) < 0.1
    assert (report.n_patients, report.n_a, report.left_out) == (100, 200, 0)


def test_report_knows_no_unit():
    a, b, groups = worlds(0, n=120)
    once = distances.compare(a, b, groups, repeats=1)
    large = distances.compare(1000 * a, 1000 * b, groups, repeats=1)
    for name, row in once.rows.items():
        assert large[name].distance.value == pytest.approx(row.distance.value, abs=1e-6), name
        assert large[name].floor == pytest.approx(row.floor, abs=1e-6), name


def test_report_scores_the_rest_and_says_what_is_missing():
    a, b, groups = worlds(0)
    b[7] = np.nan
    report = distances.compare(a, b, groups, repeats=2)
    assert (report.n_a, report.left_out) == (59, 1)
    assert "1 left out" in report.table
    kept = np.arange(60) != 7
    direct = distances.cka(a[kept], b[kept], groups[kept])
    assert report["CKA"].distance.value == pytest.approx(direct.value)

    few = distances.compare(a[:9], b[9:18], repeats=2)
    assert "all: fewer than 30 patients" in few.table
    assert any("k=10" in reason for reason in few.missing)
    assert "not taken" in few.table
    other_space = distances.compare(a, np.nan_to_num(b)[:, :5], groups, repeats=1)
    assert set(other_space.rows) == {"R2 after ridge", "CKA", "mutual k-NN", "uniformity"}


def test_report_is_reproducible_and_plain():
    a, b, groups = worlds(0)
    plain = distances.compare(a, b, groups, repeats=2, seed=3).to_dict()
    assert plain == distances.compare(a, b, groups, repeats=2, seed=3).to_dict()
    assert plain != distances.compare(a, b, groups, repeats=2, seed=4).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["uniformity"]["best"] is None
    assert all(entry["floor"] is not None and entry["n_a"] == 60 for entry in plain.values())
    with pytest.raises(dsp.LengthError, match="single patient"):
        distances.compare(a, b, ["x"] * 60)
    with pytest.raises(dsp.LengthError, match="paired=False"):
        distances.compare(a, b[1:])
    with pytest.raises(dsp.LengthError, match="groups"):
        distances.compare(a, b, groups[1:])


def test_report_flags_a_collapsed_teacher():
    a, b, _ = worlds(0)
    report = distances.compare(np.ones_like(a), b, repeats=1)
    assert report.collapse_a.collapsed
    assert "COLLAPSED" in report.table
    assert not report.collapse_b.collapsed


@pytest.mark.data
@pytest.mark.slow
def test_halves_of_real_recordings_do_not_differ(data):
    """Embedded by how each lead's energy is spread over frequency."""
    entries = list(dsp.datasets.twelve_lead(data))[::3][:60]
    signals = [entry.ecg.resample(100).crop(0, 9.9).signal[:, :990] for entry in entries]
    power = abs(np.fft.rfft(np.nan_to_num(np.stack(signals)), axis=-1))[..., 5:245] ** 2
    z = np.log(power.reshape(len(power), 12, 8, -1).mean(-1) + 1e-3).reshape(len(power), -1)
    groups = [entry.group for entry in entries]
    first, second = splits.halves(
        embeddings.pairs(z, z, groups).patient_a, np.random.default_rng(0)
    )
    found = distances.kid(z[first], z[second])
    assert abs(found.value) < 3 * found.error
    assert distances.kid(z[first], z[second] + z.std()).value > 3 * found.error
    assert not distances.collapse(z).collapsed

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812

import dsp
from dsp.leads import EIGHT, TWELVE
from ecgsynth import pretrained
from ecgsynth.simulator import simulate
from recon.beatformer import Clear, HeartLang, Vocabulary, conduction, everyone, sentences
from recon.beatformer.masks import HIDDEN, PADDING, SEEN, SUMMARY
from recon.beatformer.words import first, some_leads, take

FS = 100
KINDS = [HeartLang, Clear]
ROUNDING = 1e-5  # of float32 sums in another order; embeddings are of size 1
kinds = pytest.mark.parametrize("kind", KINDS)


def model(kind, **options):
    torch.manual_seed(0)
    return kind(**options).eval()


@pytest.fixture(scope="module")
def cohort():
    return simulate(8, diagnosis="any", fs=FS, noise=20.0, seed=3)


@pytest.fixture(scope="module")
def words(cohort):
    return sentences(cohort.signal, FS, peaks=cohort.r_peaks)


def random_tokens(seed):
    """Summaries, words and padding of a random lead set and beat count, shuffled."""
    rng = np.random.default_rng(seed)
    leads = rng.choice(12, rng.integers(1, 13), replace=False) + 1
    n_beats = rng.integers(1, 20)
    rows = [(SUMMARY, lead, 0) for lead in leads]
    rows += [(rng.choice([SEEN, HIDDEN]), lead, 50 * b) for lead in leads for b in range(n_beats)]
    rows += [(PADDING, 0, 0)] * rng.integers(0, 4)
    kind, lead, event = torch.tensor(
        [list(map(int, rows[i])) for i in rng.permutation(len(rows))]
    ).T
    return kind[None], lead[None], event[None]


def allowed(query, key):
    """The rule in words, one pair at a time."""
    (what, lead, event), (its, its_lead, its_event) = query, key
    return {
        PADDING: False,
        SUMMARY: its == SEEN and its_lead == lead,
        SEEN: its == SEEN,
        HIDDEN: (its == SEEN and its_event == event and its_lead != lead)
        or (its == SUMMARY and its_lead == lead),
    }[what]


class TestMasks:
    @pytest.mark.parametrize("seed", range(100))
    def test_attention_outside_the_allowed_set_is_exactly_zero(self, seed):
        kind, lead, event = random_tokens(seed)
        mask = conduction(kind, lead, event)
        rows = list(zip(kind[0].tolist(), lead[0].tolist(), event[0].tolist(), strict=True))
        pairs = [
            [allowed(q, k) or (i == j and q[0] in (PADDING, SUMMARY)) for j, k in enumerate(rows)]
            for i, q in enumerate(rows)
        ]
        rule = torch.tensor(pairs)[None]
        assert torch.equal(mask, rule)
        # Values of one-hot vectors make attention return its own weights.
        torch.manual_seed(seed)
        n = len(rows)
        query, key = torch.randn(2, 1, 1, n, 8) * 5
        weights = F.scaled_dot_product_attention(
            query, key, torch.eye(n)[None, None], attn_mask=mask[:, None]
        )[0, 0]
        assert (weights[~rule[0]] == 0).all()
        assert torch.allclose(weights.sum(1), torch.ones(n), atol=ROUNDING)

    @given(st.integers(0, 10_000))
    def test_order_is_of_no_account(self, seed):
        kind, lead, event = random_tokens(seed)
        order = torch.randperm(kind.shape[1], generator=torch.Generator().manual_seed(seed))
        moved = conduction(kind[:, order], lead[:, order], event[:, order])
        assert torch.equal(moved, conduction(kind, lead, event)[:, order][:, :, order])

    def test_nobody_sees_padding(self):
        present = torch.tensor([[True, False, True]])
        assert everyone(present).tolist() == [[[True, False, True]]]


@kinds
class TestBeatformers:
    def test_permuting_words_permutes_outputs(self, kind, words):
        net = model(kind)
        order = torch.randperm(words["lead"].shape[1], generator=torch.Generator().manual_seed(1))
        moved = take(words, order.expand(len(words["lead"]), -1))
        out, out_moved = net.encode(words), net.encode(moved)
        if kind is Clear:
            assert torch.allclose(out_moved[0], out[0], atol=ROUNDING)
            out, out_moved = out[1], out_moved[1]
        assert torch.allclose(out_moved, out[:, order], atol=ROUNDING)
        assert torch.allclose(net.embed(moved), net.embed(words), atol=ROUNDING)

    def test_permuting_leads_of_the_input_changes_nothing(self, kind, cohort):
        net, order = model(kind), np.random.default_rng(0).permutation(12)
        names = [TWELVE[i] for i in order]
        a = net.embed(net.read(cohort.signal, FS, peaks=cohort.r_peaks))
        b = net.embed(net.read(cohort.signal[:, order], FS, leads=names, peaks=cohort.r_peaks))
        assert torch.allclose(a, b, atol=ROUNDING)

    def test_alone_as_in_a_batch(self, kind, cohort):
        net = model(kind)
        together = net.embed(net.read(cohort.signal, FS, peaks=cohort.r_peaks))
        for k in range(3):
            alone = net.embed(net.read(cohort.signal[k], FS, peaks=[cohort.r_peaks[k]]))
            assert torch.allclose(alone[0], together[k], atol=ROUNDING)

    def test_the_same_twice(self, kind, words):
        net = model(kind)
        assert torch.equal(net.embed(words), net.embed(words))

    def test_padding_is_of_no_account(self, kind, words):
        net = model(kind)
        junk = torch.where(words["present"][..., None], words["samples"], 1e3)
        assert torch.equal(net.embed({**words, "samples": junk}), net.embed(words))

    @pytest.mark.parametrize("leads", [("I",), ("V6", "aVR"), EIGHT, TWELVE], ids=" ".join)
    @pytest.mark.parametrize("mode", ["lossless", "heartlang"])
    def test_any_leads_in_any_words(self, kind, leads, mode, cohort):
        net = model(kind, mode=mode)
        rows = [TWELVE.index(lead) for lead in leads]
        read = net.read(cohort.signal[:2, rows], FS, leads=leads, peaks=cohort.r_peaks[:2])
        assert set(read["lead"][read["present"]].tolist()) == {row + 1 for row in rows}
        z = net.embed(read)
        assert z.shape == (2, 64)
        assert torch.isfinite(z).all()
        assert not torch.allclose(z[0], z[1], atol=1e-3)

    def test_without_any_word_the_embedding_is_zero(self, kind, words):
        none = {**words, "present": torch.zeros_like(words["present"])}
        assert torch.equal(model(kind).embed(none), torch.zeros(8, 64))

    def test_every_parameter_learns(self, kind, words):
        net = kind().train()
        loss = net.loss(words)["loss"]
        loss.backward()
        for name, parameter in net.named_parameters():
            if parameter.requires_grad:
                assert parameter.grad is not None, name
                assert torch.isfinite(parameter.grad).all(), name

    def test_saved_and_loaded(self, kind, words, tmp_path):
        net = model(kind, depth=1)
        pretrained.save(net, tmp_path, half=False)
        again = pretrained.load(kind, tmp_path)
        assert torch.equal(again.embed(words), net.embed(words))

    def test_refuses_what_is_no_signal(self, kind):
        with pytest.raises(dsp.LeadError, match="aVX"):
            model(kind).read(np.zeros((1, 700)), FS, leads=("aVX",))


class TestNothingLeaks:
    def hidden(self, words):
        present = words["present"]
        chance = torch.rand(present.shape, generator=torch.Generator().manual_seed(0))
        return present & (chance < 0.5)

    def test_heartlang_visible_and_hidden_words(self, words):
        net, hidden = model(HeartLang), self.hidden(words)
        samples = words["samples"].clone().requires_grad_()
        out = net.encode({**words, "samples": samples}, hidden)
        (slope,) = torch.autograd.grad(out.square().sum(), samples)
        assert (slope[hidden] == 0).all()
        assert (slope[words["present"] & ~hidden].abs().amax(-1) > 0).all()

    def test_stem_mixes_no_words(self, words):
        net = model(HeartLang)
        samples = words["samples"].clone().requires_grad_()
        out = net.content({**words, "samples": samples})
        (slope,) = torch.autograd.grad(out[:, 5].square().sum(), samples)
        others = torch.arange(slope.shape[1]) != 5
        assert (slope[:, others] == 0).all()
        assert (slope[:, 5] != 0).any()

    def test_clear_redraws_from_visible_words_only(self, words):
        net, hidden = model(Clear), self.hidden(words)
        samples = words["samples"].clone().requires_grad_()
        out = net.redraw({**words, "samples": samples}, hidden)
        (slope,) = torch.autograd.grad(out.square().sum(), samples)
        assert (slope[hidden] == 0).all()
        assert (slope[~words["present"]] == 0).all()
        assert (slope != 0).any()

    def test_clear_visible_words_and_summaries(self, words):
        net, hidden = model(Clear), self.hidden(words)
        samples = words["samples"].clone().requires_grad_()
        seen = first({**words, "samples": samples}, words["present"] & ~hidden)
        summaries, out = net.encode(seen)
        (slope,) = torch.autograd.grad(out.square().sum() + summaries.square().sum(), samples)
        assert (slope[hidden] == 0).all()

    def test_a_summary_of_one_block_knows_its_lead_only(self, words):
        net = model(Clear, depth=1)
        samples = words["samples"].clone().requires_grad_()
        summaries = net.summaries({**words, "samples": samples})
        (slope,) = torch.autograd.grad(summaries[:, 4].square().sum(), samples)
        of_lead = words["lead"] == 5
        assert (slope[~of_lead] == 0).all()
        assert (slope[of_lead & words["present"]].abs().amax(-1) > 0).all()


class TestWords:
    def test_some_leads_keeps_whole_leads(self, words):
        torch.manual_seed(0)
        for _ in range(20):
            kept = some_leads(words)["present"]
            for row, lead, present in zip(kept, words["lead"], words["present"], strict=True):
                for number in range(1, 13):
                    part = row[(lead == number) & present]
                    assert part.all() or not part.any()
                assert row.any()

    def test_first_puts_chosen_words_first_and_in_order(self, words):
        chosen = words["present"] & (words["lead"] % 2 == 0)
        part = first(words, chosen)
        for k in range(len(chosen)):
            expected = words["samples"][k][chosen[k]]
            assert torch.equal(part["samples"][k][part["present"][k]], expected)

    def test_beats_may_be_given_at_the_rate_of_the_signal(self, cohort):
        x = dsp.resample(cohort.signal[0], FS, 500)
        a = sentences(x, 500, peaks=[cohort.r_peaks[0] * 5])
        b = sentences(cohort.signal[0], FS, peaks=[cohort.r_peaks[0]])
        assert torch.equal(a["event"], b["event"])


class TestVocabulary:
    @pytest.fixture(scope="class")
    def trained(self):
        from recon.beatformer.pretraining import Corpus, batches
        from recon.training import Schedule, fit

        cohort = simulate(60, diagnosis="any", fs=FS, noise=20.0, seed=5)
        eight = cohort.signal[:, [TWELVE.index(lead) for lead in EIGHT]]
        feed = batches([Corpus(eight, cohort.r_peaks)], 4, mode="lossless", seed=0)
        torch.manual_seed(0)
        untrained = Vocabulary(192, codes=32)
        start = untrained.eval().loss(feed(999))["redrawn"].item()
        net = fit(untrained, feed, Schedule(100, rate=3e-3, ema=0.9), device="cpu", progress=False)
        return net, [feed(step) for step in range(1000, 1010)], start

    def test_words_are_redrawn_and_the_vocabulary_is_used(self, trained):
        net, held, start = trained
        usage = net.usage(held)
        assert net.loss(held[0])["redrawn"] < 0.5 * start
        assert usage.perplexity >= 0.3 * 32
        assert usage.counts.sum() == sum(int(batch["present"].sum()) for batch in held)

    def test_a_code_depends_on_the_word_alone(self, trained):
        net, held, _ = trained
        samples = held[0]["samples"]
        assert torch.equal(net.codes(samples)[0, 3], net.codes(samples[0, 3]))

    def test_evaluation_changes_nothing(self, trained):
        net, held, _ = trained
        before = {name: value.clone() for name, value in net.state_dict().items()}
        net.loss(held[0])
        for name, value in net.state_dict().items():
            assert torch.equal(value, before[name])

    def test_dead_codes_come_back(self, trained):
        net, held, _ = trained
        net = pretrained_copy(net)
        net.share[:16] = 0
        net.book[:16] = torch.eye(32)[0]  # as good as nowhere
        net.train().loss(held[0])
        assert net.eval().usage(held).used > 20

    def test_perplexity_of_known_counts(self):
        from recon.beatformer import Usage

        assert Usage.of(torch.tensor([5, 5, 5, 5])).perplexity == pytest.approx(4)
        assert Usage.of(torch.tensor([9, 0, 0]))[1:] == (1, 1.0)


def pretrained_copy(net):
    copy = Vocabulary(**net.config)
    copy.load_state_dict(net.state_dict())
    return copy


class TestPretraining:
    def test_the_command_writes_a_model_that_loads(self, tmp_path):
        from typer.testing import CliRunner

        from recon.cli import app

        options = ["--out", tmp_path, "--simulated", 12, "--steps", 2, "--device", "cpu", "--json"]
        said = CliRunner().invoke(app, ["train", "beatformer", "clear", *map(str, options)])
        assert said.exit_code == 0, said.output
        assert pretrained.load(Clear, tmp_path).config["width"] == 64

    def test_a_wrong_kind_is_named(self):
        from recon.beatformer.pretraining import pretrain

        with pytest.raises(dsp.SignalError, match="heartlang, clear"):
            pretrain("bert", [])

    def test_batches_depend_on_seed_and_step_only(self, cohort):
        from recon.beatformer.pretraining import Corpus, batches

        rows = [TWELVE.index(lead) for lead in EIGHT]
        corpus = Corpus(cohort.signal[:, rows], cohort.r_peaks)
        one, same = (batches([corpus], 4, mode="lossless", seed=3) for _ in range(2))
        assert torch.equal(one(5)["samples"], same(5)["samples"])
        assert not torch.equal(one(6)["time"], one(5)["time"])

    def test_nothing_to_learn_from_is_an_error(self):
        from recon.beatformer.pretraining import Corpus, batches

        with pytest.raises(dsp.LengthError, match="no recordings"):
            batches([Corpus(np.zeros((0, 8, 1000), np.float32), [])], 4, mode="lossless", seed=0)


class TestHeads:
    def test_without_non_linearity_hug_is_linear_in_group_means(self):
        from recon.beatformer import Hug
        from recon.beatformer.hug import group_means

        torch.manual_seed(0)
        head, given = Hug(8, 3, linear=True), torch.ones(40, 12, dtype=torch.bool)
        x = torch.randn(40, 12, 8)
        means = torch.cat([group_means(x, given).flatten(1), torch.ones(40, 1)], 1)
        answers = head(x, given)
        fitted = means @ torch.linalg.lstsq(means, answers).solution
        assert torch.allclose(fitted, answers, atol=ROUNDING)
        bent = Hug(8, 3)(x, given)
        assert not torch.allclose(means @ torch.linalg.lstsq(means, bent).solution, bent, atol=1e-3)

    def test_absent_leads_are_of_no_account(self):
        from recon.beatformer import Hug, Pool

        given = torch.arange(12).expand(5, 12) < 4
        x = torch.randn(5, 12, 8)
        junk = torch.where(given[..., None], x, 1e3)
        for head in (Hug(8, 3), Pool(8, 3)):
            assert torch.equal(head(junk, given), head(x, given))

    def test_equal_size_is_nearly_equal(self):
        from recon.beatformer import Hug, Pool

        hug = Hug(64, 9)
        pool = Pool.as_large_as(hug, 64, 9)
        sizes = [sum(p.numel() for p in head.parameters()) for head in (hug, pool)]
        assert abs(sizes[0] - sizes[1]) < 64 + 9 + 1  # within half a hidden unit, and its bias


def test_a_new_heartlang_takes_a_single_hidden_word():
    """The vocabulary names words one by one, before any call of `train` or `eval`."""
    model = HeartLang(codes=16)
    assert not model.vocabulary.training
    word = torch.randn(1, model.vocabulary.config["points"])
    alone = model.vocabulary.codes(word)
    together = model.vocabulary.codes(torch.cat([word, torch.randn_like(word)]))
    assert alone[0] == together[0]

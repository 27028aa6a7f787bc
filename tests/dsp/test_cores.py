"""Pieces of work, a thread a core: same results in the same order, and the threads of torch and BLAS as they were."""

import threading

import pytest
import torch
from threadpoolctl import threadpool_info

from dsp import cores


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def of_a_new_thread():
    found = []
    late = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    late.start()
    late.join()
    return found[0]


def test_order_and_number_of_threads(threads):
    meet = threading.Barrier(threads, timeout=10)

    def task(k):
        if k < threads:  # all threads at work at once, or this breaks
            meet.wait()
        return k, torch.get_num_threads()

    found = cores.each(task, range(7))
    assert [k for k, _ in found] == list(range(7))
    assert {own for _, own in found} == {1}
    assert torch.get_num_threads() == of_a_new_thread() == threads


def test_blas_has_one_thread_within_and_its_own_after():
    def blas(_=None):
        return [own["num_threads"] for own in threadpool_info() if own["user_api"] == "blas"]

    before, torchs = blas(), torch.get_num_threads()
    assert before
    torch.set_num_threads(2)
    try:
        assert cores.each(blas, range(3)) == [[1] * len(before)] * 3
    finally:
        torch.set_num_threads(torchs)
    assert blas() == before


def test_nothing_and_errors(threads):
    assert cores.each(str, []) == []

    def refuse(k):
        raise ValueError(k)

    with pytest.raises(ValueError, match=r"^0$"):
        cores.each(refuse, range(4))
    assert torch.get_num_threads() == of_a_new_thread() == threads


def test_without_torch_the_cores_of_the_process(monkeypatch):
    monkeypatch.delitem(cores.sys.modules, "torch")
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {0, 1, 2})
    assert cores.count() == 3
    assert cores.each(lambda k: -k, range(5)) == [0, -1, -2, -3, -4]

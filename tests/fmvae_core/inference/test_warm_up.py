"""The model warms up before the final answer of a turn; nobody hears of that."""

from __future__ import annotations

import time

from fmvae_core.inference.messages import WorkerProblem
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.phrase import Phrase
from tests.fmvae_core.inference.processes import WorkerProcess

WITHIN = 0.3


def test_each_request_is_answered_once_though_the_model_warms_up(bundle: Bundle) -> None:
    phrase = Phrase((), bundle.bars, 120.0)
    with WorkerProcess(bundle.path) as worker:
        worker.wait_until_open()
        for number, is_final in ((1, False), (2, False), (3, True)):
            worker.connection.send(
                AnswerRequest(
                    number=number, phrase=phrase, is_final=is_final, seed=0, within=WITHIN
                )
            )
            worker.mail.wait_for(Answer, lambda answer, n=number: answer.number == n)
        time.sleep(2 * WITHIN)
        worker.connection.send(
            AnswerRequest(number=4, phrase=phrase, is_final=False, seed=0, within=WITHIN)
        )
        time.sleep(2 * WITHIN)  # it has warmed up by now
        worker.connection.send(AnswerRequest(number=5, phrase=phrase, is_final=True, seed=0))
        worker.mail.wait_for(Answer, lambda answer: answer.number == 5)
        assert [answer.number for answer in worker.mail.all(Answer)] == [1, 2, 3, 4, 5]
        assert not worker.mail.all(WorkerProblem)

"""The checker finds what it is there to find: each mutant of a true history is caught, and the true one is not accused."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.checker import Attempt, Came, Change, Closing, Reader, Sender, check

BOT, ANN, BEN = "ag_bot", "hu_ann", "hu_ben"


def message(seq: int, prev_seq: int, author_id: str = BOT, **fields: Any) -> Any:
    said = {
        "id": f"msg_{seq}", "seq": seq, "prev_seq": prev_seq, "author_id": author_id, "content": f"said {seq}",
        "client_id": f"c{seq}", "lamport": seq, "created_at": f"2026-11-21T06:00:{seq:02}.000Z",
    }  # fmt: skip
    return {"type": "new_message", "message": said | fields}


def edited(seq: int, of: int, content: str) -> Any:
    return {"type": "message_updated", "seq": seq, "message": message(of, 0, content=content)["message"]}


@dataclass
class History:
    log: Reader
    senders: list[Sender]
    reader: Reader

    def broken(self) -> list[str]:
        return check(self.log, self.senders, [self.reader])


def history() -> History:
    """Five messages: 3 answers 1, 5 is edited at 8, 6 asks, 7 closes it, and the reader was cut off after 5."""
    closes = {"question_id": "msg_6", "outcome": "answered", "value": "yes", "by_id": ANN}
    first = [message(1, 0), message(3, 1, parent_id="msg_1"), message(5, 3)]
    rest = [message(6, 5), message(7, 6, ANN, parent_id="msg_6", closes=closes, content="yes")]
    live = [Came(0), *first, Came(5), *rest, edited(8, 5, "better")]
    replayed = deepcopy([Came(0), *first, *rest, edited(8, 5, "better")])
    replayed[3]["message"]["content"] = "better"
    attempts = [
        Attempt("c1", "said 1", None, acks=[("msg_1", 1)]),
        Attempt("c3", "said 3", "msg_1", acks=[("msg_3", 3), ("msg_3", 3)]),
        Attempt("c5", "said 5", None, acks=[("msg_5", 5)]),
        Attempt("c6", "said 6", None, question=True, acks=[("msg_6", 6)]),
    ]
    return History(
        Reader("the log", seen=replayed),
        [
            Sender(BOT, attempts, [Change("msg_5", "better", confirmed=True)]),
            Sender(ANN, closings=[Closing("msg_6", "c7", won=["msg_7"])]),
            Sender(BEN, closings=[Closing("msg_6", "c8", lost_to=[ANN])]),
        ],
        Reader("reader", seen=live),
    )


def swap(seen: list[Any], one: int, other: int) -> None:
    seen[one], seen[other] = seen[other], seen[one]


def said(frame: Any, **fields: Any) -> None:
    frame["message"].update(fields)


def everywhere(of: History, seq: int, **fields: Any) -> None:
    for reader in (of.log, of.reader):
        for frame in reader.messages():
            if frame["seq"] == seq:
                frame.update(fields)


def not_in_the_log(of: History, *, nor_seen: bool) -> None:
    for reader in (of.log, of.reader) if nor_seen else (of.log,):
        reader.seen = [f for f in reader.seen if isinstance(f, Came) or f["message"]["id"] != "msg_3"]


def twice_in_the_log(of: History) -> None:
    for reader in (of.log, of.reader):
        reader.seen.append(message(9, 8, client_id="c3", parent_id="msg_1"))


def forgotten(of: History) -> None:
    said(of.log.seen[3], content="said 5")
    del of.log.seen[6]


def closed_twice(of: History) -> None:
    closes = {"question_id": "msg_6", "outcome": "answered", "value": "no", "by_id": BEN}
    for reader in (of.log, of.reader):
        reader.seen.append(message(9, 8, BEN, parent_id="msg_6", closes=closes, content="no"))


MUTANTS: dict[str, tuple[str, Callable[[History], object]]] = {
    "acknowledged, lost for all": ("and is lost", lambda of: not_in_the_log(of, nor_seen=True)),
    "shown, and not in the log": ("is not in the log", lambda of: not_in_the_log(of, nor_seen=False)),
    "told under another id": ("but was told as", lambda of: of.senders[0].attempts[0].acks.append(("msg_2", 2))),
    "a client_id twice in the log": ("there twice", twice_in_the_log),
    "altered for all": ("which nobody said", lambda of: everywhere(of, 3, content="forged")),
    "altered for one reader": ("which nobody said", lambda of: said(of.reader.seen[2], content="forged")),
    "another author for one reader": ("author_id of", lambda of: said(of.reader.seen[2], author_id=BEN)),
    "dropped for one reader": ("a gap", lambda of: of.reader.seen.pop(2)),
    "the last one dropped for one reader": ("missed", lambda of: of.reader.seen.__delitem__(slice(6, None))),
    "doubled for one reader": ("again, or late", lambda of: of.reader.seen.insert(2, of.reader.seen[1])),
    "doubled across a cut": ("again, or late", lambda of: of.reader.seen.insert(5, of.reader.seen[3])),
    "swapped for one reader": ("again, or late", lambda of: swap(of.reader.seen, 1, 3)),
    "swapped in the replay": ("out of order", lambda of: swap(of.log.seen, 1, 3)),
    "skipped across a cut": ("past what it had seen", lambda of: of.reader.seen.__setitem__(4, Came(6))),
    "the edit was forgotten": ("should be one of", forgotten),
    "the edit was applied twice": ("applied twice", lambda of: of.reader.seen.append(edited(9, 5, "better"))),
    "before what it answers": ("comes before", lambda of: everywhere(of, 3, parent_id="msg_5")),
    "answers nothing": ("which is not in the log", lambda of: everywhere(of, 3, parent_id="msg_99")),
    "answers something else": ("was sent to answer", lambda of: everywhere(of, 3, parent_id=None)),
    "the clock stands still": ("is not above", lambda of: everywhere(of, 3, lamport=1)),
    "time goes back": ("earlier than", lambda of: everywhere(of, 3, created_at="2026-11-21T05:00:00.000Z")),
    "a sender's order": ("overtook", lambda of: swap(of.senders[0].attempts, 0, 2)),
    "closed twice": ("closed twice", closed_twice),
    "two winners": ("was told to have closed", lambda of: of.senders[2].closings.append(Closing("msg_6", "c9", ["msg_9"]))),
    "the loser was told another": ("was told that", lambda of: of.senders[2].closings[0].lost_to.append(BEN)),
    "a win without a closing": ("no closing", lambda of: of.senders[1].closings.append(Closing("msg_1", "c9", ["msg_9"]))),
}


def test_a_true_history_is_not_accused() -> None:
    assert history().broken() == []


@pytest.mark.parametrize(("words", "mutate"), MUTANTS.values(), ids=list(MUTANTS))
def test_a_mutant_is_caught(words: str, mutate: Callable[[History], object]) -> None:
    mutant = history()
    mutate(mutant)
    assert [fault for fault in mutant.broken() if words in fault], mutant.broken()

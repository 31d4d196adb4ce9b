"""The made-up institution beside a receiver: thirty days, restarts, silence, stopping."""

import json
import threading
import time
from datetime import UTC, date, datetime
from hashlib import sha256

import httpx2
import pytest

from crohub.sandbox.hospital import NoAnswer
from crohub.sandbox.institution import Institution
from crohub.sandbox.plants.trials import TRIALS
from crohub.sandbox.sink import Sink
from crohub.sandbox.studies import STUDIES

pytest.importorskip("asyncssh", reason="the extra `sandbox` is not installed")


class CarefulReceiver:
    """Answers as the rules say, knowing nothing of what the hospital expects."""

    def __init__(self):
        self.seen = {}

    def __call__(self, body):
        head = body.split(b"\r", 1)[0].split(b"|")
        if not head[9]:
            return "AR"
        try:
            body.decode()
        except UnicodeDecodeError:
            return "AE"
        digest = sha256(body).digest()
        known = self.seen.setdefault((head[2], head[9]), digest)
        return "AA" if known == digest else "AE"


@pytest.fixture
def receiver():
    sink = Sink(lambda: datetime(2026, 3, 2, tzinfo=UTC), CarefulReceiver())
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def institution(tmp_path, receiver):
    made = []

    def make(seed=7, port=None, folder="institution", **settings):
        address = ("127.0.0.1", port or receiver.port)
        made.append(Institution(seed, address, tmp_path / folder, **settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_thirty_days_are_sent_and_answered_as_they_should_be(institution, receiver):
    whole = institution()
    whole.start()
    began = time.monotonic()

    counts = whole.play(30)

    assert time.monotonic() - began < 25
    assert whole.hospital.surprises() == []
    assert {sent.answer for sent in whole.hospital.sheet} == {"AA", "AE", "AR"}
    assert counts["messages"] == len(receiver.received) == len(whole.hospital.sheet) > 2700
    assert counts["resources"] > 1200
    assert counts["deleted"] > 0
    rosters = sorted(p.name for p in (whole.folder / "sftp" / "rosters").iterdir())
    assert len(rosters) == counts["rosters"] == 30
    assert (rosters[0], rosters[-1]) == ("roster_20260302.csv", "roster_20260331.csv")


def test_starting_takes_less_than_two_seconds_of_work(institution):
    one = institution()
    began = time.process_time()

    one.start()

    assert time.process_time() - began < 2
    answer = httpx2.get(f"{one.endpoints.fhir_url}/ResearchStudy")
    assert len(answer.json()["entry"]) == len(STUDIES) + len(TRIALS)


def test_the_endpoints_say_all_a_hub_has_to_know(institution):
    one = institution(fhir_token="sesame")
    one.start()

    ends = one.endpoints

    assert ends.fhir_url.startswith("http://127.0.0.1:")
    assert ends.fhir_token == "sesame"
    assert ends.sftp_password_file.stat().st_mode & 0o077 == 0
    assert ends.sftp_host_key.startswith("ssh-ed25519 ")
    assert (ends.sftp_user, ends.sftp_folder) == ("roster", "/rosters")
    assert len({ends.sftp_port, ends.sink_port, 0}) == 3


def test_a_restart_goes_on_with_the_next_day_and_the_same_register(institution, receiver):
    first = institution()
    first.start()
    first.play(2)
    first.stop()
    until_then = len(receiver.received)
    unbroken = institution(folder="unbroken")
    unbroken.start()
    unbroken.play(3)

    second = institution()
    second.start()
    assert second.days_played == 2
    assert second.store.counts() == first.store.counts()
    second.play_day()

    assert second.store.history("Appointment") == unbroken.store.history("Appointment")
    third_day = [sent.control_id for sent in second.hospital.sheet]
    assert set(third_day) <= {sent.control_id for sent in unbroken.hospital.sheet}
    sent = [received.control_id for received in receiver.received[:until_then]]
    assert {number[:8] for number in sent if number.startswith("CM")} == {"CM260302", "CM260303"}
    planted = [number for number in sent if number.startswith("PL")]  # with numbers of their own
    assert len(planted) == len(set(planted)) > 0


def test_a_folder_of_another_world_is_refused(institution, tmp_path):
    (tmp_path / "institution").mkdir()
    diary = {"seed": 99, "first_day": "2026-03-02", "days": 3}
    (tmp_path / "institution" / "played.json").write_text(json.dumps(diary))

    with pytest.raises(ValueError, match="holds the days of another world"):
        institution(seed=7).start()


def test_a_day_that_met_silence_is_played_to_its_end_when_the_hub_is_back(institution):
    deaf = Sink(lambda: datetime(2026, 3, 2, tzinfo=UTC))
    deaf.start()
    port = deaf.port
    deaf.stop()
    one = institution(port=port, patience=0.05)
    one.start()

    with pytest.raises(NoAnswer, match=f"127.0.0.1:{port}"):
        one.play_day()

    assert one.days_played == 0
    written = one.store.counts()
    back = Sink(lambda: datetime(2026, 3, 2, tzinfo=UTC), CarefulReceiver())
    back.start()
    one.hospital.address = ("127.0.0.1", back.port)
    counts = one.play_day()
    back.stop()
    assert (one.days_played, counts["rosters"]) == (1, 1)
    assert counts["messages"] == len(back.received) > 100
    assert one.store.counts() == written


def test_a_paced_day_can_be_stopped_in_the_middle(institution):
    lines, told = [], threading.Event()

    def tell(line):
        lines.append(line)
        if len(lines) > 2:
            told.set()

    one = institution(pace=4, tell=tell)
    one.start()
    player = threading.Thread(target=one.play)
    player.start()
    told.wait(20)

    one.stop()
    player.join(10)

    assert not player.is_alive()
    assert one.days_played == 0
    assert lines[0].startswith("Monday 02 March 2026: ")
    assert not (one.folder / "played.json").exists()


def test_what_the_hub_pushes_gets_the_institutions_own_time(institution):
    one = institution()
    one.start()
    one.play(2)
    flag = {"resourceType": "Patient", "id": "from-the-hub"}

    answer = httpx2.put(f"{one.endpoints.fhir_url}/Patient/from-the-hub", json=flag)

    written = datetime.fromisoformat(answer.json()["meta"]["lastUpdated"])
    assert written == one.now() == datetime.fromisoformat("2026-03-04T00:00:00-07:00")
    assert [pushed.id for pushed in one.fhir.pushed] == ["from-the-hub"]


def test_another_first_day_moves_the_whole_calendar(institution, receiver):
    one = institution(first_day=date(2026, 9, 7), patients=50 + 129)
    one.start()

    one.play_day()

    times = {r.body.split(b"|")[6][:8] for r in receiver.received}
    assert times == {b"20260907"}

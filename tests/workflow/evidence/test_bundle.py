"""E10: what is taken away proves itself, offline, and tells in plain words when it does not."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from audit import keys
from audit.anchored import line
from audit.models import Entry, PersonalValue, Seal
from tests.audit.rows import entry, forge, remove
from tests.audit.sealing import erase, overwrite
from tests.workflow.evidence.conftest import Bundle, Live, check
from workflow.engine import clock
from workflow.evidence.redact import redact
from workflow.examples.declarations.models import Declaration
from workflow.models import Record, Signature, TransitionEnvelope

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sealed(record: Record, seal: Any) -> None:
    seal()


def kinds(path: Path, *arguments: str) -> list[tuple[str, int | None]]:
    return [
        (fault["kind"], fault["sequence"]) for fault in check(path, "--json", *arguments).faults
    ]


def spoilt(path: Path, name: str, change: Any) -> Path:
    """Return a copy of the bundle with one file changed and the manifest as it was."""
    copy = path.with_name(f"spoilt-{path.name}")
    with zipfile.ZipFile(path) as packed, zipfile.ZipFile(copy, "w") as out:
        for each in packed.namelist():
            data = packed.read(each)
            out.writestr(each, change(data) if each == name else data)
    return copy


class TestSound:
    def test_it_checks_itself_in_another_place(
        self, record: Record, bundle: Bundle, key: keys.Key
    ) -> None:
        done = check(bundle(record), "--key", key.public)
        assert (done.code, done.complained) == (0, "")
        assert done.said.splitlines()[:2] == [
            f"Read: records 1, entries {Entry.objects.count()}, seals 1.",
            "Key: the one you gave.",
        ]
        assert "SOUND. Every entry is as it was written" in done.said

    def test_without_a_key_it_says_whom_it_believes(
        self, record: Record, bundle: Bundle, key: keys.Key
    ) -> None:
        done = check(bundle(record))
        assert done.code == 0
        assert "Compare it with the one you know" in done.said
        assert key.public in done.said

    def test_the_same_content_gives_the_same_bytes(self, record: Record, bundle: Bundle) -> None:
        assert bundle(record).read_bytes() == bundle(record).read_bytes()

    def test_a_selection(self, record: Record, live: Live, bundle: Bundle, seal: Any) -> None:
        others = [live(), live()]
        seal()
        live()
        seal()
        done = check(bundle(record, *others))
        assert done.code == 0
        assert done.said.startswith("Read: records 3, ")

    def test_what_came_after_the_last_seal_is_said_to_be_open(
        self, record: Record, bundle: Bundle, live: Live
    ) -> None:
        done = check(bundle(live()))
        assert done.code == 0
        assert "came after the last seal" in done.said

    def test_unpacked_it_checks_the_folder_it_lies_in(
        self, record: Record, bundle: Bundle, tmp_path: Path
    ) -> None:
        folder = tmp_path / "unpacked"
        with zipfile.ZipFile(bundle(record)) as packed:
            packed.extractall(folder)
        import subprocess
        import sys

        done = subprocess.run(
            [sys.executable, "-I", "-S", "verify.py"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def test_the_report_tells_who_what_when_why(self, record: Record, bundle: Bundle) -> None:
        with zipfile.ZipFile(bundle(record)) as packed:
            page = packed.read("report.html").decode()
        for told in ("Ann Lee", "Sign off: fired", "It begins.", "Too early.", "I have read it."):
            assert told in page
        assert "amount is positive: held" in page
        assert record.reference in page
        assert not re.search(r"(src|href)=|https?://|<script", page)

    def test_what_people_wrote_is_text_in_the_report(
        self, live: Live, bundle: Bundle, ask: Any, make: Any
    ) -> None:
        record = make(purpose="<b>&")
        ask(record, "open", reason="<script>alert(1)</script>")
        with zipfile.ZipFile(bundle(record)) as packed:
            page = packed.read("report.html").decode()
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        assert "&lt;b&gt;&amp;" in page


class TestNotSound:
    def test_an_edit_is_explained(self, record: Record, bundle: Bundle) -> None:
        forge(entry(record.pk, 3), reason="Another.")
        done = check(bundle(record))
        assert done.code == 1
        assert f"record {record.reference}, entry 3: EDITED" in done.said
        assert "Somebody changed what was written" in done.said
        assert "NOT SOUND: 1 problem." in done.said

    def test_a_record_that_is_gone(self, record: Record, bundle: Bundle) -> None:
        for row in Entry.objects.filter(chain=record.pk):
            remove(row)
        assert kinds(bundle(record)) == [("cut off", 1)]

    def test_a_status_that_no_entry_made(self, record: Record, bundle: Bundle) -> None:
        overwrite(record, status="done")
        assert ("unexplained", entry_of_last_move(record)) in kinds(bundle(record))

    def test_fields_that_no_transition_left(self, record: Record, bundle: Bundle) -> None:
        row = Declaration.history.filter(record_id=record.pk).order_by("history_id")[1]
        overwrite(row, amount="99.00")
        place = Entry.objects.get(transition_id=row.transition_id, action="fired").sequence
        assert kinds(bundle(record)) == [("edited", place)]

    def test_fields_that_are_gone(self, record: Record, bundle: Bundle) -> None:
        row = Declaration.history.filter(record_id=record.pk).order_by("history_id")[2]
        place = Entry.objects.get(transition_id=row.transition_id, action="fired").sequence
        erase(row)
        assert kinds(bundle(record)) == [("missing", place)]

    def test_a_signed_request_that_was_changed(self, record: Record, bundle: Bundle) -> None:
        envelope = TransitionEnvelope.objects.get(transition="sign_off")
        overwrite(envelope, payload={"note": "other"})
        done = check(bundle(record))
        assert "SIGNATURE VOID" in done.said
        assert "{'note': 'other'}, but {'note': 'read'} was signed" in done.said

    def test_a_signature_that_was_changed(self, record: Record, bundle: Bundle) -> None:
        overwrite(Signature.objects.get(), printed_name="Eve")
        assert kinds(bundle(record)) == [("signature void", None)]

    @pytest.mark.parametrize(
        "name", ["entries.jsonl", "seals.jsonl", "records.jsonl", "report.html", "keys.jsonl"]
    )
    def test_a_file_that_was_changed(self, record: Record, bundle: Bundle, name: str) -> None:
        path = spoilt(bundle(record), name, lambda data: data.replace(b"a", b"b", 1))
        done = check(path, "--json")
        if done.code == 2:  # it is not even JSON any more
            assert name == "keys.jsonl" or "cannot be read" in done.complained
        else:
            assert "bundle damaged" in {fault["kind"] for fault in done.faults}

    def test_another_key_than_the_one_given(
        self, record: Record, bundle: Bundle, tmp_path: Path
    ) -> None:
        other = keys.make(tmp_path / "other.pem")
        assert kinds(bundle(record), "--key", other.public) == [("seal broken", None)]

    def test_no_bundle_at_all(self, record: Record, bundle: Bundle, tmp_path: Path) -> None:
        path = bundle(record)
        path.write_bytes(path.read_bytes()[:-200])
        folder = path.with_suffix("")
        folder.mkdir()
        import subprocess
        import sys

        import audit.bundle.verify as program

        done = subprocess.run(
            [sys.executable, "-I", program.__file__, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "The bundle cannot be read" in done.stderr
        assert "Traceback" not in done.stderr

    def test_anchored_seals_that_the_bundle_lacks(
        self, record: Record, bundle: Bundle, live: Live, seal: Any, tmp_path: Path
    ) -> None:
        live()
        seal()
        anchors = tmp_path / "anchors.jsonl"
        anchors.write_text("".join(f"{line(each)}\n" for each in Seal.objects.all()))
        assert kinds(bundle(record), "--anchors", str(anchors)) == []
        newest = Seal.objects.order_by("-number").first()
        assert newest is not None
        from audit.models import SealedHead

        for head in SealedHead.objects.filter(seal=newest):
            erase(head)
        erase(newest)
        done = check(bundle(record), "--anchors", str(anchors))
        assert done.code == 1
        assert "seal 2: SEAL BROKEN" in done.said


def entry_of_last_move(record: Record) -> int:
    last = Entry.objects.filter(chain=record.pk, action="fired").order_by("-sequence").first()
    assert last is not None
    return last.sequence


@pytest.fixture
def auditor(db: None) -> User:
    user = User.objects.create_user("auditor", first_name="Odo", last_name="Itor")
    user.user_permissions.add(Permission.objects.get(codename="redact_entry"))
    return user


class TestPersonal:
    @pytest.fixture
    def concealed(self, settings: Any, live: Live, seal: Any) -> Record:
        settings.AUDIT = {**settings.AUDIT, "PERSONAL": ["reason"]}
        record = live()
        seal()
        return record

    def place(self, record: Record) -> int:
        return Entry.objects.get(chain=record.pk, action="requested", sequence=3).sequence

    def test_values_go_with_the_bundle_and_are_checked(
        self, concealed: Record, bundle: Bundle
    ) -> None:
        path = bundle(concealed)
        assert check(path).code == 0
        with zipfile.ZipFile(path) as packed:
            assert b"It begins." not in packed.read("entries.jsonl")
            assert b"It begins." in packed.read("personal.jsonl")
            assert b"It begins." in packed.read("report.html")
        row = PersonalValue.objects.get(value="It begins.")
        overwrite(row, value="It ends.")
        assert ("edited", self.place(concealed)) in kinds(bundle(concealed))

    def test_they_can_be_left_out(self, concealed: Record, bundle: Bundle) -> None:
        path = bundle(concealed, with_personal=False)
        assert b"It begins." not in path.read_bytes()
        assert check(path).code == 0

    def test_redacted_ones_are_gone_and_it_still_verifies(
        self, concealed: Record, bundle: Bundle, auditor: User, seal: Any
    ) -> None:
        redact(
            record=concealed.pk,
            sequence=self.place(concealed),
            part="reason",
            user=auditor,
            reason="Article 17.",
            now=clock.now(),
        )
        seal()
        path = bundle(concealed)
        assert b"It begins." not in path.read_bytes()
        assert check(path).code == 0

    def test_one_that_vanished_without_a_redaction_is_missed(
        self, concealed: Record, bundle: Bundle
    ) -> None:
        erase(PersonalValue.objects.get(value="It begins."))
        assert ("missing", self.place(concealed)) in kinds(bundle(concealed))

"""G5: a fuzzer that knows the document finds no fault in what is served, over real HTTP."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from tests.api.conftest import RIGHTS, Api, Caller, allow, start_probe
from tests.effects.conftest import Make
from tests.effects.errand import Script
from workflow.definition import Unknown
from workflow.models import EffectEntry, TransitionEnvelope
from workflow.testing.drain import drain

CONFIG = """
[[operations]]
include-path-regex = ".*/(records/.*|transitions/\\\\{{pk\\\\}}.*)"
[operations.parameters]
"path.record" = "{record}"
"path.pk" = "{transition}"

[[operations]]
include-path-regex = ".*/effects/.*"
[operations.parameters]
"path.pk" = {effect}

[[operations]]
include-path-regex = ".*/workflows/.*"
[operations.parameters]
"path.name" = "probe"

[checks.positive_data_acceptance]
# A request may be sound and yet not fit: a transition that is not declared, a payload that its
# form does not take, a record that has moved, a pause of something that is not there.
expected-statuses = [200, 201, 202, 400, 403, 404, 409, 412, 422]
"""


def fuzz(
    folder: Path, server: LiveServer, api: Api, *, config: str, examples: int, phases: str
) -> subprocess.CompletedProcess[str]:
    file = folder / "schemathesis.toml"
    file.write_text(config)
    line = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file", str(file), "run", f"{server.url}/api/v1/openapi.json",
        "--header", f"Authorization: {api.headers['Authorization']}",
        "--checks", "all", "--max-examples", str(examples), "--phases", phases,
        "--seed", "1", "--generation-deterministic", "--no-color",
        "--exclude-checks", "object_level_authorization",
        "--suppress-health-check", "too_slow",
    ]  # fmt: skip
    return subprocess.run(
        line, cwd=folder, capture_output=True, text=True, timeout=500, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("reaching", ["anything", "what is there"])
def test_no_fault_is_found(
    live_server: LiveServer,
    tmp_path: Path,
    keyed: Caller,
    make: Make,
    script: Script,
    reaching: str,
) -> None:
    user = allow(User.objects.create_user("fuzz"), *RIGHTS)
    api = keyed(user)
    record = start_probe(user)
    api.ask(record)
    script.answers["letter"] = [Unknown(reason="line cut")]
    api.ask(make(), "send_letter")
    drain()
    config = CONFIG.partition("[checks")
    chosen = "[checks" + config[2]
    if reaching == "what is there":
        chosen = CONFIG.format(
            record=record.pk,
            transition=TransitionEnvelope.objects.filter(state="fired").first().pk,
            effect=EffectEntry.objects.get().pk,
        )
    done = fuzz(
        tmp_path, live_server, api, config=chosen, examples=6, phases="examples,coverage,fuzzing"
    )
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2000:]
    tested = re.search(r"(\d+) generated", done.stdout)
    assert tested is not None
    assert int(tested[1]) > 500, done.stdout[-3000:]

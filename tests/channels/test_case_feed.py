"""The case feed over a real socket and real databases: who may speak, what is recorded, what is answered."""

import asyncio
import io
import json
import re
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import sqlalchemy as sa
from yarl import URL

from casework.adapters.service import Service
from casework.adapters.settings import Settings
from casework.adapters.storage.tables import audit, case, case_event, held_import
from casework.bootstrap import build_service
from casework.model.stages import STAGE_IDS
from casework.services.case_file import COLUMNS
from casework.services.feed_events import EVENT_FIELDS
from channels.case_feed import OPENAPI, STATUS_OF_OUTCOME, STATUS_OF_RESULT
from channels.feed_signature import compute_signature
from channels.gateway import build_gateway_app
from tests.channels.provider_stand_ins import ACCOUNT_SID, TOKEN, serving
from tests.support.clock import SetClock

KEY = "feed-key-" * 4
REFERENCE = "43260990001"
ROOT = Path(__file__).parents[2]
CASE = {
    "crime_reference": REFERENCE,
    "crime_type": "Robbery",
    "stage": "allocated",
    "stage_since": "2026-11-03",
    "oic_name": "DC Test-Maple",
    "oic_collar_number": "TEST1000",
    "oic_contact": "101 extension 0000 (synthetic)",
    "victim_name": "Alex Example",
    "contact_mobile": "+447700900001",
    "safe_contact": "any",
    "events": [{"at": "2026-11-05T16:00:00Z", "kind": "update_given", "detail": "by phone"}],
}
EVENT = {
    "event_id": "niche-1",
    "crime_reference": REFERENCE,
    "at": "2026-11-20T10:30:00Z",
    "kind": "stage_changed",
    "detail": "charged",
}
EVENTS = "/feed/v1/events"

Answer = tuple[int, Any]


@dataclass
class Door:
    """The gateway, and a force's records system that knows how to sign."""

    service: Service
    clock: SetClock
    url: str
    http: aiohttp.ClientSession

    async def put(self, cells: Mapping[str, Any], reference: str = REFERENCE, **how: Any) -> Answer:
        return await self.send("PUT", f"/feed/v1/cases/{reference}", cells, **how)

    async def post(self, events: object, **how: Any) -> Answer:
        return await self.send("POST", EVENTS, events, **how)

    async def send(
        self,
        method: str,
        path: str,
        said: object,
        *,
        key: str = KEY,
        seconds_ago: int = 0,
        raw: bytes | None = None,
    ) -> Answer:
        body = json.dumps(said).encode() if raw is None else raw
        stamp = str(int(self.clock.now().timestamp()) - seconds_ago)
        headers = {
            "X-Waymark-Timestamp": stamp,
            "X-Waymark-Signature": compute_signature(
                key=key, method=method, path=path, timestamp=stamp, body=body
            ),
        }
        return await self.send_as_it_is(method, path, body, headers)

    async def send_as_it_is(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        address = URL(self.url + path, encoded=True)
        async with self.http.request(method, address, data=io.BytesIO(body), headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    def rows(self, table: sa.Table) -> list[Any]:
        query = sa.select(table).order_by(*table.primary_key.columns)
        return self.service.database.read_now(lambda tx: list(tx.connection.execute(query).all()))

    def stored(self) -> list[Any]:
        return [self.rows(table) for table in (case, case_event, held_import)]


async def a_door(database_url: str, folder: Path, clock: SetClock, keys: str) -> AsyncIterator[Door]:
    environ = {
        "WAYMARK_DATA_DIR": str(folder),
        "WAYMARK_DATABASE_URL": database_url,
        "WAYMARK_TURN_SECRET": "x" * 32,
        "WAYMARK_RASA_URLS": "http://127.0.0.1:1",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "WAYMARK_SMS_FROM": "+447700900900",
        "WAYMARK_FEED_KEYS": keys,
    }
    service = build_service(Settings.from_env(environ), clock=clock)
    async with serving(build_gateway_app(service)) as url, aiohttp.ClientSession() as http:
        yield Door(service, clock, url, http)
    service.database.close()


@pytest_asyncio.fixture
async def door(database_url: str, tmp_path: Path, clock: SetClock) -> AsyncIterator[Door]:
    async for each in a_door(database_url, tmp_path, clock, f"{KEY},{'old-key-' * 4}"):
        yield each


@pytest_asyncio.fixture
async def shut_door(database_url: str, tmp_path: Path, clock: SetClock) -> AsyncIterator[Door]:
    async for each in a_door(database_url, tmp_path, clock, ""):
        yield each


# --- what the document says is true -------------------------------------------------------------


DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_text())
KINDS = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def faults(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What of `value` breaks a schema, for the words of JSON Schema that the document uses; others are faults."""
    if "$ref" in schema:
        return faults(value, DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "oneOf" in schema:
        fitting = [each for each in schema["oneOf"] if not faults(value, each)]
        return [] if len(fitting) == 1 else [f"fits {len(fitting)} of {len(schema['oneOf'])}"]
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if not any(isinstance(value, KINDS[kind]) for kind in kinds):
        return [f"is no {' or '.join(kinds)}"]
    checks: dict[str, Any] = {
        "enum": lambda allowed: value in allowed,
        "pattern": lambda pattern: not isinstance(value, str) or re.search(pattern, value),
        "minLength": lambda least: not isinstance(value, str) or len(value) >= least,
        "maxLength": lambda most: not isinstance(value, str) or len(value) <= most,
        "minItems": lambda least: not isinstance(value, list) or len(value) >= least,
        "maxItems": lambda most: not isinstance(value, list) or len(value) <= most,
        "required": lambda names: not isinstance(value, dict) or set(names) <= set(value),
        "additionalProperties": lambda may: may or set(value) <= set(schema["properties"]),
    }
    known = {"type", "description", "format", "properties", "items", *checks}
    found = [f"{word} is not checked here" for word in schema.keys() - known]
    found += [word for word, holds in checks.items() if word in schema and not holds(schema[word])]
    if isinstance(value, dict):
        parts = schema.get("properties", {})
        found += [
            f"{name}: {each}" for name in value.keys() & parts for each in faults(value[name], parts[name])
        ]
    if isinstance(value, list):
        found += [each for item in value for each in faults(item, schema.get("items", {"type": list(KINDS)}))]
    return found


def answer_faults(method: str, path: str, answer: Answer) -> list[str]:
    said = DOCUMENT["paths"][path][method]["responses"].get(str(answer[0]))
    if said is None:
        return [f"{answer[0]} is not described"]
    return faults(answer[1], said["content"]["application/json"]["schema"]) if "content" in said else []


def request_schema(method: str, path: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = DOCUMENT["paths"][path][method]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    return found


async def test_the_document_is_served_and_names_what_the_code_names(door: Door) -> None:
    async with door.http.get(door.url + "/feed/v1/openapi.json") as response:
        assert response.status == 200
        served = await response.json()

    schemas = served["components"]["schemas"]
    assert served == DOCUMENT
    assert set(schemas["Case"]["properties"]) == set(COLUMNS)
    assert set(schemas["Case"]["properties"]["stage"]["enum"]) == STAGE_IDS
    assert set(schemas["Event"]["properties"]) == set(EVENT_FIELDS)
    assert set(schemas["EventTaken"]["properties"]["result"]["enum"]) == {
        str(each) for each in STATUS_OF_OUTCOME
    }
    assert set(schemas["EventTaken"]["properties"]["status"]["enum"]) == set(STATUS_OF_OUTCOME.values())
    assert set(schemas["CaseTaken"]["properties"]["result"]["enum"]) == set(STATUS_OF_RESULT)
    assert {int(each) for each in served["paths"]["/feed/v1/cases/{reference}"]["put"]["responses"]} == {
        *STATUS_OF_RESULT.values(),
        *(401, 404, 413, 422),
    }


def test_the_checker_of_this_page_sees_what_is_wrong() -> None:
    schema = request_schema("put", "/feed/v1/cases/{reference}")

    assert faults(CASE, schema) == []
    assert faults(CASE | {"stage": "lost"}, schema) == ["stage: enum"]
    assert faults(CASE | {"oic": "x"}, schema) == ["additionalProperties"]
    assert faults({**CASE, "victim_name": 5}, schema) == ["victim_name: is no string"]
    assert faults([EVENT] * 501, request_schema("post", EVENTS)) == ["fits 0 of 2"]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"events": None, "contact_mobile": None, "enhanced_rights": True},
        {"stage": "lost"},
        {"oic_name": ""},
        {"crime_type": "x" * 97},
        {"oic": "DC Test"},
        {"language": "en-GB-oxendict-1994"},
        {"victim_name": None},
        {"events": [{"at": "2026-11-05T16:00:00Z", "kind": "Told"}]},
        {"events": [{"at": "2026-11-05T16:00:00Z", "kind": "told", "by": "DC"}]},
    ],
)
async def test_a_case_that_fits_the_document_is_taken_and_one_that_does_not_is_refused(
    door: Door, changed: dict[str, Any]
) -> None:
    cells = CASE | changed

    answer = await door.put(cells)

    assert answer[0] == (422 if faults(cells, request_schema("put", "/feed/v1/cases/{reference}")) else 201)
    assert answer_faults("put", "/feed/v1/cases/{reference}", answer) == []


@pytest.mark.parametrize(
    "said",
    [
        EVENT,
        [EVENT],
        [],
        [EVENT | {"event_id": f"e{number}"} for number in range(501)],
        [EVENT | {"event_id": "Alex Example"}],
        [EVENT | {"event_id": "x" * 76}],
        [EVENT | {"detail": "x" * 201}],
        [EVENT | {"kind": "Stage changed"}],
        [{name: value for name, value in EVENT.items() if name != "at"}],
        [EVENT | {"by": "DC"}],
        ["told"],
        "told",
        None,
    ],
)
async def test_events_that_fit_the_document_are_taken_and_others_refused(door: Door, said: Any) -> None:
    answer = await door.post(said)

    assert answer[0] == (422 if faults(said, request_schema("post", EVENTS)) else 200)
    assert answer_faults("post", EVENTS, answer) == []


# --- who may speak ------------------------------------------------------------------------------


async def test_without_a_key_there_is_no_feed(shut_door: Door) -> None:
    for method, path in (
        ("PUT", f"/feed/v1/cases/{REFERENCE}"),
        ("POST", EVENTS),
        ("GET", "/feed/v1/openapi.json"),
    ):
        status, said = await shut_door.send_as_it_is(method, path, b"{}", {})
        assert (status, said) == (404, None)

    status, _ = await shut_door.put(CASE, key="")
    assert status == 404
    assert shut_door.stored() == [[], [], []]


async def test_the_old_key_is_taken_while_it_is_changed(door: Door) -> None:
    assert (await door.put(CASE, key="old-key-" * 4))[0] == 201


async def test_what_nobody_signed_changes_nothing(door: Door) -> None:
    answers = [
        await door.put(CASE, key="x" * 32),
        await door.post(EVENT, key="x" * 32),
        await door.send_as_it_is("PUT", f"/feed/v1/cases/{REFERENCE}", json.dumps(CASE).encode(), {}),
    ]

    assert [status for status, _ in answers] == [401] * 3
    assert [answer_faults("post", EVENTS, answer) for answer in answers] == [[]] * 3
    assert door.stored() == [[], [], []]


@pytest.mark.parametrize(("seconds", "status"), [(299, 201), (302, 401), (-299, 201), (-302, 401)])
async def test_a_request_is_believed_for_five_minutes(door: Door, seconds: int, status: int) -> None:
    assert (await door.put(CASE, seconds_ago=seconds))[0] == status
    assert len(door.rows(case)) == (status == 201)


async def test_a_body_over_a_megabyte_is_refused(door: Door) -> None:
    just, over = (b'{"x": "' + b"x" * (1024 * 1024 - 9 + more) + b'"}' for more in (0, 1))

    assert (await door.put({}, raw=just))[0] == 422
    status, said = await door.put({}, raw=over)
    assert status == 413
    assert said["problems"][0]["what"] == "the body is larger than 1 MB"


# --- what is recorded ---------------------------------------------------------------------------


async def test_a_case_is_new_then_unchanged_then_changed(door: Door) -> None:
    assert await door.put(CASE) == (201, {"result": "new"})
    before = door.rows(case_event)
    assert await door.put(CASE) == (200, {"result": "unchanged"})
    assert door.rows(case_event) == before
    assert await door.put(CASE | {"stage": "charged"}) == (200, {"result": "changed"})
    [row] = door.rows(case)
    assert (row.crime_reference, row.stage, row.victim_name) == (REFERENCE, "charged", "Alex Example")
    assert {each.actor for each in door.rows(audit)} == {"feed"}


@pytest.mark.parametrize("written", ["42-990001-26", "42%2F990001%2F26"])
async def test_a_reference_with_slashes_can_stand_in_the_address(door: Door, written: str) -> None:
    cells = {name: value for name, value in CASE.items() if name != "crime_reference"}

    assert (await door.put(cells, reference=written))[0] == 201
    assert door.rows(case)[0].crime_reference == "42/990001/26"


async def test_a_case_sent_to_another_s_address_is_refused(door: Door) -> None:
    status, said = await door.put(CASE, reference="43260990002")

    assert (status, said["problems"][0]["field"]) == (422, "crime_reference")
    assert door.rows(case) == []


async def test_each_event_has_its_own_answer_and_a_copy_changes_nothing(door: Door) -> None:
    await door.put(CASE)
    unknown = EVENT | {"event_id": "2", "crime_reference": "43260990009"}

    first = await door.post([unknown, EVENT])
    again = await door.post([EVENT, EVENT | {"detail": "trial"}])

    assert first == (
        200,
        {"results": [{"status": 404, "result": "unknown_case"}, {"status": 201, "result": "recorded"}]},
    )
    assert again == (
        200,
        {"results": [{"status": 200, "result": "known"}, {"status": 409, "result": "conflict"}]},
    )
    assert door.rows(case)[0].stage == "charged"
    assert [row.event_id for row in door.rows(case_event) if row.event_id.startswith("feed:")] == [
        "feed:niche-1"
    ]


async def test_a_stage_that_comes_late_does_not_move_the_case_back(door: Door) -> None:
    await door.put(CASE)
    await door.post(EVENT)

    status, said = await door.post(
        EVENT | {"event_id": "early", "at": "2026-11-20T09:00:00Z", "detail": "arrested"}
    )

    assert (status, said["results"][0]["result"]) == (200, "recorded")
    assert door.rows(case)[0].stage == "charged"


async def test_copies_sent_at_once_are_recorded_once(door: Door) -> None:
    await door.put(CASE)

    answers = await asyncio.gather(*(door.post(EVENT) for _ in range(8)))

    results = sorted(said["results"][0]["result"] for _, said in answers)
    assert results == ["known"] * 7 + ["recorded"]


async def test_a_case_sent_many_times_at_once_is_one_case(door: Door) -> None:
    answers = await asyncio.gather(*(door.put(CASE) for _ in range(8)))

    assert {status for status, _ in answers} <= {200, 201}
    assert len(door.rows(case)) == 1
    assert len(door.rows(case_event)) == 1


async def test_one_wrong_event_refuses_the_list_and_every_problem_is_told(door: Door) -> None:
    await door.put(CASE)
    wrong = EVENT | {"event_id": "2", "at": "2026-11-20", "detail": "arested"}

    status, said = await door.post([EVENT, wrong, EVENT | {"event_id": "3", "at": "2027-01-01T00:00Z"}])

    assert status == 422
    assert [(each["field"], each["remedy"]) for each in said["problems"]] == [
        ("[1].at", "Write it as 2026-11-02T10:30:00Z."),
        ("[1].detail", "Did you mean 'arrested'?"),
        ("[2].at", "Send it when it has begun."),
    ]
    assert len(door.rows(case_event)) == 1


async def test_no_problem_repeats_a_name_or_a_number(door: Door) -> None:
    private = dict.fromkeys(
        ("crime_reference", "stage", "stage_since", "next_update_due", "contact_mobile", "safe_contact"),
        "Zed 900999",
    ) | dict.fromkeys(("contact_email", "enhanced_rights", "language", "events"), "Zed 900999")
    event = dict.fromkeys(EVENT_FIELDS, "Zed 900999")

    answers = [
        await door.put(CASE | private),
        await door.post([event, EVENT | {"detail": "Zed 900999"}, {"Zed 900999": 1}]),
        await door.put({}, raw=b"Zed 900999"),
        await door.put(CASE, reference="Zed-900999"),
    ]

    assert [status for status, _ in answers] == [422] * 4
    assert len(answers[0][1]["problems"]) == 10
    assert not re.search("zed|900999", json.dumps(answers), re.IGNORECASE)


@pytest.mark.parametrize("raw", [b"", b"{", b"[" * 100_000, b"\xff", b'{"a": NaN'])
async def test_a_body_that_is_no_json_is_refused(door: Door, raw: bytes) -> None:
    assert (await door.put({}, raw=raw))[0] == 422
    assert (await door.post({}, raw=raw))[0] == 422


async def test_too_much_in_an_hour_is_held_and_says_so(door: Door) -> None:
    references = [f"4326{number:07d}" for number in range(21)]
    for reference in references:
        await door.put(CASE | {"crime_reference": reference}, reference=reference)

    said = [
        EVENT | {"crime_reference": each, "event_id": each, "detail": "transferred"} for each in references
    ]
    answer = await door.post(said)

    assert {(each["status"], each["result"]) for each in answer[1]["results"]} == {(202, "held")}
    assert answer_faults("post", EVENTS, answer) == []
    assert {row.stage for row in door.rows(case)} == {"allocated"}
    held = [row for row in door.rows(held_import) if row.status == "held"]
    assert {each["import"] for each in answer[1]["results"]} == {held[0].id}


# --- the page -----------------------------------------------------------------------------------


async def test_the_example_of_the_page_works_as_it_stands(door: Door) -> None:
    [example] = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "case-feed.md").read_text(), re.DOTALL)
    script = (
        example.replace("key=...", f"key={KEY}")
        .replace("$(date +%s)", str(int(door.clock.now().timestamp())))
        .replace("https://messages.example.org", door.url)
        .replace("curl ", "curl --silent --noproxy '*' ")
    )
    await door.put(CASE)

    done = await asyncio.to_thread(
        subprocess.run, ["bash", "-c", script], capture_output=True, text=True, timeout=30, check=True
    )

    assert json.loads(done.stdout) == {"results": [{"status": 201, "result": "recorded"}]}

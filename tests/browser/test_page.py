"""The page of `segcli ui` and `send --ui` in a real browser."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser.conftest import address_of
from support.fakes import PATIENCE, track, tracks, wait_until, write_events
from support.pages import ACME
from support.samples import SAMPLES, Run

pytestmark = pytest.mark.browser

Show = Callable[..., Any]
Ui = Callable[..., str]
Take = Callable[[Any, str], None]
SCHEMES = ("light", "dark")


@pytest.fixture
def acme(tmp_path: Path) -> str:
    (tmp_path / "acme.toml").write_text(ACME)
    return "./acme.toml"


def orders(folder: Path, count: int = 3) -> Path:
    events = [
        track(n, f"u{n % 2}") | {"properties": {"total": n, "coupon": "SAVE"}}
        for n in range(1, count + 1)
    ]
    return write_events(folder / "events.jsonl", events)


def row(page: Any, pane: str, path: str) -> Any:
    return page.locator(f'{pane} .row[data-path="{path}"]')


def wait_for_count(page: Any, selector: str, count: int) -> None:
    """Return when the page has this many of these elements."""
    wait_until(lambda: page.locator(selector).count() == count)


def arrived(page: Any) -> list[str]:
    """Return the numbers of the requests that are listed now."""
    rows = page.locator("#arrivals tr")
    found: list[str] = rows.evaluate_all("rows => rows.map((row) => row.dataset.number)")
    return found


def listed(page: Any) -> list[str]:
    return page.locator("#list .line").all_inner_texts()


# the mapping


def test_payload_follows_an_edit_and_mistakes_stand_at_their_lines(
    show: Show, ui: Ui, acme: str, tmp_path: Path
) -> None:
    page = show(ui("ui", "-d", acme, orders(tmp_path)))
    row(page, "#payloads", "/kind").wait_for()
    page.click("[data-side=file]")
    page.fill("#source", ACME.replace('"order"', '"sale"'))
    row(page, "#payloads", "/kind").filter(has_text="sale").wait_for()
    assert page.inner_text("#saved") == "not saved"

    page.fill("#source", ACME.replace('"order"', '{ "@pth" = 1 }'))
    page.wait_for_selector("#problems button")
    assert page.inner_text("#gutter .wrong") == "16"
    assert "line 16: kind" in page.inner_text("#problems")
    assert page.is_disabled("#save")
    assert "sale" in row(page, "#payloads", "/kind").inner_text()

    # What was typed just before another destination is chosen stays.
    page.fill("#source", ACME.replace('"order"', '"kept"'))
    page.select_option("#dest", "gist")
    page.wait_for_selector("[data-side=file]", state="hidden")
    page.select_option("#dest", "./acme.toml")
    page.click("[data-side=file]")
    row(page, "#payloads", "/kind").filter(has_text="kept").wait_for()
    assert '"kept"' in page.input_value("#source")

    page.fill("#source", ACME.replace('"order"', '"saved"'))
    row(page, "#payloads", "/kind").filter(has_text="saved").wait_for()
    page.click("#save")
    page.wait_for_selector("#saved:text('as in the file')")
    assert '"saved"' in (tmp_path / "acme.toml").read_text()


def test_all_lines_are_reviewed_on_request(show: Show, ui: Ui, acme: str, tmp_path: Path) -> None:
    page = show(ui("ui", "-d", acme, orders(tmp_path, 2100)))
    page.click("[data-side=coverage]")
    page.wait_for_selector("#coverage p:text('The first 2,000 lines')")
    page.click("#coverage [data-review-all]")
    page.wait_for_selector("#coverage p:text-matches('^2,100 lines: 2,100 mapped')")

    assert page.locator("[data-review-all]").count() == 0


def test_uncovered_field_is_marked_and_a_payload_field_lights_up_its_sources(
    show: Show, ui: Ui, acme: str, tmp_path: Path
) -> None:
    page = show(ui("ui", "-d", acme, orders(tmp_path)))
    lost = row(page, "#event", "/properties/coupon")
    lost.wait_for()

    assert "is not carried by acme" in lost.inner_text()
    assert "lost" in lost.get_attribute("class").split()
    assert "lost" not in row(page, "#event", "/properties/total").get_attribute("class").split()
    row(page, "#payloads", "/total").hover()
    assert page.locator("#event .lit").all_inner_texts() == [
        row(page, "#event", "/properties/total").inner_text()
    ]
    row(page, "#event", "/userId").hover()
    assert page.locator("#payloads .lit").count() == 1
    assert '"user"' in page.locator("#payloads .lit").inner_text()


def test_fql_filter_narrows_the_list_and_a_mistake_is_explained(
    show: Show, ui: Ui, acme: str, tmp_path: Path
) -> None:
    page = show(ui("ui", "-d", acme, orders(tmp_path, 9)))
    page.wait_for_selector("#list li")
    assert len(listed(page)) == 9

    page.fill("#where", "properties.total >= 8")
    wait_for_count(page, "#list li", 2)
    assert listed(page) == ["8", "9"]
    page.fill("#where", "properties.total >= ")
    page.wait_for_selector("#filter-problem:not(:empty)")
    page.fill("#where", "")
    wait_for_count(page, "#list li", 9)
    assert page.inner_text("#filter-problem") == ""


def test_keyboard_goes_to_the_next_and_previous_event(
    show: Show, ui: Ui, acme: str, tmp_path: Path
) -> None:
    page = show(ui("ui", "-d", acme, orders(tmp_path, 250)))
    page.wait_for_selector("#event .row")
    for key, line in (("j", 2), ("j", 3), ("k", 2)):
        page.keyboard.press(key)
        page.wait_for_selector(f"#event-title:text-is('events.jsonl:{line}')")
    page.focus("#list")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#event-title:text-is('events.jsonl:3')")
    page.keyboard.press("/")
    page.keyboard.type("jj")
    assert page.input_value("#text") == "jj"
    wait_for_count(page, "#list li", 0)
    page.fill("#text", "")
    page.keyboard.press("Escape")
    wait_for_count(page, "#list li", 100)
    page.locator("#list li").last.click()
    page.keyboard.press("j")
    page.wait_for_selector("#event-title:text-is('events.jsonl:101')")
    assert page.inner_text("#range") == "101\u2013200 of 250"


def test_copy_command_gives_the_line_for_the_terminal(
    show: Show, ui: Ui, acme: str, tmp_path: Path
) -> None:
    page = show(ui("ui", "-d", acme, orders(tmp_path)))
    page.wait_for_selector("#payloads .row")
    page.click("#copy-event")
    page.wait_for_selector("#copy-event[data-copied]")

    command = page.get_attribute("#copy-event", "data-copied")
    assert command.startswith("sed -n 1p ")
    assert command.endswith("| segcli transform --dest ./acme.toml")


def test_layout_fits_1000_pixels_and_does_not_jump(
    show: Show, ui: Ui, acme: str, tmp_path: Path
) -> None:
    page = show(ui("ui", "-d", acme, orders(tmp_path)), width=1000)
    row(page, "#payloads", "/kind").wait_for()
    page.click("[data-side=file]")
    before = page.locator("#source").bounding_box()
    page.fill("#source", ACME.replace('"order"', '{ "@pth" = 1 }'))
    page.wait_for_selector("#problems button")

    assert page.locator("#source").bounding_box() == before
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000
    for pane in page.locator("#mapping > .pane").all():
        box = pane.bounding_box()
        assert box["width"] >= 200
        assert box["x"] + box["width"] <= 1000

    # A notice lies over the page.
    page.click("[data-side=events]")
    page.fill("#text", "nothing has this text")
    page.wait_for_selector("#range:text('no event')")
    before = page.locator("#list").bounding_box()
    page.click("#copy-list")
    page.wait_for_selector("#notice:not([hidden])")
    assert page.locator("#list").bounding_box() == before


def test_hostile_file_runs_no_script(show: Show, ui: Ui, tmp_path: Path) -> None:
    attack = "</script><script>window.hit=1</script><img src=x onerror='window.hit=1'>{{7*7}}"
    events = write_events(
        tmp_path / "<img src=x onerror=hit=1>.jsonl",
        [
            track() | {"event": attack, "userId": attack, "properties": {attack: attack}},
            {"type": attack, "userId": attack},
            f"no JSON {attack}".encode(),
            {
                "type": "identify",
                "userId": attack,
                "traits": {"email": attack, "createdAt": attack},
            },
        ],
    )
    page = show(ui("ui", "-d", "gist", events))
    page.wait_for_selector("#list li")
    for number in range(4):
        page.locator("#list li").nth(number).click()
        page.wait_for_selector(f"#event-title:text('.jsonl:{number + 1}')")
    page.click("[data-side=coverage]")
    page.wait_for_selector("#coverage .review")
    page.click("[data-view=sandbox]")
    page.click("#send-many")
    page.wait_for_selector("#arrivals tr")
    page.locator("#arrivals tr").first.click()
    page.wait_for_selector("#exchange .wire")
    page.click("[data-view=run]")
    page.wait_for_selector("#run-content table")

    assert page.evaluate("window.hit") is None
    assert page.locator("img, #list script, main script").count() == 0
    page.click("[data-view=mapping]")
    page.click("[data-side=events]")
    assert "<script>window.hit=1</script>" in page.inner_text("#list")


# the sandbox


def test_sandbox_shows_the_order_of_one_user_live(
    show: Show, ui: Ui, acme: str, tmp_path: Path
) -> None:
    page = show(ui("ui", "-d", acme, orders(tmp_path, 8)))
    page.wait_for_selector("#list li")
    page.click("[data-view=sandbox]")
    page.fill("#user", "u1")
    page.fill("[data-fault='503']", "20")
    page.fill("[data-fault='429']", "15")
    page.click("#send-many")
    wait_for_count(page, "#arrivals tr:has(.verdict-cell .ok)", 4)
    totals = []
    for one in page.locator("#arrivals tr:has(.verdict-cell .ok)").all():
        at = one.get_attribute("data-number")
        one.click()
        shown = page.locator(f'#exchange[data-number="{at}"]')
        totals.append(int(re.findall(r'"total":(\d+)', shown.inner_text())[0]))

    assert totals == [1, 3, 5, 7]
    page.click("#reset")
    wait_for_count(page, "#arrivals tr", 0)


def test_verdict_on_each_event_has_the_reason_of_the_vendor(
    show: Show, ui: Ui, tmp_path: Path
) -> None:
    people = [
        {"type": "identify", "userId": f"u{n}", "traits": {"email": "a@b.c"}} for n in range(8)
    ]
    page = show(ui("ui", "-d", "braze", write_events(tmp_path / "events.jsonl", people)))
    page.wait_for_selector("#list li")
    page.click("[data-view=sandbox]")
    page.fill("[data-fault=item]", "100")
    page.click("#send-many")
    page.wait_for_selector("#arrivals tr:has(.verdict-cell .no)")

    # Whether a request or its events are refused is a matter of chance. Both have their reason.
    for number in arrived(page):
        page.click(f"#arrivals tr[data-number='{number}']")
        page.wait_for_selector(f"#exchange[data-number='{number}'] .items tbody tr")
        status = page.locator("#arrivals tr[aria-selected=true] td").nth(5).inner_text()
        reason = r'HTTP 400: \{"message": "it failed"' if status == "400" else "it failed"
        for said in page.locator(".items tbody tr").all_inner_texts():
            assert re.search(rf"u\d\s+(422|503)\s+refused: {reason}", said)


def test_row_is_chosen_although_others_arrive_during_the_click(
    show: Show, ui: Ui, acme: str, tmp_path: Path
) -> None:
    page = show(ui("ui", "-d", acme, orders(tmp_path, 30)))
    page.wait_for_selector("#list li")
    page.click("[data-view=sandbox]")
    page.click("#send-one")
    page.locator("#arrivals tr").hover()
    page.mouse.down()
    page.evaluate("document.querySelector('#send-many').click()")
    wait_for_count(page, "#arrivals tr", 31)
    page.mouse.up()

    page.wait_for_selector("#exchange[data-number='1'] .wire")
    assert page.get_attribute("#arrivals tr[aria-selected=true]", "data-number") == "1"


def test_focus_stays_with_its_row_while_requests_arrive(
    show: Show, ui: Ui, acme: str, tmp_path: Path
) -> None:
    page = show(ui("ui", "-d", acme, orders(tmp_path, 30)))
    page.wait_for_selector("#list li")
    page.focus("[data-view=mapping]")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#sandbox:not([hidden])")
    page.click("#send-one")
    page.wait_for_selector("#arrivals tr")
    page.focus("#arrivals tr[tabindex='0']")
    page.keyboard.press("Enter")
    page.evaluate("document.querySelector('#send-many').click()")
    wait_for_count(page, "#arrivals tr", 31)

    assert page.evaluate("document.activeElement.dataset.number") == "1"
    assert page.locator("#arrivals tr[tabindex='0']").count() == 1
    page.keyboard.press("ArrowUp")
    page.wait_for_selector("#exchange[data-number='2']")


# the run


def test_figures_of_the_run_view_are_those_of_the_report(
    show: Show, spawn: Callable[..., "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    events = write_events(
        tmp_path / "events.jsonl", [*tracks(40), b"{]", {"type": "page", "userId": "u"}]
    )
    # It takes some seconds, so that the page is open before the run has ended.
    slow = ("--latency", "100ms", "--concurrency", "1")
    faults = ("--sandbox", "--fault", "503:20%", "--seed", "7")
    words = ["send", "-d", "gist", *faults, *slow, events]
    process = spawn(*words, "--report", "report.json", "--ui", "--no-open")
    page = show(address_of(process))
    page.wait_for_selector("#run-content .verdict:not(.running)")
    report = json.loads((tmp_path / "report.json").read_bytes())
    figures = {
        one.get_attribute("data-figure"): one.inner_text().replace(",", "")
        for one in page.locator("[data-figure]").all()
    }

    assert {state: int(figures[f"ledger.{state}"]) for state in report["ledger"]} == report[
        "ledger"
    ]
    assert int(figures["read"]) == report["read"] == 42
    assert int(figures["requests"]) == report["requests"]
    assert int(figures["retries"]) == report["retries"]
    assert float(figures["seconds"].split()[0]) == round(report["seconds"], 1)
    for share, milliseconds in report["latency_ms"].items():
        assert float(figures[f"latency_ms.{share}"].split()[0]) == milliseconds
    assert page.locator("figure svg").count() >= 2
    page.click("[data-view=sandbox]")
    page.wait_for_selector("#arrivals tr")
    assert process.poll() is None
    page.close()
    assert process.wait(PATIENCE) == 1


def test_report_of_an_earlier_run_is_opened(
    show: Show, ui: Ui, run_segcli: Run, tmp_path: Path
) -> None:
    faults = ("--sandbox", "--fault", "503:20%", "--seed", "7")
    run_segcli("send", "-d", "gist", *faults, SAMPLES / "signup.jsonl", "--report", "report.json")
    report = json.loads((tmp_path / "report.json").read_bytes())
    (tmp_path / "other.json").write_text("{}")
    page = show(ui("ui", SAMPLES / "engage.jsonl"))
    page.click("[data-view=run]")
    page.set_input_files("#report", str(tmp_path / "other.json"))
    page.wait_for_selector("#notice:not([hidden])")
    page.set_input_files("#report", str(tmp_path / "report.json"))
    page.wait_for_selector('#run-content [data-figure="read"]')

    assert int(page.inner_text('[data-figure="read"]')) == report["read"]
    plots = {one.get_attribute("data-plot") for one in page.locator("figure:has(svg)").all()}
    assert {"rate", "latency", "retries"} <= plots
    # What is below does not move the page itself.
    page.focus("#report")
    assert page.evaluate("document.documentElement.scrollTop + document.body.scrollTop") == 0
    assert page.locator(".top").bounding_box()["y"] == 0

    # Without a series, a sentence is in place of plots.
    (tmp_path / "plain.json").write_text(json.dumps(report | {"series": []}))
    page.set_input_files("#report", str(tmp_path / "plain.json"))
    page.wait_for_selector("[data-no-plots]:text('not recorded')")
    assert page.locator("figure").count() == 0


def test_html_report_needs_no_network_and_prints(
    show: Show, run_segcli: Run, tmp_path: Path
) -> None:
    run_segcli(
        "send",
        "-d",
        "gist",
        "--sandbox",
        "--fault",
        "503:20%",
        "--seed",
        "7",
        "--html",
        "page.html",
        SAMPLES / "signup.jsonl",
    )
    page = show(f"file://{tmp_path / 'page.html'}", width=1000)

    assert page.locator("figure svg").count() >= 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000
    assert len(page.pdf()) > 10_000


# the pictures of the documents


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pictures_show_every_view(
    show: Show, ui: Ui, acme: str, picture: Take, tmp_path: Path, scheme: str
) -> None:
    # A copy, so that no picture shows where this repository is.
    shutil.copy(SAMPLES / "checkout.jsonl", tmp_path)
    page = show(ui("ui", "-d", acme, "checkout.jsonl"), scheme=scheme, width=1200, height=640)
    page.wait_for_selector("#event .row")
    page.select_option("#state", "mapped")
    wait_for_count(page, "#list li", 32)
    page.locator("#list li", has_text="Order Completed").first.click()
    row(page, "#payloads", "/total").wait_for()
    row(page, "#event", "/properties/total").scroll_into_view_if_needed()
    row(page, "#payloads", "/total").hover()
    picture(page, f"mapping-{scheme}")
    page.click("[data-side=file]")
    page.fill("#source", ACME.replace('"$.properties.total"', "5"))
    page.wait_for_selector("#problems button")
    page.mouse.move(0, 0)
    picture(page, f"editor-{scheme}")
    page.fill("#source", ACME)
    page.wait_for_selector("#problems .none")
    page.click("[data-view=sandbox]")
    page.fill("[data-fault='503']", "20")
    page.fill("[data-fault='422']", "30")
    page.fill("#latency", "60")
    page.click("#send-many")
    page.wait_for_selector("#arrivals tr")
    page.wait_for_selector("#stop:disabled")
    page.locator("#arrivals tr:has(.verdict-cell .no)").first.click()
    page.wait_for_selector("#exchange .wire")
    picture(page, f"sandbox-{scheme}")
    page.click("[data-view=run]")
    page.wait_for_selector("#run-content .verdict:not(.running)")
    picture(page, f"run-{scheme}")


def test_pictures_show_the_html_report(
    show: Show, run_segcli: Run, picture: Take, tmp_path: Path
) -> None:
    faults = ("--fault", "503:15%", "--fault", "429:5%", "--latency", "150ms", "--seed", "7")
    words = ("send", "-d", "gist", "--sandbox", *faults, "--concurrency", "2")
    shutil.copy(SAMPLES / "signup.jsonl", tmp_path)
    run_segcli(*words, "--html", "page.html", "signup.jsonl")
    for scheme in SCHEMES:
        page = show(f"file://{tmp_path / 'page.html'}", scheme=scheme, width=900, height=1000)
        page.wait_for_selector("figure svg")
        page.locator("section[aria-label=Figures]").evaluate("one => one.scrollIntoView()")
        picture(page, f"report-{scheme}")

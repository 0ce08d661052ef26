"""The report of a study: its tables beside print, its pictures with their numbers, and what is calibrated."""

import json
import shutil
from pathlib import Path

import pytest

from peerflex.core.errors import InputError
from peerflex.runs.report.command import write_report
from peerflex.runs.report.html import text
from peerflex.runs.report.markdown import markdown
from peerflex.runs.report.numbers import short
from peerflex.runs.study.run import run_study
from tests import small_study
from tests.report_page import Page

pytestmark = pytest.mark.once

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\ud800"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("report-study")
    run_study(small_study.study_file(place), out=place / "small", vary=True)
    return place / "small"


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page.of(write_report(folder))


def copy(folder: Path, place: Path) -> Path:
    shutil.copytree(folder, place)
    return place


def altered(folder: Path, place: Path, **changes: object) -> Path:
    """Return a copy of a study that says something else of itself."""
    copied = copy(folder, place)
    page = json.loads((copied / "study.json").read_text())
    (copied / "study.json").write_text(json.dumps(page | changes))
    return copied


def test_a_report_of_a_study_is_one_page_that_loads_nothing(page: Page) -> None:
    assert page.dangers() == []
    ids = [told["id"] for _, told in page.elements if "id" in told]
    assert len(ids) == len(set(ids))


def test_it_tells_print_beside_ours_criteria_and_what_was_calibrated(page: Page, folder: Path) -> None:
    study = json.loads((folder / "study.json").read_text())
    for told in (
        "Study: A small table",
        study["configuration"]["sha256"],
        "15 simulations, seeds 1-3; 0 failed.",
        "2 of 3 hold.",
        "losses_mwh of trade-only less than 0.6",
        "not-matched (calibrated)",
        "Of 5 verdicts, over 2 variations",
        "The losses.",
        "Infeasibility.",
        "Made up.",
        "Here | there is always relief.",
    ):
        assert told in page.text
    assert page.text.count("The losses.") == 1  # table.md says it too


def test_the_pictures_of_the_study_are_in_it_with_exactly_the_numbers_drawn(page: Page, folder: Path) -> None:
    files = sorted(path.stem for path in (folder / "figures").iterdir())
    names = [
        told["id"].removeprefix("picture-") for _, told in page.elements if told.get("id", "").startswith("picture-")
    ]
    assert names == files
    assert len(page.pictures) == len(files)
    numbers = page.numbers
    seeds = numbers["losses_mwh-runs.csv"]
    assert {row["point"] for row in seeds} == {""}  # variations are not drawn
    assert {(row["scenario"], row["seed"]) for row in seeds} == {
        (case, seed) for case in ("trade-only", "with-lfm") for seed in "123"
    }
    assert {row["kpi"] for row in numbers["table.csv"]} == {"losses_mwh", "lfm_full_cost_eur"}
    assert len(numbers["occupancy-with-lfm.csv"]) == 68
    assert numbers["runs.csv"] == small_study.table(folder, "runs")
    assert numbers["rows.csv"] == small_study.table(folder, "rows")


def test_the_report_of_one_seed_beside_print_has_its_pictures_over_the_hours(tmp_path: Path) -> None:
    run_study(small_study.print_file(tmp_path), out=tmp_path / "print")
    page = Page.of(write_report(tmp_path / "print"))
    assert {"both.csv", "transformer.csv"} <= page.numbers.keys()
    assert len(page.pictures) == 2
    assert "Scenario strong" in page.text


def test_hostile_texts_of_a_study_are_only_text(folder: Path, tmp_path: Path) -> None:
    failed = [{"folder": None, "scenario": HOSTILE, "point": HOSTILE, "seed": 1, "reason": HOSTILE}]
    copied = altered(
        folder, tmp_path / "study", title=HOSTILE, notes=[HOSTILE], failed=failed, versions={HOSTILE: HOSTILE}
    )
    for name in ("table.md", "robustness.md"):
        (copied / name).write_text(
            f"# x\n\n{HOSTILE[:-1]}\n\n## {HOSTILE[:-1]}\n\n| {HOSTILE[:-1]} |\n|---|\n| a<br>`b` |\n"
        )
    page = Page.of(write_report(copied))
    assert page.dangers() == []
    assert "<script>alert(1)</script>" in page.text
    assert "Some simulations failed" in page.text


def test_an_altered_study_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"study.json, rows.* is not what a study writes"):
        write_report(altered(folder, tmp_path / "rows", rows="none"))
    no_picture = copy(folder, tmp_path / "picture")
    (no_picture / "figures" / "losses_mwh.png").write_text("<script>")
    with pytest.raises(InputError, match="is not a picture"):
        write_report(no_picture)
    no_table = copy(folder, tmp_path / "table")
    (no_table / "tables" / "rows.csv").write_text("")
    with pytest.raises(InputError, match="is not a table with a header"):
        write_report(no_table)


@pytest.mark.parametrize("name", ["study.json", "table.md", "tables/rows.csv", "figures/losses_mwh.png"])
def test_a_link_that_leads_out_of_the_study_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    copied = copy(folder, tmp_path / "study")
    elsewhere = tmp_path / "elsewhere"
    (copied / name).rename(elsewhere)
    (copied / name).symlink_to(elsewhere)
    with pytest.raises(InputError, match="leads out of the study's folder"):
        write_report(copied)


def test_markdown_becomes_headings_lists_and_tables_and_nothing_else() -> None:
    page = "# Title\n\nOne\ntwo.\n\n## A <b>\n\n- x\n- `y`\n\n| a | b |\n|---|---|\n| 1<br>2 | <i> |\n\n"
    told = markdown(page + "## Left out\n\ngone\n", ["Left out"])
    assert "Title" not in told
    assert "gone" not in told
    for part in (
        "<p>One two.</p>", "<h3>A &lt;b&gt;</h3>", "<li>x</li><li><code>y</code></li>", "<tr><th>a</th><th>b</th></tr>",
        "<tr><td>1<br>2</td><td>&lt;i&gt;</td></tr>",
    ):  # fmt: skip
        assert part in told


def test_what_no_file_can_hold_becomes_a_question_mark() -> None:
    assert text("a\ud800<") == "a?&lt;"
    assert short("a\ud800\x01$") == "a??$"
    assert len(short("x" * 1000)) <= 41

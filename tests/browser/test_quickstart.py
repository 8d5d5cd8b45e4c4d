"""The first five minutes of a new user."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .conftest import Lab, open_notebook, shot


def test_a_cell_waits_and_a_click_frees_it(lab: Lab, page: Page) -> None:
    notebook = open_notebook(page, lab, lab.copy("01_quickstart.ipynb"))
    notebook.run_all()
    log = page.get_by_role("log", name="01_quickstart")
    expect(log).to_be_visible()
    expect(page.get_by_role("button", name="all three", exact=True)).to_be_visible()
    top_one = page.get_by_role("button", name="top one", exact=True)
    expect(top_one).to_be_visible()
    focus = page.evaluate("document.activeElement.tagName + '.' + document.activeElement.className")
    assert "agentchat" not in focus.lower(), "nothing takes the focus by itself"
    page.wait_for_timeout(600)
    shot(page, "quickstart-waiting")
    top_one.click()
    expect(page.get_by_text("['Ada']")).to_be_visible()
    expect(top_one).to_have_count(0)
    page.wait_for_timeout(600)
    shot(page, "quickstart-answered")

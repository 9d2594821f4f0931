"""Reads the page that --lambda-esm-report writes, and looks at it in a browser."""

import contextlib
import html
import json
import os
import re
import shutil
import signal
import subprocess
from html.parser import HTMLParser

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NEEDS_SCRIPTS = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


class _Reader(HTMLParser):
    """Collects the text, the elements' names and the tests of a page."""

    def __init__(self):
        super().__init__()
        self.names = []
        self.text = []
        self.tests = []
        self._inside = None

    def handle_starttag(self, name, attributes):
        values = dict(attributes)
        self.names.append(name)
        self._inside = values.get("class", name) if name in ("script", "style") else None
        if name == "article":
            self.tests.append({"id": values["data-id"], "classes": values["class"].split(), "text": ""})
        if name == "details" and values["class"] == "body":
            self.tests[-1]["open"] = "open" in values

    def handle_endtag(self, name):
        if name in ("script", "style"):
            self._inside = None

    def handle_data(self, data):
        if self._inside == "data":
            self.tests[-1]["picture"] = json.loads(data)
        elif self._inside is None:
            self.text.append(data)
            if self.tests:
                self.tests[-1]["text"] += data


def read_page(path):
    """Return a page as an HTML parser reads it: its ``names`` of elements, its ``text`` and its ``tests``."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


def entries_of(picture):
    """Return the kind, subject and text of each entry that a picture draws."""
    texts = picture["texts"]
    return [
        (entry["kind"], texts[entry["subject"]], texts[entry["text"]])
        for entry in picture["entries"]
        if entry["kind"] != "fold"
    ]


def look_at(path, script="", width=1280):
    """Load a page in a headless browser and return its DOM as text, and what ``script`` returned.

    The script is the body of an asynchronous function, which runs when the page is loaded. Skips the test where there
    is no browser.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("there is no Chromium on this machine")
    page = path.with_name("looked-at.html")
    text = path.read_text(encoding="utf-8")
    if script:
        # The page's own policy refuses every script but its own.
        text = NEEDS_SCRIPTS.sub("", text, count=1)
        text = text.replace("</body>", f"<pre id='answer'></pre><script>{_ASK % script}</script></body>")
    page.write_text(text, encoding="utf-8")
    profile = path.with_name("profile")
    options = [*QUIET, f"--user-data-dir={profile}", f"--window-size={width},900", "--virtual-time-budget=8000"]
    command = [browser, *options, "--dump-dom", page.as_uri()]
    dom = _output_of(command)
    answer = re.search(r'<pre id="answer">(.*?)</pre>', dom, re.DOTALL)
    return dom, json.loads(html.unescape(answer[1])) if answer and answer[1] else None


def _output_of(command):
    """Return what a browser prints. Its other processes keep its output open, so all of them are ended with it."""
    browser = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", start_new_session=True
    )
    try:
        return browser.communicate(timeout=60)[0]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(browser.pid, signal.SIGKILL)
        browser.communicate()


_ASK = """
const settled = () => new Promise((resolve) => setTimeout(resolve, 300));
const until = async (holds) => {
  for (let tries = 0; tries < 20 && !holds(); tries++) await settled();
};
const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
addEventListener("error", (event) => { document.querySelector("#answer").textContent = JSON.stringify(event.message) });
addEventListener("load", async () => {
  await settled();
  const answer = await (async () => { %s })().catch((error) => String(error));
  document.querySelector("#answer").textContent = JSON.stringify(answer);
});
"""

"""A headless Chromium for tests of pages, driven by the DevTools protocol; tests skip where there is none."""

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from websockets.sync.client import connect

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
START_S = 60.0
ANSWER_S = 60.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
)


class Page:
    """One tab, and what its page has asked the network for and complained about so far."""

    def __init__(self, address: str) -> None:
        self._socket = connect(address, max_size=None, open_timeout=START_S)
        self._numbers = itertools.count(1)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        # Else no element of a hidden tab gets the focus.
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol and its result; ``AssertionError`` where the browser refuses."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=ANSWER_S))
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        details = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(details["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(details["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if details["type"] in ("error", "warning", "assert"):
                self.complaints.append(json.dumps(details["args"]))
            case "Log.entryAdded" if details["entry"]["level"] in ("error", "warning"):
                self.complaints.append(details["entry"]["text"])

    def show(self, width: int, height: int, *, scheme: str = "light") -> None:
        """The size of the window in CSS pixels, a telephone's below 500, and light or dark."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, file: Path) -> None:
        """Load a file and wait until the page and its pictures are there."""
        self.call("Page.navigate", url=file.absolute().as_uri())
        self.until("document.readyState === 'complete' && location.protocol === 'file:'")

    def value(self, expression: str) -> Any:
        """The value of an expression in the page, waited for where it is a promise."""
        call = {"expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True}
        answer = self.call("Runtime.evaluate", **call)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def until(self, expression: str, timeout_s: float = 30.0) -> None:
        """Wait until the expression holds."""
        deadline = time.monotonic() + timeout_s
        while not self.value(expression):
            assert time.monotonic() < deadline, f"never became true: {expression}"
            time.sleep(0.05)

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """Save what is seen, or all of the page, as PNG."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        file.write_bytes(base64.b64decode(answer["data"]))

    def _clip(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}


@contextmanager
def browser(home: Path) -> Iterator[Page]:
    """A browser with one empty tab and its profile in ``home``, which must not hold one yet."""
    if PROGRAM is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    quiet = subprocess.DEVNULL
    command = [PROGRAM, *FLAGS, f"--user-data-dir={home}", "about:blank"]
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            with Page(_address(home, process)) as page:
                yield page
        finally:
            process.terminate()
            process.wait(30)


def _address(home: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the tab listens, once the browser has written its port down."""
    deadline = time.monotonic() + START_S
    port_file = home / "DevToolsActivePort"
    while time.monotonic() < deadline and process.poll() is None:
        lines = port_file.read_text().split() if port_file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}/devtools/page/{_tab(lines)}"
        time.sleep(0.1)
    pytest.fail("Chromium did not start")


def _tab(lines: list[str]) -> str:
    with connect(f"ws://127.0.0.1:{lines[0]}{lines[1]}", open_timeout=START_S) as socket:
        socket.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
        targets = json.loads(socket.recv(timeout=ANSWER_S))["result"]["targetInfos"]
    return str(next(target["targetId"] for target in targets if target["type"] == "page"))

"""A headless Chromium, driven over its DevTools protocol: as much of it as the tests need."""

import json
import subprocess
import sys
import time
from contextlib import contextmanager

from conftest import ROOT

sys.path.insert(0, str(ROOT / "book"))
from edition import BINARY

SECONDS = 180  # for anything that is waited for, on a busy machine too
# No name is resolved but this machine's own, so a page that asks another host gets nothing.
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class Tab:
    """A tab: what it asked the network for and what went wrong in it are kept in `requests` and `errors`."""

    def __init__(self, socket):
        self.socket, self.number, self.requests, self.errors = socket, 0, [], []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("method") == "Network.requestWillBeSent":
                self.requests.append(answer["params"]["request"]["url"])
            elif answer.get("method") == "Runtime.exceptionThrown":
                self.errors.append(answer["params"]["exceptionDetails"])
            elif answer.get("method") == "Log.entryAdded" and answer["params"]["entry"]["level"] == "error":
                self.errors.append(answer["params"]["entry"])
            elif answer.get("method") == "Runtime.consoleAPICalled" and answer["params"]["type"] in ("error", "assert"):
                self.errors.append(answer["params"])
            elif answer.get("id") == self.number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def value(self, expression):
        """The value of a JavaScript expression; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression):
        """Wait until an expression is true."""
        end = time.monotonic() + SECONDS
        while not self.value(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)

    def size(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def open(self, address, width=1200, height=900):
        self.requests.clear()
        self.errors.clear()
        self.size(width, height)
        self.call("Page.navigate", url=address)
        self.wait(f"location.href.startsWith({json.dumps(address)}) && document.readyState === 'complete'")

    def press(self, key, times=1):
        """Press a key, as a reader would, on what has the focus."""
        for _ in range(times):
            for kind in ("rawKeyDown", "keyUp"):
                self.call(
                    "Input.dispatchKeyEvent",
                    type=kind,
                    key=key,
                    code=key,
                    windowsVirtualKeyCode={"ArrowLeft": 37, "ArrowRight": 39}[key],
                )

    def click(self, expression):
        """Click, with the mouse, in the middle of an element, once it has come to rest."""
        self.value(f"({expression}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
        middle = f"(b => ({{x: b.x + b.width / 2, y: b.y + b.height / 2}}))(({expression}).getBoundingClientRect())"
        place, before = self.value(middle), None
        while place != before:  # a page that scrolls gently still moves
            time.sleep(0.15)
            place, before = self.value(middle), place
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)


@contextmanager
def tab(folder):
    """A tab of a Chromium of its own, which is ended afterwards; `folder` is for its profile."""
    import websocket

    command = [
        BINARY,
        *OPTIONS,
        "--remote-debugging-port=0",
        "--remote-allow-origins=*",
        f"--user-data-dir={folder}",
        "about:blank",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = folder / "DevToolsActivePort"
        end = time.monotonic() + SECONDS
        while not port.exists() or len(port.read_text().split()) < 2:
            assert time.monotonic() < end, "Chromium does not start"
            time.sleep(0.05)
        number, browser = port.read_text().split()
        socket = websocket.create_connection(f"ws://127.0.0.1:{number}{browser}", timeout=SECONDS)
        socket.send(json.dumps({"id": 0, "method": "Target.getTargets"}))
        targets = json.loads(socket.recv())["result"]["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        socket.close()
        socket = websocket.create_connection(f"ws://127.0.0.1:{number}/devtools/page/{page}", timeout=SECONDS)
        yield Tab(socket)
        socket.close()
    finally:
        process.terminate()
        process.wait(SECONDS)

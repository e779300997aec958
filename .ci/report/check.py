#!/usr/bin/env python3
"""Opens an HTML report in headless Chromium, and checks what no other test can see: that it renders without an error and without the
network, fits a phone, can be read in light and in dark, and is used from the keyboard.

    check.py PAGE [FOLDER FOR SCREENSHOTS]

Needs Python and Chromium, and nothing else: it speaks the DevTools protocol over a pipe. Nothing here waits for time to pass."""

import base64
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile

# How long an answer may take before the browser is given up. Answers come in milliseconds.
PATIENCE_S = 60

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-pipe""".split()


class Browser:
    """Chromium, told what to do over one pipe, and heard over another."""

    def __init__(self, profile):
        to_browser, self.write = os.pipe()
        self.read, from_browser = os.pipe()
        # The browser takes the descriptors 3 and 4, whatever they are here.
        script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        command = ["bash", "-c", script, "bash", "chromium", *FLAGS, f"--user-data-dir={profile}"]
        self.log = open(pathlib.Path(profile) / "stderr.log", "w+b")
        self.process = subprocess.Popen(command, pass_fds=(to_browser, from_browser), stderr=self.log)
        os.close(to_browser)
        os.close(from_browser)
        self.number = 0
        self.buffer = b""
        self.events = []
        self.session = None

    def receive(self):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read], [], [], PATIENCE_S)
            piece = os.read(self.read, 1 << 20) if ready else b""
            if not piece:
                self.log.seek(0)
                sys.exit(f"the browser does not answer:\n{self.log.read().decode(errors='replace')[-2000:]}")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        for number, event in enumerate(self.events):
            if event.get("method") == method:
                return self.events.pop(number)
        while True:
            event = self.receive()
            if event.get("method") == method:
                return event
            self.events.append(event)

    def js(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            sys.exit(f"{expression[:200]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def key(self, key, code, text=None):
        down = {"key": key, "code": key if text is None else key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **down, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **down)

    def tab(self):
        self.key("Tab", 9)

    def enter(self):
        self.key("Enter", 13, "\r")

    def screen(self, width, height, scheme):
        mobile = width < 500
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if mobile else 1, mobile=mobile
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, page):
        self.call("Page.navigate", url=page.as_uri())
        self.wait_for("Page.loadEventFired")

    def shoot(self, folder, name):
        if folder:
            shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
            (folder / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(PATIENCE_S)


# Opens everything, and answers when that has been drawn.
OPEN_ALL = """document.querySelectorAll('details').forEach((part) => { part.open = true; }),
new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"""

# What sticks out on the right of the window.
OVERFLOW = """(() => {
  const width = document.documentElement.clientWidth;
  const out = [...document.querySelectorAll('body *')]
    .filter((part) => !part.closest('svg') || part.tagName === 'svg')
    .filter((part) => part.getBoundingClientRect().right > width + 0.5)
    .map((part) => part.tagName + '.' + part.className + ' ' + part.textContent.slice(0, 60));
  return { width, scroll: document.documentElement.scrollWidth, out: out.slice(0, 5) };
})()"""

# Text that is too pale for its ground (WCAG 2, level AA): the ratio, and what it says.
PALE = """(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = 'transparent'; canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const part = (value) => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const ground = (part) => {
    for (let at = part; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return rgba('Canvas');
  };
  const pale = [];
  let seen = 0;
  const check = (part, color, behind, text) => {
    seen += 1;
    const style = getComputedStyle(part);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const found = ratio(rgba(color), behind);
    if (found < (isLarge ? 3 : 4.5)) pale.push(found.toFixed(2) + ' ' + text.slice(0, 50));
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const part = walker.currentNode.parentElement;
    if (!text || part.closest('script, style, title, desc') || !part.checkVisibility()) continue;
    if (!part.closest('svg')) { check(part, getComputedStyle(part).color, ground(part), text); continue; }
    const box = part.closest('.node')?.querySelector('rect');
    const fill = box && rgba(getComputedStyle(box).fill);
    check(part, getComputedStyle(part).fill, fill && fill[3] === 255 ? fill : ground(part.closest('svg')), text);
  }
  return { seen, pale };
})()"""

# Headings that skip a level, images without words, and parts that can be used and have no name.
MEANING = """(() => {
  const wrong = [];
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push('a heading skips a level: ' + heading.textContent);
    level = next;
  }
  if (document.querySelectorAll('h1').length !== 1) wrong.push('there is not one h1');
  for (const image of document.querySelectorAll('svg')) {
    const isNamed = image.getAttribute('role') === 'img' && image.getAttribute('aria-label');
    if (!isNamed && image.getAttribute('aria-hidden') !== 'true') wrong.push('an image without words');
  }
  for (const part of document.querySelectorAll('a, button, summary')) {
    if (!(part.getAttribute('aria-label') || part.textContent).trim()) wrong.push('a nameless ' + part.tagName);
  }
  return wrong;
})()"""

FOCUS = """(() => {
  const part = document.activeElement;
  const box = part.getBoundingClientRect();
  const style = getComputedStyle(part);
  return {
    tag: part.tagName, text: part.textContent.trim().slice(0, 60), copies: part.dataset.copies || null,
    link: part.getAttribute('href'), isFinding: part.matches('#findings ~ details > summary, .finding > summary'),
    isOpen: part.parentElement?.open ?? null,
    isSeen: box.width > 0 && box.left >= 0 && box.right <= innerWidth && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
  };
})()"""

# Answers when what was copied is said.
SAID = """new Promise((done) => {
  const says = document.getElementById('copied');
  const answer = () => says.textContent && done(says.textContent);
  new MutationObserver(answer).observe(says, { childList: true });
  answer();
})"""


def check_looks(browser, page, folder, problems):
    for name, width, height in [("desktop", 1280, 900), ("phone", 360, 780)]:
        for scheme in ["light", "dark"]:
            browser.screen(width, height, scheme)
            browser.open(page)
            browser.shoot(folder, f"{name}-{scheme}")
            browser.js(OPEN_ALL)
            browser.shoot(folder, f"{name}-{scheme}-open")
            found = browser.js(OVERFLOW)
            if found["scroll"] > found["width"] or found["out"]:
                problems.append(f"{name}: sticks out on the right: {found}")
            contrast = browser.js(PALE)
            if contrast["seen"] < 50:
                problems.append(f"{name}, {scheme}: only {contrast['seen']} texts were looked at")
            problems += [f"{name}, {scheme}: too pale: {text}" for text in contrast["pale"]]
    problems += browser.js(MEANING)


def check_keyboard(browser, page, problems):
    browser.screen(1280, 900, "light")
    browser.open(page)
    browser.tab()
    first = browser.js(FOCUS)
    if first["link"] != "#main" or not first["isSeen"]:
        problems.append(f"the first key does not lead to the link to the content: {first}")
    browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    has_copied = has_opened = False
    for _ in range(browser.js("document.querySelectorAll('a, button, summary').length")):
        browser.tab()
        focus = browser.js(FOCUS)
        if focus["tag"] == "BODY":
            break
        if not focus["isSeen"]:
            problems.append(f"where the focus is cannot be seen: {focus}")
        if focus["copies"] and not has_copied:
            wanted = browser.js(f"document.getElementById({focus['copies']!r}).textContent")
            browser.enter()
            said = browser.js(SAID)
            got = browser.js("navigator.clipboard.readText()")
            has_copied = got == wanted and said == f"Copied: {wanted}"
            if not has_copied:
                problems.append(f"copied {got!r} instead of {wanted!r}, and said {said!r}")
        if focus["isFinding"] and not focus["isOpen"] and not has_opened:
            browser.enter()
            has_opened = browser.js(FOCUS)["isOpen"]
        if has_copied and has_opened:
            break
    if not has_copied:
        problems.append("no command was copied from the keyboard")
    if not has_opened and browser.js("document.querySelector('.finding:not([open])') !== null"):
        problems.append("no finding was opened from the keyboard")
    # Where the clipboard may not be used, the command is selected at least.
    browser.open(page)
    browser.js("Object.defineProperty(navigator, 'clipboard', { value: undefined }); document.querySelector('button').click()")
    browser.js(SAID)
    if browser.js("getSelection().toString()") != browser.js("document.querySelector('.line code').textContent"):
        problems.append("without a clipboard, the command is not selected")


def main():
    page = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    problems = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            browser.call(f"{domain}.enable")
        browser.call("Emulation.setFocusEmulationEnabled", enabled=True)
        check_looks(browser, page, folder, problems)
        check_keyboard(browser, page, problems)
        for event in browser.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Network.requestWillBeSent":
                url = params["request"]["url"]
                if url.split("#")[0] != page.as_uri() and not url.startswith("data:"):
                    problems.append(f"asks the network for {url}")
            elif method == "Log.entryAdded":
                problems.append(f"the console says: {params['entry']['text']}")
            elif method == "Runtime.exceptionThrown":
                problems.append(f"a script fails: {params['exceptionDetails']['text']}")
            elif method == "Runtime.consoleAPICalled":
                problems.append(f"the console says: {params['args']}")
        browser.close()
    if problems:
        more = f"\n… and {len(problems) - 20} more" if len(problems) > 20 else ""
        sys.exit("\n".join(f"{page.name}: {problem}" for problem in problems[:20]) + more)
    print(f"{page.name}: renders, fits, reads and is used as it should be")


if __name__ == "__main__":
    main()

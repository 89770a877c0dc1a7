"""The web page of a notebook as a PDF, printed by the machine's own Chromium."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from leadlib.errors import NotebookError
from leadlib.notebooks.proving import sealed_pdf

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The names under which a Chromium is looked for on the PATH, the first of them first."""

SECONDS = 60.0
"""What one file may take; most take two or three."""

_LONGEST_WAIT_S = 60.0
# A browser takes a few hundred megabytes: one at a time.
_PLACE = threading.BoundedSemaphore(1)
_NOWHERE = "http://127.0.0.1:9"  # the port for what is thrown away
_SWITCHES = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers give 64 MB of it, and a page with charts takes more
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-breakpad",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    # The page asks nobody for anything; this is for the browser itself.
    f"--proxy-server={_NOWHERE}",
    "--proxy-bypass-list=<-loopback>",
    "--no-pdf-header-footer",
    "--virtual-time-budget=10000",  # the charts are drawn when it is over, however slow the machine is
)


def chromium() -> str | None:
    """The path of the Chromium on this machine; None if there is none on the PATH."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def to_pdf(page: str, program: str, *, seconds: float = SECONDS) -> bytes:
    """The HTML `page` (that of `to_html`) on paper, by the Chromium at `program`, with the page's proof in it.

    The browser has a folder of its own, which goes with it, nothing of our environment, and no way to any server.
    Any thread may ask; one file is made at a time. Raises NotebookError if none came of it in `seconds`.
    """
    if not _PLACE.acquire(timeout=_LONGEST_WAIT_S):
        raise NotebookError("Other PDFs are still being made. Ask for this one again in a moment.")
    try:
        with tempfile.TemporaryDirectory(prefix="leadlight-pdf-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            (folder / "page.html").write_text(page, encoding="utf-8")
            _print(program, folder, seconds)
            printed = folder / "page.pdf"
            content = printed.read_bytes() if printed.is_file() else b""
    except OSError as error:
        raise _failed(type(error).__name__) from error
    finally:
        _PLACE.release()
    if not content.startswith(b"%PDF") or b"%%EOF" not in content[-64:]:
        raise _failed("it wrote none")
    return sealed_pdf(content, page)


def _print(program: str, folder: Path, seconds: float) -> None:
    switches = [*_SWITCHES, f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={folder / 'page.pdf'}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        switches.append("--no-sandbox")  # Chromium refuses to run as root with it
    process = subprocess.Popen(  # noqa: S603  # a browser from the PATH, over a page that we have written
        [program, *switches, (folder / "page.html").as_uri()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8"},
        cwd=folder,
        start_new_session=True,
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise _failed(f"it took longer than {seconds:g} s") from error
    finally:
        # Its helpers too, which outlive it for a moment and would write into the folder that is deleted next.
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()


def _failed(why: str) -> NotebookError:
    return NotebookError(f"The browser of this machine made no PDF ({why}). Take the web page, and print it to a PDF.")

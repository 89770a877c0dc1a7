"""What importing leadlib does (nothing), and what its packages promise to hand out."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import leadlib

ROOT = Path(__file__).resolve().parents[1]
# The shell is a page script: Streamlit runs it, nobody imports it.
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(leadlib.__path__, "leadlib.")
    if module.name not in {"leadlib.ui.shell", "leadlib.__main__"}
)
PACKAGES = [name for name in MODULES if hasattr(importlib.import_module(name), "__all__")]


def test_importing_everything_starts_nothing_and_writes_nothing(tmp_path: Path) -> None:
    script = f"""
import importlib, socket, sys, threading
sys.path.insert(0, {str(ROOT)!r})
def refuse(*_, **__): raise AssertionError("a socket was opened at import")
socket.create_connection = socket.create_server = refuse
for name in {MODULES!r}:
    importlib.import_module(name)
print([thread.name for thread in threading.enumerate() if thread.name.startswith(("leadlib", "sandbox"))])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_hands_out_exactly_what_it_imports(name: str) -> None:
    package = importlib.import_module(name)
    public = {
        key
        for key, value in vars(package).items()
        if not key.startswith("_") and not isinstance(value, ModuleType) and key != "annotations"
    }
    assert set(package.__all__) == public

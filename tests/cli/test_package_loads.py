"""What `sealift package` loads before it begins to work."""

import subprocess
import sys


def test_package_loads_neither_numpy_nor_what_brings_images_in():
    """Whoever waits for the command waits for its modules: the rare parts come when asked for."""
    code = (
        "import sys; from sealift.cli.commands import load; load('package'); "
        "print([one for one in ('numpy', 'sealift.intake', 'sealift.check') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_package_loads_no_command_line_but_its_own():
    """The one of httpx brings click and pygments, and takes as long as all of httpx."""
    code = (
        "import gc, sys; from sealift.cli.commands import load; load('package'); "
        "print([one for one in ('click', 'pygments') if one in sys.modules], 'httpx' in "
        "sys.modules, gc.isenabled())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True True"

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

"""The page's own tests: its types, and the pure parts by vitest."""

import subprocess

from support.browser import WEB, node


def _run(*arguments):
    done = subprocess.run([*node(), *arguments], cwd=WEB, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]


def test_its_types_fit_together(built):
    _run("node_modules/typescript/bin/tsc", "--noEmit")


def test_what_it_folds_parses_and_measures(built):
    _run("node_modules/vitest/vitest.mjs", "run", "--reporter=dot")

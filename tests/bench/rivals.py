# SPDX-License-Identifier: MIT
"""Rivals: PyTorch and ONNX Runtime as anyone can install them, and what to do where they are not.

PyTorch is Debian's. ONNX Runtime is the library inside onnxruntime-node; no script of the package
is run, for they only fetch what a CPU does not need.
"""

import os
import shutil
import subprocess
from pathlib import Path

from turns import Missing, Worker

HERE = Path(__file__).resolve().parent
PYTHON = os.environ.get('PYTHON', '/usr/bin/python3')
CACHE = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'fermata-bench'
NPM = ['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', 'onnxruntime-node']


def install():
    """onnxruntime-node into the cache folder. Raises Missing."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / 'package.json').write_text('{"private": true}\n')
    try:
        done = subprocess.run(NPM, cwd=CACHE, check=False)
    except OSError as error:
        raise Missing('there is no npm: apt install nodejs npm') from error
    if done.returncode:
        raise Missing(f'{" ".join(NPM)} failed')


def _modules(folder):
    """The node_modules that has onnxruntime-node."""
    asked = [Path(folder)] if folder else []
    asked += [Path(path) for path in os.environ.get('NODE_PATH', '').split(':') if path]
    for path in asked + [CACHE]:
        for place in (path, path / 'node_modules'):
            if (place / 'onnxruntime-node' / 'package.json').exists():
                return place.resolve()
    raise Missing('there is no onnxruntime-node: run.py --install gets it from npm'
                  + ('' if shutil.which('npm') else ' (apt install nodejs npm)'))


class Rivals:
    """Both of them, opened once. versions and missing: {name: text}. scratch: a folder for what
    is made for them."""

    def __init__(self, folder, scratch):
        self.scratch, self.versions, self.missing = scratch, {}, {}
        self._torch = self._open('PyTorch', self._open_torch)
        self._onnx = self._open('ONNX Runtime', lambda: self._open_onnx(folder))

    def _open(self, name, how):
        try:
            worker = how()
            self.versions[name] = worker.hello['version']
            return worker
        except Missing as missing:
            self.missing[name] = str(missing)
            return None

    @staticmethod
    def _open_torch():
        try:
            return Worker([PYTHON, HERE / 'rival_torch.py'],
                          {'OMP_NUM_THREADS': '1', 'PYTHONDONTWRITEBYTECODE': '1'})
        except Missing as missing:
            raise Missing(f'{missing}: apt install python3-torch') from missing

    def _open_onnx(self, folder):
        if not self._torch:
            raise Missing('its graphs are written by PyTorch, which is missing')
        if not shutil.which('node'):
            raise Missing('there is no node: apt install nodejs npm')
        return Worker(['node', HERE / 'rival_ort.js'], {'NODE_PATH': str(_modules(folder))})

    def torch(self, *request):
        """A function that measures what rival_torch.py calls so; None without PyTorch."""
        return self._torch and (lambda: self._torch.ask(' '.join(str(word) for word in request)))

    def onnx(self, kind, weights, form, lanes, steps):
        """The same of ONNX Runtime. Raises Missing where the graph cannot be made."""
        if not self._onnx:
            return None
        path = Path(self.scratch) / f'{kind}-{form}-{lanes}.onnx'
        self._torch.ask(f'onnx {weights} {form} {lanes} {path}')
        return lambda: self._onnx.ask(f'{kind} {path} {steps}')

    def close(self):
        """Ends both."""
        for worker in (self._torch, self._onnx):
            if worker:
                worker.close()

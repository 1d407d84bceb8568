#!/usr/bin/env bash
# Executes routing.ipynb on a run directory in a virtual environment of its own; fails when any cell does.
# usage: notebooks/run.sh RUN_DIR [OUTPUT.ipynb]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
fail() {
  echo "notebooks/run.sh: $*" >&2
  exit 2
}

[[ $# == 1 || $# == 2 ]] || fail "usage: notebooks/run.sh RUN_DIR [OUTPUT.ipynb]"
[[ -d $1 ]] || fail "$1: no such directory; give the run directory of a trained model"
run=$(cd "$1" && pwd)
[[ -f $run/routing/summary.json ]] || fail "$run holds no routing; make it with ./submit.sh routing --run $run"
target=$(dirname "$here")/target
output=${2:-$target/notebooks/routing.ipynb}
mkdir -p "$target" "$(dirname "$output")"

python=
for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
  if [[ $candidate ]] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[[ $python ]] || fail "needs Python 3.11 or later; install it or set PYTHON"

# Made once for these requirements; the stamp is written last, so that a half-made one is made again.
venv=$target/notebook-venv
if ! cmp -s "$here/requirements.txt" "$venv/requirements.stamp"; then
  rm -rf "$venv"
  "$python" -m venv "$venv" || fail "$python has no venv; install python3-venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/requirements.stamp"
fi

# The kernel's sockets lie there: the path of a home may be too long for them, or not writable.
runtime=$(mktemp -d)
trap 'rm -rf "$runtime"' EXIT
FATHOM_RUN=$run JUPYTER_RUNTIME_DIR=$runtime MPLBACKEND=module://matplotlib_inline.backend_inline PYTHONDONTWRITEBYTECODE=1 \
  "$venv/bin/python" - "$here/routing.ipynb" "$output" <<'PYTHON'
import sys
import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

notebook = nbformat.read(sys.argv[1], as_version=4)
# Sockets in the file system: no port for others on this machine to find.
local = Config({"KernelManager": {"transport": "ipc"}})
NotebookClient(notebook, kernel_name="python3", timeout=300, startup_timeout=300, config=local).execute()
nbformat.write(notebook, sys.argv[2])
PYTHON
echo "executed: $output"

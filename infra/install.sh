#!/bin/sh
# Lets uv install what a lock names, or pip install uv itself; says in one sentence why it could not.
#   infra/install.sh uv VERSION                     into .uv
#   infra/install.sh packages WHAT UV ARGUMENT...   what uv does with these arguments
# What they say themselves is in .opscan/install.log.
set -u
log=.opscan/install.log
mkdir -p .opscan/uv
# uv leaves its lock files there, and would leave them in the system's temporary directory
TMPDIR=$PWD/.opscan/uv
export TMPDIR

give_up() {
  echo "$1 The whole story: $log" >&2
  exit 1
}

# the innermost cause that uv names, else its hint, else what it names as the error
reason_of_uv() {
  reason=$(sed -n 's/^ *cause: //p' "$log" | tail -n 1)
  [ -n "$reason" ] || reason=$(sed -n 's/^hint: //p' "$log" | tail -n 1)
  echo "${reason:-$(sed -n 's/^error: //p' "$log" | head -n 1)}"
}

reason_of_pip() {
  reason=$(sed -n "s/.*\(\[Errno [^'\")]*\).*/\1/p" "$log" | tail -n 1)
  echo "${reason:-$(tail -n 1 "$log")}"
}

case $1 in
uv)
  # pyenv's python3 refuses to start where .python-version names one that it lacks
  for python in python3 /usr/bin/python3 /usr/local/bin/python3 python; do
    if $python -c 'import ensurepip' 2>/dev/null; then break; fi
    python=
  done
  [ -n "$python" ] || give_up "No Python with venv was found: install python3 and python3-venv."
  if ! $python -m venv .uv >"$log" 2>&1; then
    give_up "$python could not make a virtual environment ($(tail -n 1 "$log")): install python3-venv."
  fi
  if ! .uv/bin/python -m pip install --disable-pip-version-check "uv==$2" >"$log" 2>&1; then
    give_up "uv could not be downloaded ($(reason_of_pip)): see that this machine reaches pypi.org, or put uv on the PATH."
  fi
  ;;
packages)
  what=$2 uv=$3
  shift 3
  echo "Installing $what …"
  if ! "$uv" "$@" >"$log" 2>&1; then
    if ! "$uv" python find -q --system >/dev/null 2>&1; then
      give_up "Python $(cat .python-version) was not found and could not be downloaded ($(reason_of_uv)): install it, or put it on the PATH."
    fi
    if grep -qE 'Failed to (download|fetch)|error sending request|Network connectivity is disabled' "$log"; then
      give_up "The packages could not be downloaded ($(reason_of_uv)): see that this machine reaches pypi.org, then try again."
    fi
    give_up "uv could not install the packages: $(reason_of_uv)."
  fi
  ;;
esac

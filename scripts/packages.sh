# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by ./play and ./check: installs what is missing of packages.txt.

packages_file=$(dirname "${BASH_SOURCE[0]}")/../packages.txt

# The packages of the sections named.
packages_of() {
    awk -v sections="$*" '
        BEGIN { split(sections, names, " "); for (i in names) wanted[names[i]] = 1 }
        /^# [a-z]+$/ { section = $2; next }
        /^[a-z0-9]/ && (section in wanted) { print $1 }' "$packages_file"
}

# Those of the packages named that are not installed.
packages_missing() {
    local name installed
    # dpkg-query fails where it knows one of them not, and that is no failure here.
    installed=$({ dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true; } |
        sed -n 's/^installed //p')
    for name in "$@"; do
        grep -qxF -- "$name" <<<"$installed" || printf '%s\n' "$name"
    done
}

# ensure_packages SECTION...: 0 when all are there in the end. Says in one sentence what it is about
# to install, or, where it may not, what to run instead.
ensure_packages() {
    local missing as_root=()
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "Not a Debian system: going on as if everything in packages.txt were there." >&2
        return 0
    fi
    # Words without spaces, one a line.
    # shellcheck disable=SC2046
    mapfile -t missing < <(packages_missing $(packages_of "$@"))
    [ ${#missing[@]} -gt 0 ] || return 0

    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            printf '%s\n' "Missing Debian packages, and installing them takes root. Run this, then try again:" \
                "    apt-get install --no-install-recommends ${missing[*]}" >&2
            return 1
        fi
    fi
    echo "Installing with apt${as_root[0]:+ (sudo may ask for your password)}: ${missing[*]}"
    # A fresh machine's lists may be empty or old: only then fetch them.
    if ! apt-get install --simulate --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
        "${as_root[@]}" apt-get update -qq || true
    fi
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes \
        --no-install-recommends "${missing[@]}"; then
        printf '%s\n' "apt could not install them. Once its trouble above is mended, run:" \
            "    apt-get install --no-install-recommends ${missing[*]}" >&2
        return 1
    fi
}

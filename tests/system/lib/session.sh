#!/bin/sh
# SPDX-License-Identifier: MIT
# A private desktop session for one test; see session.py beside it.
exec /usr/bin/python3 "$(dirname "$(readlink -f "$0")")/session.py" "$@"

# SPDX-License-Identifier: MIT
"""The machine's instance on a bus of a test's own, whose rules are those of the system bus and Fermata's
own file. Needs root, to be others; the group "fermata" is only seen by the daemon, in a mount namespace.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIP = 77
GROUP = 54321
POLKIT = "org.freedesktop.PolicyKit1"
# As Debian's system.conf, but that root may own Fermata's name, too.
BUS = """<busconfig>
  <type>system</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.PolicyKit1"/>
  </policy>
  <policy user="root"><allow own="{polkit}"/></policy>
  <include>{root}/dbus/org.fermata.HoldMusic1.conf</include>
  <policy user="root"><allow own="org.fermata.HoldMusic1"/></policy>
</busconfig>
"""


def skip_where_it_cannot_be():
    if os.geteuid() != 0:
        print("skipped: needs root, to call as others")
        sys.exit(SKIP)
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        print("skipped: no mount namespace of our own can be had here (a chroot?)")
        sys.exit(SKIP)


class Machine:
    """`daemon`: its command line, without --system."""

    def __init__(self, ctl, daemon, root):
        self.folder = Path(tempfile.mkdtemp(prefix="fermata-machine."))
        self.folder.chmod(0o755)
        self.children = []
        self.ctl = shutil.copy(ctl, self.folder)  # a build folder may be closed to others
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("DBUS_", "FERMATA_"))},
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.folder}/bus", "XDG_RUNTIME_DIR": "/nowhere",
            "HOME": str(self.folder), "STATE_DIRECTORY": str(self.folder),
        }
        config = self.folder / "bus.conf"
        config.write_text(BUS.format(folder=self.folder, polkit=POLKIT, root=root))
        self.spawn("dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--nosyslog")
        self.wait((self.folder / "bus").exists)
        group = self.folder / "group"
        group.write_text(Path("/etc/group").read_text() + f"fermata:x:{GROUP}:\n")
        self.spawn("unshare", "--mount", "--propagation", "private", "sh", "-c",
                   'mount --bind "$1" /etc/group && shift && exec "$@" --system', "sh", group, *daemon)
        self.wait(lambda: self.run("root", "status").returncode == 0)

    def spawn(self, *command):
        with (self.folder / "log").open("a") as log:
            child = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log)
        self.children.append(child)
        return child

    def wait(self, condition):
        end = time.monotonic() + 60
        while not condition():
            if time.monotonic() > end:
                raise AssertionError((self.folder / "log").read_text())
            time.sleep(0.1)

    def command(self, who, *arguments):
        """fermatactl as "root", "nobody", or "member": nobody, but in the group."""
        groups = ["--groups", str(GROUP)] if who == "member" else ["--clear-groups"]
        become = [] if who == "root" else ["setpriv", "--reuid", "nobody", "--regid", "nogroup",
                                           *groups]
        return [*become, self.ctl, *arguments]

    def run(self, who, *arguments):
        return subprocess.run(self.command(who, *arguments), env=self.environment, text=True,
                              timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def end(self, child):
        self.children.remove(child)
        child.terminate()
        child.wait(30)

    def finish(self):
        for child in reversed(list(self.children)):
            self.end(child)
        log = (self.folder / "log").read_text()
        shutil.rmtree(self.folder)
        assert "Sanitizer" not in log and "runtime error" not in log, log

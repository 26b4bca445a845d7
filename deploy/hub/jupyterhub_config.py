"""JupyterHub for a class on one machine: one environment for all, a folder a learner, and nobody sees another's.

Each learner's server and kernels run in a closed room of bubblewrap, in which the learner's own folder can be written
and no other one is there. The offline Claude runs in each kernel's own process, so that no server is shared. Who logs
in as whom is a matter of one password for the class, which is right for a try in one room; see deploy/README.md.
"""

import os
import secrets
import shutil
import sys
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import Integer

from labkit.lab import ROOT
from labkit.teach.report import sandbox

FOLDER = Path(os.environ.get("LABKIT_HUB_FOLDER", "hub-class")).resolve()
PASSWORD = os.environ.get("LABKIT_HUB_PASSWORD") or secrets.token_urlsafe(9)
PORT = int(os.environ.get("LABKIT_HUB_PORT", "8000"))
IDLE_SECONDS = 3_600
FIRST_ACCOUNT = 1_900_000_000
"""Where root starts the hub, a learner's processes are of an account that nobody has: this plus the learner's id."""

if missing := sandbox.why_not():
    sys.exit(f"The hub keeps learners apart in closed rooms, and there are none here: {missing}. See deploy/README.md.")


class RoomSpawner(SimpleLocalProcessSpawner):
    """Starts each learner's server in a closed room, with bounds on each of its processes."""

    megabytes = Integer(4_000, config=True, help="Address space of one process, in megabytes (prlimit).")
    threads = Integer(
        400, config=True, help="Processes and threads of one learner, where an account has a count (prlimit)."
    )

    async def start(self):
        """Lay out the learner's folder on the first day, then start the server in its room."""
        home = FOLDER / self.user.name
        lay_out(home)
        account = FIRST_ACCOUNT + self.user.id if os.geteuid() == 0 else None
        if account is not None:
            hand_over(home, account)
        bounds = [f"--as={self.megabytes * 1_000_000}"]
        if account is not None:
            bounds.append(f"--nproc={self.threads}")
        rooms = sandbox.walls(home=home, account=account, network=True)
        self.cmd = [*rooms, "prlimit", *bounds, sys.executable, "-m", "jupyterhub.singleuser"]
        return await super().start()

    def user_env(self, env):
        """The variables of a learner's server: where its things are, and no key of whoever started the hub."""
        env |= {"USER": self.user.name, "LABKIT_LEARNER": self.user.name, "SHELL": "/bin/sh"}
        return env | dict.fromkeys(("HOME", "TMPDIR"), sandbox.HOME) | {
            "LABKIT_PROGRESS": f"{sandbox.HOME}/progress", "PYTHONPATH": str(ROOT),
            "IPYTHONDIR": f"{sandbox.HOME}/.ipython",
        }  # fmt: skip

    def make_preexec_fn(self, name):
        """Start where the hub is: the room has a folder of its own."""


def lay_out(home):
    """Give a learner the notebooks, once; what the learner changes in them stays."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    notebooks = home / "notebooks"
    if not notebooks.exists():
        notebooks.mkdir()
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            shutil.copyfile(path, notebooks / path.name)


def hand_over(home, account):
    """Make a learner's folder that account's own; links are not followed."""
    for place, below, files in os.walk(home):
        for path in (Path(place), *(Path(place, name) for name in (*below, *files))):
            os.chown(path, account, account, follow_symlinks=False)


c = get_config()  # noqa: F821
state = FOLDER / ".hub"
state.mkdir(mode=0o700, parents=True, exist_ok=True)

c.JupyterHub.bind_url = f"http://127.0.0.1:{PORT}"
c.JupyterHub.hub_port = int(os.environ.get("LABKIT_HUB_API_PORT", "8081"))
c.JupyterHub.db_url = f"sqlite:///{state / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(state / "cookie_secret")
c.ConfigurableHTTPProxy.command = [str(Path(__file__).parent / "node_modules" / ".bin" / "configurable-http-proxy")]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ.get('LABKIT_HUB_PROXY_PORT', '8001')}"
c.ConfigurableHTTPProxy.pid_file = str(state / "proxy.pid")
c.ConfigurableHTTPProxy.should_start = True

c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = PASSWORD
c.Authenticator.allow_all = True
c.Authenticator.username_pattern = "[a-z0-9][a-z0-9-]{0,39}"

c.JupyterHub.spawner_class = RoomSpawner
c.Spawner.notebook_dir = sandbox.HOME
c.Spawner.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.Spawner.env_keep = ["PATH", "LANG", "LC_ALL"]
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
c.JupyterHub.active_server_limit = 60

c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE_SECONDS}"],
    }
]
print(
    f"The hub: http://127.0.0.1:{PORT}/ with any name and the password {PASSWORD}; learners' folders: {FOLDER}",
    flush=True,
)

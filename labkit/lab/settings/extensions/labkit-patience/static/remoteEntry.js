// JupyterLab drops a cell that is run while its kernel starts, and empties its output (jupyterlab issue 8490).
// Here such a command waits until the kernel is there; so may the one after it, and they run in their order.
// Written as the module that a bundler would make, so that the lab needs no build.

const RUNS = /^(notebook|runmenu):run/;
const MOST_MS = 20_000; // without a kernel by then, JupyterLab asks for one in its own words
const waits = new WeakMap();

function kernelOf(widget) {
  const session = widget?.context?.sessionContext;
  if (!session || session.isReady || session.kernelPreference.shouldStart === false) return null;
  if (!waits.has(session)) {
    waits.set(session, Promise.race([session.ready, new Promise((done) => setTimeout(done, MOST_MS))]));
  }
  return waits.get(session);
}

const plugin = {
  id: "labkit-patience:plugin",
  description: "A cell that is run before its kernel is there waits for it.",
  autoStart: true,
  activate: ({ commands, shell }) => {
    const execute = commands.execute.bind(commands);
    commands.execute = (id, args) => {
      const kernel = RUNS.test(id) && kernelOf(shell.currentWidget);
      return kernel ? kernel.then(() => execute(id, args)) : execute(id, args);
    };
  },
};

window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB["labkit-patience"] = {
  init: () => {},
  get: () => Promise.resolve(() => ({ __esModule: true, default: plugin })),
};

// JupyterLab follows a link to a heading before a notebook that it opens for it has any cells, and stays at its top.
// This asks again once the heading is there, and until it stays in place while outputs above it are still drawn.
// Written as the module that a bundler would make; in a block, because all such files share one scope.
{
  const PAUSE_MS = 150;
  const MOST_TIMES = 40;

  const goTo = async (panel, fragment) => {
    await panel.revealed;
    const name = CSS.escape(decodeURIComponent(fragment.replace(/^#/, "")));
    let still = 0;
    for (let times = 0; times < MOST_TIMES && still < 3; times += 1) {
      await new Promise((done) => setTimeout(done, PAUSE_MS));
      const heading = panel.node.querySelector(`[data-jupyter-id="${name}"]`);
      if (!heading) continue;
      const before = heading.getBoundingClientRect().top;
      heading.scrollIntoView();
      still = Math.abs(heading.getBoundingClientRect().top - before) < 2 ? still + 1 : 0;
    }
  };

  const plugin = {
    id: "labkit-links:plugin",
    description: "A link to a heading of a notebook that is not open yet ends at the heading.",
    autoStart: true,
    activate: ({ commands, shell }) => {
      commands.commandExecuted.connect((_, { id, args, result }) => {
        if (id !== "rendermime:handle-local-link" || !args.id) return;
        result.then(() => shell.currentWidget?.content?.setFragment && goTo(shell.currentWidget, args.id));
      });
    },
  };

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["labkit-links"] = {
    init: () => {},
    get: () => Promise.resolve(() => ({ __esModule: true, default: plugin })),
  };
}

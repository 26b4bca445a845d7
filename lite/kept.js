// What a learner has changed, as JupyterLite keeps it in this browser: read, written, and held against this edition.
const HOME = new URL(".", document.currentScript.src);
const PROGRESS = "progress/progress.jsonl";

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

// JupyterLite's store of files for this site; undefined before anything was kept.
async function files() {
  const name = `JupyterLite Storage - ${HOME.pathname}`;
  if (!(await indexedDB.databases()).some((one) => one.name === name)) return undefined;
  const base = await done(indexedDB.open(name));
  return base.objectStoreNames.contains("files") ? base : base.close();
}

async function inFiles(mode, action) {
  const base = await files();
  if (!base) return undefined;
  try {
    return await action(base.transaction("files", mode).objectStore("files"));
  } finally {
    base.close();
  }
}

const keptFiles = async () => (await inFiles("readonly", (store) => done(store.getAll()))) ?? [];

// Put a file under its path; one of other content that is there moves to a free name, so that nothing is lost.
async function put(file) {
  const there = (await keptFiles()).find((one) => one.path === file.path);
  if (there && JSON.stringify(there.content) !== JSON.stringify(file.content)) await aside(there.path);
  await inFiles("readwrite", (store) => done(store.put(file, file.path)));
}

// Move a file to a free name with "(mine 1)" in it, and give that name.
async function aside(path) {
  const all = new Map((await keptFiles()).map((one) => [one.path, one]));
  const [, stem, ending] = path.match(/^(.*?)(\.[^./]+)$/);
  let number = 1;
  while (all.has(`${stem} (mine ${number})${ending}`)) number += 1;
  const free = `${stem} (mine ${number})${ending}`;
  await inFiles("readwrite", async (store) => {
    await done(store.put({ ...all.get(path), path: free, name: free.split("/").pop() }, free));
    await done(store.delete(path));
  });
  return free;
}

// The paths of the changed notebooks that hide a newer one of this edition.
async function hiding() {
  const { notebooks } = await (await fetch(new URL("edition.json", HOME))).json();
  const old = (one) => one.path in notebooks && one.content?.metadata?.labkit_edition !== notebooks[one.path];
  return (await keptFiles()).filter(old).map((one) => one.path);
}

// On a notebook's page: say that it hides a newer one, and where both can be had.
async function warn() {
  const path = new URLSearchParams(location.search).get("path");
  if (!path || !(await hiding()).includes(path)) return;
  const words = document.createElement("p");
  words.setAttribute("role", "status");
  words.style.cssText = "position: fixed; bottom: 0; margin: 0; padding: 8px; z-index: 9999; background: Canvas; color: CanvasText; border: 1px solid";
  words.append("You have changed this notebook, and the site has a newer one since. ");
  words.append(Object.assign(document.createElement("a"), { href: new URL("index.html", HOME), textContent: "Have both" }));
  document.body.append(words);
}

if (new URL("index.html", HOME).pathname !== location.pathname && HOME.pathname !== location.pathname) warn().catch(() => {});

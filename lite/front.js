// The front page: load all files of this edition into the service worker's cache, and show how far that is.
const bar = document.getElementById("bar");
const said = document.getElementById("said");
// as JupyterLite registers it, so that both have the same worker
const WORKER = "service-worker.js?enableCache=false";
const AT_ONCE = 4;

async function load() {
  if (!("serviceWorker" in navigator)) {
    said.textContent = "This browser, or an address without https, keeps nothing: the notebooks run while the network is there.";
    return;
  }
  await navigator.serviceWorker.register(WORKER);
  await navigator.serviceWorker.ready;
  const edition = await (await fetch("edition.json")).json();
  const cache = await caches.open(`workbook-${edition.name}`);
  const missing = [];
  for (const [path, size] of Object.entries(edition.files)) {
    if (await cache.match(path)) bar.value += size;
    else missing.push([path, size]);
  }
  const show = () => { said.textContent = `${Math.round(bar.value / 1e6)} of ${Math.round(bar.max / 1e6)} MB loaded`; };
  const one = async () => {
    for (let next; (next = missing.shift()); show()) {
      await cache.add(next[0]);
      bar.value += next[1];
    }
  };
  show();
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  said.textContent = "All is loaded: this works without a network from now on.";
}

load().catch((error) => { said.textContent = `Loading stopped (${error.message}). What is loaded works; with a network, open this page again to go on.`; });

const told = document.getElementById("kept");

// Hand a file to the browser's downloads.
function download(name, text) {
  const link = Object.assign(document.createElement("a"), { download: name, href: URL.createObjectURL(new Blob([text])) });
  link.click();
}

const decoded = (file) => new TextDecoder().decode(Uint8Array.from(atob(file.content), (one) => one.charCodeAt(0)));
const encoded = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

document.getElementById("save").addEventListener("click", async () => {
  const kept = await keptFiles();
  if (kept.length) download("workbook-work.json", JSON.stringify({ work: kept }));
  told.textContent = kept.length ? `${kept.length} files saved in workbook-work.json.` : "Nothing is kept here yet.";
});

document.getElementById("progress").addEventListener("click", async () => {
  const file = (await keptFiles()).find((one) => one.path === PROGRESS);
  if (file) download("progress.jsonl", file.format === "base64" ? decoded(file) : file.content);
  told.textContent = file ? "Your progress is saved in progress.jsonl." : "No progress is kept here yet.";
});

document.getElementById("load").addEventListener("change", async (event) => {
  const [chosen] = event.target.files;
  const text = await chosen.text();
  const now = new Date().toISOString();
  const record = { name: "progress.jsonl", path: PROGRESS, created: now, last_modified: now, format: "base64",
    mimetype: "octet/stream", content: "", size: chosen.size, writable: true, type: "file" };
  try {
    if (!(await keptFiles()).length) throw new Error("open a notebook and save it first, then load the file");
    const work = chosen.name.endsWith(".jsonl") ? [{ ...record, content: encoded(text) }] : JSON.parse(text).work;
    for (const file of work) await put(file);
    told.textContent = `${work.length} files loaded; what was here under the same name has "(mine 1)" in its name now.`;
  } catch (error) {
    told.textContent = `Nothing was loaded from ${chosen.name}: ${error.message}.`;
  }
});

async function showNewer() {
  for (const path of await hiding()) {
    const line = document.createElement("p");
    const button = Object.assign(document.createElement("button"), { textContent: "Have both" });
    line.append(`You have changed ${path}, and the site has a newer one since. `, button);
    button.addEventListener("click", async () => {
      line.textContent = `Yours is now ${await aside(path)}; the link above opens the newer one.`;
    });
    document.getElementById("newer").append(line);
  }
}

showNewer().catch(() => {}); // without a network, or before anything is kept, there is nothing to compare

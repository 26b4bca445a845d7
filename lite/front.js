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

// Every file of this edition from the cache, and from the network while it is not there; the rest as JupyterLite has it.
// Names are not those of JupyterLite's worker, which shares them: a second constant of one name stops the worker.
const KEPT = "workbook-$edition";
const ROOT = new URL(self.registration.scope);

self.addEventListener("activate", (event) => {
  const old = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("workbook-") && name !== KEPT) await caches.delete(name);
    }
  };
  event.waitUntil(old());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const kept = event.request.method === "GET" && url.href.startsWith(ROOT.href)
    && !/\/api\/(drive|stdin|service-worker-heartbeat)/.test(url.pathname) && !url.pathname.endsWith("/edition.json");
  if (!kept) return;
  event.stopImmediatePropagation();
  event.respondWith(answer(url));
});

// The address without its query, which chooses a notebook or asks for a fresh copy, and with the name of its page.
async function answer(url) {
  const path = url.origin + url.pathname.replace(/\/$/, "/index.html");
  const cache = await caches.open(KEPT);
  const found = await cache.match(path);
  if (found) return found;
  const response = await fetch(path);
  if (response.ok) await cache.put(path, response.clone());
  return response;
}

importScripts("jupyterlite-worker.js");

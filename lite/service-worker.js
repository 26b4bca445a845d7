// Every file of this edition from the cache, and from the network while it is not there; the rest as JupyterLite has it.
const CACHE = "workbook-$edition";
const root = new URL(self.registration.scope);

self.addEventListener("activate", (event) => {
  const old = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("workbook-") && name !== CACHE) await caches.delete(name);
    }
  };
  event.waitUntil(old());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const kept = event.request.method === "GET" && url.href.startsWith(root.href)
    && !/\/api\/(drive|stdin|service-worker-heartbeat)/.test(url.pathname) && !url.pathname.endsWith("/edition.json");
  if (!kept) return;
  event.stopImmediatePropagation();
  event.respondWith(answer(url));
});

// The address without its query, which chooses a notebook or asks for a fresh copy, and with the name of its page.
async function answer(url) {
  const path = url.origin + url.pathname.replace(/\/$/, "/index.html");
  const cache = await caches.open(CACHE);
  const found = await cache.match(path);
  if (found) return found;
  const response = await fetch(path);
  if (response.ok) await cache.put(path, response.clone());
  return response;
}

importScripts("jupyterlite-worker.js");

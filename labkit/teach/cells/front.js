// What the browser's half of every widget begins with; its own file follows.

// Each widget loads this again, so a counter would give two of them the same ids.
const freshId = () => `labkit-${Math.random().toString(36).slice(2)}`;

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Fill the place that the notebook gives a widget; its keys are no commands of the notebook. */
function settle(el, kind, ...children) {
  el.classList.add("labkit-widget", kind);
  el.dataset.lmSuppressShortcuts = "true";
  el.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(...children);
}


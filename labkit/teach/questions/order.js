// The browser's half of order.py, after cells/front.js: lines of a program that are moved, indented or left out.

const KEYS = { ArrowUp: ["move", -1], ArrowDown: ["move", 1], ArrowLeft: ["indent", -1], ArrowRight: ["indent", 1], Delete: ["toss", 0], Backspace: ["toss", 0] };
const SIGNS = [["Move up", "ArrowUp", "↑"], ["Move down", "ArrowDown", "↓"], ["Less indentation", "ArrowLeft", "←"], ["More indentation", "ArrowRight", "→"], ["Leave out or take back", "Delete", "✕"]];

function render({ model, el }) {
  const said = make("p", { className: "labkit-said", role: "status", "aria-live": "polite" });
  const result = make("p", { className: "labkit-status", role: "status", "aria-live": "polite" });
  const how = make("p", { className: "labkit-how" },
    "Focus a line with Tab. Up and Down move it, Left and Right indent it, Delete leaves it out and takes it back.");
  const list = make("ol", { className: "labkit-lines" });
  const check = make("button", { type: "button" }, "Run the check");
  let rows = model.get("lines").map((text, number) => row(text, number));

  function row(text, number) {
    const one = { text, number, level: 0, used: true };
    one.code = make("button", { type: "button", className: "labkit-line" }, make("code", {}, text));
    one.code.addEventListener("keydown", (event) => {
      const [what, step] = KEYS[event.key] ?? [];
      if (!what) return;
      event.preventDefault();
      act(one, what, step, one.code);
    });
    const buttons = SIGNS.map(([name, key, sign]) => {
      const button = make("button", { type: "button", className: "labkit-nudge", "aria-label": `${name}: ${text}` }, sign);
      button.addEventListener("click", () => act(one, ...KEYS[key], button));
      return button;
    });
    one.item = make("li", {}, one.code, make("span", { className: "labkit-nudges" }, ...buttons));
    return one;
  }

  function act(one, what, step, focus) {
    if (what === "move") {
      const at = rows.indexOf(one);
      const to = Math.min(Math.max(at + step, 0), rows.length - 1);
      rows.splice(at, 1);
      rows.splice(to, 0, one);
    } else if (what === "indent") one.level = Math.min(Math.max(one.level + step, 0), 5);
    else one.used = !one.used;
    draw();
    focus.focus();
    said.textContent = `${one.text}: ${one.used ? `place ${rows.indexOf(one) + 1} of ${rows.length}, indented ${one.level} times` : "left out"}.`;
  }

  function draw() {
    list.replaceChildren(...rows.map((one) => one.item));
    rows.forEach((one, at) => {
      one.code.style.marginLeft = `${2 + 2 * one.level}em`;
      one.item.dataset.used = String(one.used);
      one.code.setAttribute("aria-label", `${one.text}, place ${at + 1} of ${rows.length}, indented ${one.level} times${one.used ? "" : ", left out"}`);
    });
  }

  check.addEventListener("click", () => {
    const placed = rows.filter((one) => one.used).map((one) => [one.number, one.level]);
    model.set("given", { placed, try: (model.get("given").try ?? 0) + 1 });
    model.save_changes();
  });
  const show = () => {
    if (result.textContent !== model.get("sentence")) result.textContent = model.get("sentence");
    el.dataset.result = model.get("sentence") ? (model.get("right") ? "right" : "open") : "";
  };
  const task = make("p", {}, `Put these lines in order; some may be wrong. ${model.get("task")}`);
  settle(el, "labkit-order", task, make("pre", {}, model.get("fixed")), list, how, said, check, result);
  model.on("change:sentence", show);
  model.on("change:right", show);
  draw();
  show();
  return () => {
    model.off("change:sentence", show);
    model.off("change:right", show);
  };
}

export default { render };

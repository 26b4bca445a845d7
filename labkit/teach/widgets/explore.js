// The browser's half of explore.py, after cells/front.js: native inputs, one picture, one sentence.
// Pictures are kept by settings; those one step away are asked for ahead, so that most moves redraw without the kernel.

const KEPT = 512;
const AHEAD = 16;
const NARROW = 520;
const shelves = new WeakMap();

const keyOf = (controls, settings) => JSON.stringify(controls.map((control) => settings[control.name]));
const shown = (value) => (typeof value === "number" ? value.toLocaleString("en-US") : String(value));

/** What the models share between their views: pictures by settings, and what was asked for. */
function shelf(model) {
  if (!shelves.has(model)) {
    const pictures = new Map();
    const asked = new Set();
    const readers = new Set();
    const put = (frame) => {
      const key = keyOf(model.get("controls"), frame.settings);
      asked.delete(key);
      pictures.set(key, frame);
      if (pictures.size > KEPT) pictures.delete(pictures.keys().next().value);
      readers.forEach((read) => read(key));
    };
    model.on("msg:custom", (content) => content.frame && put(content.frame));
    put(model.get("first"));
    shelves.set(model, { pictures, asked, readers });
  }
  return shelves.get(model);
}

function onGrid(control, value) {
  const steps = Math.round((value - control.minimum) / control.step);
  return Number((control.minimum + steps * control.step).toFixed(10));
}

/** The values one step away from a control's value. */
function beside(control, value) {
  if (control.kind === "switch") return [!value];
  if (control.kind === "slider")
    return [value + control.step, value - control.step]
      .filter((next) => next >= control.minimum - 1e-9 && next <= control.maximum + 1e-9)
      .map((next) => onGrid(control, next));
  if (control.kind === "several") return control.options.map((option) => toggled(control, value, option));
  const place = control.options.indexOf(value);
  return [control.options[place + 1], control.options[place - 1]].filter((option) => option !== undefined);
}

const toggled = (control, value, option) =>
  control.options.filter((other) => (other === option ? !value.includes(other) : value.includes(other)));

function slider(control, id, change) {
  const amount = make("span", { className: "labkit-amount", "aria-hidden": "true" });
  const input = make("input", {
    type: "range", id, min: control.minimum, max: control.maximum, step: control.step,
  });
  const unit = (value) => (value === 1 ? control.unit.replace(/s$/, "") : control.unit);
  const said = (value) => [shown(value), unit(value)].filter(Boolean).join(" ");
  input.addEventListener("input", () => change(onGrid(control, input.valueAsNumber)));
  const line = make("span", { className: "labkit-line" }, input, amount);
  if (control.play) line.append(player(control, input, change));
  return {
    nodes: [make("label", { htmlFor: id }, control.label), line],
    show: (value) => {
      if (input.valueAsNumber !== value) input.value = value;
      amount.textContent = said(value);
      input.setAttribute("aria-valuetext", said(value));
    },
  };
}

function player(control, input, change) {
  const button = make("button", { type: "button" }, "Play");
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
    button.setAttribute("aria-label", `Play: move ${control.label} by itself`);
  };
  const step = () => {
    if (!button.isConnected || input.valueAsNumber >= control.maximum) return stop();
    change(onGrid(control, input.valueAsNumber + control.step));
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (input.valueAsNumber >= control.maximum) change(control.minimum);
    button.textContent = "Pause";
    button.setAttribute("aria-label", `Pause ${control.label}`);
    timer = setInterval(step, 600);
  });
  stop();
  return button;
}

function choice(control, id, change) {
  const options = control.options.map((option, i) => make("option", { value: i }, shown(option)));
  const input = make("select", { id }, ...options);
  input.addEventListener("change", () => change(control.options[input.selectedIndex]));
  return {
    nodes: [make("label", { htmlFor: id }, control.label), input],
    show: (value) => (input.selectedIndex = control.options.indexOf(value)),
  };
}

function toggle(control, id, change) {
  const input = make("input", { type: "checkbox", id });
  input.addEventListener("change", () => change(input.checked));
  const line = make("label", { htmlFor: id, className: "labkit-line" }, input, control.label);
  return { nodes: [line], show: (value) => (input.checked = value) };
}

function several(control, id, change) {
  let ticked = [];
  const boxes = control.options.map((option) => make("input", { type: "checkbox" }));
  boxes.forEach((box, i) => box.addEventListener("change", () => change(toggled(control, ticked, control.options[i]))));
  const lines = boxes.map((box, i) => make("label", { className: "labkit-line" }, box, shown(control.options[i])));
  const set = make("fieldset", { id }, make("legend", {}, control.label), ...lines);
  return {
    nodes: [set],
    show: (value) => {
      ticked = value;
      boxes.forEach((box, i) => (box.checked = value.includes(control.options[i])));
    },
  };
}

const MAKERS = { slider, choice, switch: toggle, several };

function render({ model, el }) {
  const controls = model.get("controls");
  const { pictures, asked, readers } = shelf(model);
  const picture = make("div", { className: "labkit-picture" });
  const words = make("p", { className: "labkit-words", role: "status", "aria-live": "polite" });
  const trouble = make("details", { hidden: true });
  const panel = make("div", { className: "labkit-controls" });

  const want = (list) => {
    const missing = list.filter((settings) => {
      const key = keyOf(controls, settings);
      return !pictures.has(key) && !asked.has(key) && asked.add(key);
    });
    if (missing.length) model.send({ want: missing });
  };
  const neighbours = (settings) =>
    controls
      .flatMap((control) => beside(control, settings[control.name]).map((value) => ({ ...settings, [control.name]: value })))
      .slice(0, AHEAD);
  // Picture and words keep the room that the largest so far needed, so that what is below them does not jump.
  const held = new Map([[picture, 0], [words, 0]]);
  let wide = 0;
  const hold = () => {
    const changed = words.clientWidth !== wide;
    wide = words.clientWidth;
    for (const [part, tallest] of held) {
      part.style.minHeight = "";
      held.set(part, Math.max(changed ? 0 : tallest, part.offsetHeight));
      part.style.minHeight = `${held.get(part)}px`;
    }
  };
  const isNarrow = () => words.clientWidth > 0 && words.clientWidth < NARROW;
  const draw = () => {
    const settings = model.get("settings");
    const frame = pictures.get(keyOf(controls, settings));
    el.setAttribute("aria-busy", String(!frame));
    if (!frame) return;
    const narrow = isNarrow();
    picture.dataset.narrow = narrow;
    picture.innerHTML = (narrow && frame.narrow) || frame.svg || "";
    words.textContent = frame.error || frame.words;
    hold();
    trouble.replaceChildren();
    if (frame.error) trouble.append(make("summary", {}, "Where it happened"), make("pre", {}, frame.trace));
    trouble.hidden = !frame.error;
  };
  const refresh = () => {
    const settings = model.get("settings");
    fields.forEach((field, i) => field.show(settings[controls[i].name]));
    draw();
    want([settings]);
    want(neighbours(settings));
  };
  const fields = controls.map((control) => {
    const change = (value) => {
      model.set("settings", { ...model.get("settings"), [control.name]: value });
      model.save_changes();
    };
    const field = MAKERS[control.kind](control, freshId(), change);
    panel.append(make("div", { className: `labkit-control labkit-${control.kind}` }, ...field.nodes));
    return field;
  });
  const arrived = (key) => key === keyOf(controls, model.get("settings")) && draw();

  settle(el, "labkit-explore", panel, picture, words, trouble);
  readers.add(arrived);
  model.on("change:settings", refresh);
  refresh();
  const resized = new ResizeObserver(() => words.clientWidth !== wide && draw());
  resized.observe(el);
  return () => {
    resized.disconnect();
    readers.delete(arrived);
    model.off("change:settings", refresh);
  };
}

export default { render };

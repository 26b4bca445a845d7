// The browser's half of quiz.py, after cells/front.js: native inputs, one form a question, results said to a screen reader.

/** Text with `code` between backticks, as nodes. */
const words = (text) => text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));
const plain = (text) => text.replaceAll("`", "");
const noteLine = () => make("span", { className: "labkit-note", id: freshId() });
const toldBy = (note) => ({ "aria-describedby": note.id });
const explained = (notes) => (list) => notes.forEach((note, i) => note.replaceChildren(...words(list[i] ?? "")));

/** One of several, or several of several: radio buttons or boxes. */
function choices(question, name) {
  const type = question.kind === "one" ? "radio" : "checkbox";
  const notes = question.options.map(noteLine);
  const inputs = question.options.map((_, i) => make("input", { type, name, value: String(i), ...toldBy(notes[i]) }));
  const lines = question.options.map((option, i) =>
    make("div", {}, make("label", {}, inputs[i], make("span", {}, ...words(option))), notes[i]));
  const chosen = () => inputs.flatMap((input, i) => (input.checked ? [i] : []));
  return {
    nodes: lines,
    read: () => (type === "radio" ? chosen()[0] ?? null : chosen()),
    explain: explained(notes),
  };
}

/** A number with its unit. */
function figure(question, name) {
  const note = noteLine();
  const input = make("input", { type: "text", inputMode: "decimal", id: name, autocomplete: "off", ...toldBy(note) });
  return {
    nodes: [make("label", { htmlFor: name }, `Your answer in ${question.unit}: `, input), note],
    read: () => input.value,
    explain: explained([note]),
  };
}

/** Steps to put in order: each has two buttons, and the focus goes along with the step that moves. */
function sequence(question) {
  const said = make("p", { className: "labkit-said", role: "status", "aria-live": "polite" });
  const list = make("ol", { className: "labkit-steps" });
  const notes = question.options.map(noteLine);
  const many = question.options.length;
  const rows = question.options.map((option, i) => {
    const place = make("span", { className: "labkit-place" });
    const buttons = [["up", -1, "↑"], ["down", 1, "↓"]].map(([way, step, sign]) => {
      const button = make("button", { type: "button", "aria-label": `Move ${way}: ${plain(option)}`, ...toldBy(notes[i]) }, sign);
      button.addEventListener("click", () => move(i, step, button));
      return button;
    });
    const row = make("li", {}, place, ...buttons, make("span", { className: "labkit-step" }, ...words(option)), notes[i]);
    return { row, place, buttons, option };
  });
  let order = rows.map((_, i) => i);
  const draw = () => {
    order.forEach((i, at) => {
      rows[i].place.textContent = `${at + 1}.`;
      rows[i].buttons[0].setAttribute("aria-disabled", String(at === 0));
      rows[i].buttons[1].setAttribute("aria-disabled", String(at === many - 1));
    });
  };
  function move(i, step, button) {
    const at = order.indexOf(i);
    const to = at + step;
    const name = plain(rows[i].option);
    if (to < 0 || to >= many) {
      said.textContent = `${name}: already ${step < 0 ? "first" : "last"} of ${many}.`;
      return;
    }
    order.splice(at, 1);
    order.splice(to, 0, i);
    list.append(...order.map((one) => rows[one].row));
    draw();
    button.focus();
    said.textContent = `${name}: now place ${to + 1} of ${many}.`;
  }
  list.append(...rows.map((one) => one.row));
  draw();
  return { nodes: [list, said], read: () => [...order], explain: explained(notes) };
}

/** Messages of a conversation, each a button that is pressed or not; the word beside it says what that means. */
function messages(question) {
  const notes = question.options.map(noteLine);
  const buttons = question.options.map((option, i) => {
    const fate = make("span", { className: "labkit-fate", "aria-hidden": "true" });
    const said = make("span", { className: "labkit-message" }, make("b", {}, `${question.roles[i]}: `), ...words(option));
    const button = make("button", { type: "button", className: "labkit-mark", "aria-pressed": "false", ...toldBy(notes[i]) },
      make("span", { className: "labkit-place" }, `${i + 1}`), said, fate);
    button.dataset.role = question.roles[i];
    const show = () => {
      fate.textContent = button.getAttribute("aria-pressed") === "true" ? question.mark : question.rest;
    };
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      show();
    });
    show();
    return button;
  });
  const items = buttons.map((button, i) => make("li", {}, button, notes[i]));
  return {
    nodes: [
      make("p", { className: "labkit-how" }, `Press the messages that are ${question.mark}; press again to take it back.`),
      make("ol", { className: "labkit-talk" }, ...items),
    ],
    read: () => buttons.flatMap((button, i) => (button.getAttribute("aria-pressed") === "true" ? [i] : [])),
    explain: explained(notes),
  };
}

const FIELDS = { one: choices, several: choices, number: figure, order: sequence, messages };

function card(model, question, number) {
  const field = FIELDS[question.kind](question, freshId());
  const status = make("p", { className: "labkit-status", role: "status", "aria-live": "polite" });
  const legend = make("legend", {}, ...words(`${number}. ${question.ask}${question.hint}`));
  const check = make("button", { type: "submit", "aria-label": `Check question ${number}` }, "Check");
  const reveal = make("button", { type: "button", "aria-label": `Show the answer to question ${number}` }, "Show the answer");
  reveal.hidden = true;
  const form = make("form", {}, make("fieldset", {}, legend, ...field.nodes, check, " ", reveal, status));
  const send = (answer) => {
    const given = model.get("given");
    const tries = (given[question.id]?.try ?? 0) + 1;
    model.set("given", { ...given, [question.id]: { ...answer, try: tries } });
    model.save_changes();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send({ answer: field.read() });
  });
  reveal.addEventListener("click", () => send({ shown: true }));
  const show = () => {
    const result = model.get("results")[question.id];
    if (!result) return;
    field.explain(result.notes);
    reveal.hidden = result.right;
    form.dataset.result = result.right ? "right" : "open";
    if (status.textContent !== result.sentence) status.textContent = result.sentence;
  };
  return { form, show };
}

function render({ model, el }) {
  const body = make("div");
  const score = make("p", { className: "labkit-score", role: "status", "aria-live": "polite" });
  const again = make("button", { type: "button" }, "Try again with other numbers");
  let cards = [];
  const show = () => {
    cards.forEach((one) => one.show());
    if (score.textContent !== model.get("score")) score.textContent = model.get("score");
  };
  const ask = () => {
    cards = model.get("questions").map((question, i) => card(model, question, i + 1));
    body.replaceChildren(...cards.map((one) => one.form));
    show();
  };
  again.addEventListener("click", () => {
    model.set("seed", model.get("seed") + 1);
    model.save_changes();
  });
  settle(el, "labkit-quiz", body, score, again);
  model.on("change:questions", ask);
  model.on("change:results", show);
  model.on("change:score", show);
  ask();
  return () => {
    model.off("change:questions", ask);
    model.off("change:results", show);
    model.off("change:score", show);
  };
}

export default { render };

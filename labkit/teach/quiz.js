// The browser's half of labkit.teach.quiz: native inputs, one form a question, results said to a screen reader.

let made = 0;

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Text with `code` between backticks, as nodes. */
const words = (text) => text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));

function choices(question, name) {
  const type = question.kind === "one" ? "radio" : "checkbox";
  const notes = question.options.map(() => make("span", { className: "labkit-note" }));
  const inputs = question.options.map((_, i) => make("input", { type, name, value: String(i) }));
  const lines = question.options.map((option, i) =>
    make("div", {}, make("label", {}, inputs[i], make("span", {}, ...words(option))), notes[i]));
  const chosen = () => inputs.flatMap((input, i) => (input.checked ? [i] : []));
  return {
    nodes: lines,
    read: () => (type === "radio" ? chosen()[0] ?? null : chosen()),
    explain: (list) => notes.forEach((note, i) => note.replaceChildren(...words(list[i] ?? ""))),
  };
}

function figure(question, name) {
  const input = make("input", { type: "text", inputMode: "decimal", id: name, autocomplete: "off" });
  const note = make("p", { className: "labkit-note" });
  return {
    nodes: [make("label", { htmlFor: name }, `Your answer in ${question.unit}: `, input), note],
    read: () => input.value,
    explain: (list) => note.replaceChildren(...words(list[0] ?? "")),
  };
}

function card(model, question, number) {
  const name = `labkit-quiz-${++made}`;
  const field = (question.kind === "number" ? figure : choices)(question, name);
  const status = make("p", { className: "labkit-status", role: "status", "aria-live": "polite" });
  const many = question.kind === "several" ? " (several may be right)" : "";
  const legend = make("legend", {}, ...words(`${number}. ${question.ask}${many}`));
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
  const cards = model.get("questions").map((question, i) => card(model, question, i + 1));
  const score = make("p", { className: "labkit-score", role: "status", "aria-live": "polite" });
  const show = () => {
    cards.forEach((one) => one.show());
    score.textContent = model.get("score");
  };
  el.classList.add("labkit-quiz");
  el.dataset.lmSuppressShortcuts = "true";
  el.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(...cards.map((one) => one.form), score);
  model.on("change:results", show);
  model.on("change:score", show);
  show();
  return () => {
    model.off("change:results", show);
    model.off("change:score", show);
  };
}

export default { render };

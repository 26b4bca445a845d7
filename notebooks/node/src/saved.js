/**
 * A conversation in a JSON file, in the one form that Python and Node.js share: labkit/stores/saved_form.schema.json.
 *
 * Messages are written once and named by their places. A save replaces the file whole or not at all.
 */

import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import Ajv from "ajv/dist/2020.js";

const FORMAT = "labkit-conversation";
const SCHEMA = new URL("../../../labkit/stores/saved_form.schema.json", import.meta.url);
const METADATA = ["pinned", "importance", "timestamp", "flags", "replaces", "stop_reason"];

/** What is stored is not a conversation that can be read here; says where. */
export class SavedFormError extends Error {}

/** The file holds something that this manager neither loaded nor saved; it was left as it is. */
export class ConversationConflict extends Error {}

/** What was saved at `path`, or null where there is no file: kind, settings, conversation and revision. */
export async function read(path) {
  const text = await readFile(path, "utf-8").catch((error) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  return text === null ? null : fromDocument(await checked(parsed(text, path), path), path);
}

/** Replace the file by `saved` and give its new revision. */
export async function write(path, saved) {
  const revision = saved.revision + 1;
  const text = written(await checked(toDocument({ ...saved, revision }), "this conversation"));
  const unfinished = join(dirname(path), `.${basename(path)}.${process.pid}.saving`);
  try {
    const mode = await stat(path).then(
      ({ mode }) => mode,
      () => 0o600,
    );
    const file = await open(unfinished, "w", mode);
    await file
      .writeFile(text)
      .then(() => file.sync())
      .finally(() => file.close());
    const stored = (await read(path))?.revision ?? 0;
    if (stored !== saved.revision)
      throw new ConversationConflict(
        `${path} holds revision ${stored}, this manager knows ${saved.revision}: load it first`,
      );
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
  return revision;
}

let validate;

async function checked(document, name) {
  validate ??= new Ajv({ strict: false }).compile(JSON.parse(await readFile(SCHEMA, "utf-8")));
  if (validate(document)) return document;
  const [{ instancePath, message }] = validate.errors;
  throw new SavedFormError(`${name} is not a saved conversation: ${instancePath || "the document"} ${message}`);
}

function parsed(text, name) {
  try {
    return JSON.parse(text, (key, value) => exact(value));
  } catch (error) {
    throw new SavedFormError(`${name} cannot be read: ${error.message}`);
  }
}

function exact(value) {
  const lost =
    typeof value === "number" && (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)));
  if (lost) throw new RangeError(`JavaScript cannot hold the number ${value} exactly`);
  return value;
}

function written(document) {
  const rows = (messages) =>
    messages.length ? `[\n${messages.map((row) => JSON.stringify(row)).join(",\n")}\n]` : "[]";
  const entry = ([key, value]) =>
    `"${key}": ${["transcript", "beside"].includes(key) ? rows(value) : JSON.stringify(value)}`;
  return `{\n${Object.entries(document).map(entry).join(",\n")}\n}\n`;
}

const renamed = (settings, rename) =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [rename(key), value]));
const snake = (key) => key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
const camel = (key) => key.replace(/_[a-z]/g, ([, letter]) => letter.toUpperCase());

function toDocument({ kind, settings, revision, conversation }) {
  const { transcript, history, meter, system, facts, summaries, failures, sentWhole, usage, last } = conversation;
  const messages = [...transcript];
  const places = new Map(messages.map((message, place) => [message, place]));
  const found = [...history, ...(meter.view ?? []), ...messages.flatMap(replacedBy)];
  for (const message of found) {
    if (places.has(message)) continue;
    places.set(message, messages.push(message) - 1);
    found.push(...replacedBy(message)); // what a message replaces may replace others
  }
  const at = (some) => some.map((message) => places.get(message));
  const rows = messages.map((message) => row(message, at));
  return {
    format: FORMAT,
    version: 1,
    revision,
    kind,
    settings: { ...renamed(settings, snake), steps: [] },
    ...{ system, facts, summaries, failures, ...(sentWhole && { sent_whole: sentWhole }), usage, last },
    meter: { tokens: meter.tokens, view: meter.view && at(meter.view) },
    history: history === transcript ? null : at(history),
    transcript: rows.slice(0, transcript.length),
    beside: rows.slice(transcript.length),
  };
}

const replacedBy = (message) => message.replaces ?? [];

function row(message, at) {
  const { role, content } = message;
  const beside = METADATA.filter((key) => message[key] != null).map((key) => [
    key,
    key === "replaces" ? at(message.replaces) : message[key],
  ]);
  return { role, content, ...Object.fromEntries(beside) };
}

function fromDocument(document, name) {
  const { kind, revision, system, facts, summaries, failures, sent_whole: sentWhole, usage, last, meter } = document;
  const { steps = [], ...settings } = document.settings;
  if (steps.length)
    throw new SavedFormError(`${name} was saved with the steps ${steps}, which are Python: open it in Python`);
  const message = messagesOf([...document.transcript, ...document.beside], name);
  const transcript = [...document.transcript.keys()].map(message);
  const history = document.history?.map(message) ?? transcript;
  const view = typeof meter.view === "number" ? history.slice(0, meter.view) : (meter.view?.map(message) ?? null);
  const conversation = { system, transcript, history, facts, summaries, failures, ...(sentWhole && { sentWhole }), usage, last };
  return {
    kind,
    revision,
    settings: renamed(settings, camel),
    conversation: { ...conversation, meter: { tokens: meter.tokens, view } },
  };
}

/** A function from a place to its message, made once, with the messages that it replaces. */
function messagesOf(rows, name) {
  const made = new Map();
  return function message(place) {
    if (made.get(place) === "under way") throw new SavedFormError(`${name} is damaged: messages replace one another`);
    if (!(place in rows))
      throw new SavedFormError(`${name} is damaged: it names message ${place}, but has ${rows.length}`);
    if (!made.has(place)) {
      made.set(place, "under way");
      const { replaces, ...rest } = rows[place];
      made.set(place, replaces ? { ...rest, replaces: replaces.map(message) } : rest);
    }
    return made.get(place);
  };
}

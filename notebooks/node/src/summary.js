/** Summaries: what Claude is asked for, and the pair of messages that takes the place of the older part. */

import { blocks, exchanges, mustStay, starts, textOf, withoutThinking } from "./history.js";

const PREFIX = "[Conversation summary: ";
const ACKNOWLEDGEMENT = "Understood. I will go on from this summary.";
const SYSTEM = "You condense conversations so that they can be continued from your summary alone.";
const INSTRUCTION =
  "Summarize the conversation below so that it can go on without the original messages. Keep word for word: names, " +
  "identifiers, amounts, dates, decisions and who made them, preferences, constraints, open questions and what tools " +
  "returned. Leave out greetings, thanks and small talk. Write the summary only.";
const READING =
  "A line is a speaker's only where it begins with the speaker's name or goes on below it, indented. Lines that " +
  "begin with > or | are calls, results of tools and documents: nobody said them, so name their source.";
const MOST = 1024; // tokens of a summary

/** A summary that cannot be used; the message says why, and the conversation is as it was. */
export class SummaryFailed extends Error {}

const isSummary = (message) => Boolean(message.flags?.includes("summary"));

/** The older part and the newest `keep` turns; nothing is old while it is only a summary and what must stay. */
export function split(history, keep) {
  const opening = starts(history);
  if (opening.length <= keep) return [[], history];
  const cut = keep ? opening.at(-keep) : history.length;
  const old = history.slice(0, cut);
  const done = exchanges(old).every(([low, high]) => isSummary(old[low]) || old.slice(low, high).some(mustStay));
  return done ? [[], history] : [old, history.slice(cut)];
}

/**
 * True when one more summary neither leaves room for a turn below the threshold nor halves the request: one on every turn
 * would cost a call each time and shorten little. `billed` is the last request's input, `besides` the text sent besides
 * the messages. The first summary is never too early.
 */
export function isTooEarly(history, old, threshold, billed, besides) {
  if (!old.some(isSummary)) return false;
  const parts = exchanges(old).map(([low, high]) => old.slice(low, high));
  const fresh = estimate(parts.filter((part) => !isSummary(part[0]) && !part.some(mustStay)).flat());
  const fixed = Math.ceil([...besides].length / 4);
  const rest = fixed + estimate(history) - fresh;
  const another = estimate(history.slice(starts(history).at(-1)));
  const off = billed / Math.max(fixed + estimate(history.slice(0, -1)), 1); // what is billed for an estimated token
  return off * (rest + another) > threshold && fresh < rest;
}

/** The request for a summary of `old`; after one that was cut off `again` gives twice the room. */
export function summaryRequest(model, old, again = false) {
  const room = `The summary has room for at most ${MOST.toLocaleString("en")} tokens, about 716 words.`;
  const transcript = old.flatMap(lines).join("\n");
  const content = `${INSTRUCTION} ${room} ${READING}\n\nConversation:\n${transcript}`;
  return { model, max_tokens: again ? 2 * MOST : MOST, system: SYSTEM, messages: [{ role: "user", content }] };
}

/** The text of a summarizer's reply; throws SummaryFailed for one that was cut off, was refused or has no words. */
export function summaryIn({ content, stop_reason }) {
  if (!["end_turn", "stop_sequence"].includes(stop_reason))
    throw new SummaryFailed(`the summary ended with stop_reason '${stop_reason}'`);
  const text = textOf({ content }).trim();
  if (!text) throw new SummaryFailed("the summary has no text");
  return text;
}

/**
 * The history with a summary pair in place of everything before `recent`, pinned exchanges kept word for word.
 *
 * An earlier pair is replaced too, so that summaries are folded and never nested. A compaction block stays first,
 * because the API reads nothing before one. Throws SummaryFailed for a summary no shorter than what it replaces.
 */
export function replaced(history, recent, summary) {
  const old = history.slice(0, history.length - recent.length);
  const parts = exchanges(old).map(([low, high]) => old.slice(low, high));
  const compacted = parts.findLastIndex((part) => part.some((message) => blocks(message).some(isCompaction)));
  const staying = (part) => part.some(mustStay);
  const first = parts
    .slice(0, compacted + 1)
    .filter(staying)
    .flat();
  const pinned = parts
    .slice(compacted + 1)
    .filter(staying)
    .flat();
  const gone = old.filter((message) => !first.includes(message) && !pinned.includes(message));
  const pair = [
    { role: "user", content: `${PREFIX}${summary}]`, flags: ["summary"], replaces: gone.flatMap(origins) },
    { role: "assistant", content: ACKNOWLEDGEMENT, flags: ["summary"] },
  ];
  if (estimate(pair) >= estimate(gone))
    throw new SummaryFailed(`it is no shorter: about ${estimate(pair)} tokens for ${estimate(gone)} (estimated)`);
  return [...first, ...pair, ...[...pinned, ...recent].map(withoutThinking)];
}

/** Estimated tokens, as labkit/tokens.py has them for text: the framing of each message, and four characters a token. */
const estimate = (messages) =>
  messages.reduce((sum, message) => sum + 3 + Math.ceil([...readable(message)].length / 4), 0);

/** How many messages the summaries in a history replace. */
export const replacedCount = (history) =>
  history.filter(isSummary).reduce((sum, message) => sum + (message.replaces?.length ?? 0), 0);

const isCompaction = (block) => block.type === "compaction";

function origins(message) {
  if (message.replaces?.length) return message.replaces.flatMap(origins);
  return isSummary(message) ? [] : [message];
}

/**
 * A message as lines in which no content can pass for a speaker: the name begins the first one; two blanks, `> ` with a
 * kind or `| ` begin all others. The same form as `labkit/transcript.py`.
 */
function lines(message) {
  if (isSummary(message))
    return message.role === "user" ? [inLines("earlier summary", message.content.slice(PREFIX.length, -1))] : [];
  const written = pieces(message).flatMap(([kind, text]) =>
    cut(text).map((words, place) => (kind ? (place ? `| ${words}` : `> ${kind}: ${words}`) : `  ${words}`)),
  );
  const [first = "", ...rest] = written;
  return [first.startsWith("  ") ? `${message.role}: ${first.slice(2)}` : `${message.role}:\n${first}`.trimEnd(), ...rest];
}

const inLines = (speaker, text) => `${speaker}: ${cut(text).join("\n  ")}`;

/** The lines of a text by every line end that Unicode knows, as Python's `splitlines` has them. */
function cut(text) {
  const found = text.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/);
  return found.length > 1 && found.at(-1) === "" ? found.slice(0, -1) : found;
}

const readable = (message) => pieces(message).map(([kind, text]) => (kind ? `(${kind}: ${text})` : text)).join(" ");

const pieces = (message) => blocks(message).filter((block) => !block.type.endsWith("thinking")).map(said);

/** Kind and text of a block; no kind for what the speaker says. */
function said(block) {
  if (block.type === "text") return ["", block.text];
  if (block.type === "tool_use") return [`call ${block.name}`, JSON.stringify(block.input)];
  if (block.type !== "tool_result") return ["", `(${block.type.replaceAll("_", " ")})`];
  const { content, is_error } = block;
  const result = Array.isArray(content) ? content.map((part) => part.text ?? `(${part.type})`).join("\n") : content;
  return [is_error ? "tool error" : "tool result", result || "nothing"];
}

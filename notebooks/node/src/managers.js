/**
 * The three conversation managers, on the official SDK: the same requests as in Python, and one saved form for both.
 *
 * A conversation is a value. A turn makes a new one, which takes the old one's place only after success, so that no
 * error leaves a phantom message behind.
 */

import { resolve } from "node:path";
import { claude } from "./claude.js";
import { checkNext, inOpenRound, keepRecent, keepTurns, textOf, view, wire } from "./history.js";
import { read, write } from "./saved.js";
import { isTooEarly, replaced, replacedCount, split, summaryIn, summaryRequest } from "./summary.js";
import { NOTHING, sum, totalInput, usageOf } from "./usage.js";

export { claude };

const PATIENCE = 3; // summaries that may fail in a row ...
const PAUSE = 5; // ... before none is tried for so many turns

const now = () => new Date().toISOString().replace(/\.\d+Z$/, "+00:00");

/** Sends a conversation to Claude and remembers all of it, turn by turn. */
export class ConversationManager {
  #client;
  #busy = false;
  #revisions = new Map();

  /** `client` is an `Anthropic` client; left out, it is the offline Claude. Nothing is sent yet. */
  constructor({ client = claude(), systemPrompt = "You are a helpful assistant.", messages = [], ...settings } = {}) {
    this.#client = client;
    Object.assign(this, this.constructor.defaults, { clock: now, warn: console.warn }, settings);
    const smallest = { maxTokens: 1, tokenThreshold: 1, windowSize: 1, recentTurnsToKeep: 0 };
    for (const [name, least] of Object.entries(smallest))
      if (this[name] != null && !(this[name] >= least))
        throw new RangeError(`${name} ${this[name]}: give at least ${least}`);
    const meter = { tokens: 0, view: null };
    const empty = { facts: [], summaries: [], failures: 0, usage: NOTHING, last: NOTHING, meter };
    this.conversation = { system: systemPrompt, transcript: messages, history: messages, ...empty };
  }

  /** The settings that are saved, under their names in JavaScript. */
  static get defaults() {
    const request = { model: "claude-sonnet-4-6", maxTokens: 4096, tools: [], cache: false };
    return { ...request, tokenThreshold: null, recentTurnsToKeep: 4 };
  }

  /** Send one user message, text or blocks, and give the text of the reply; after an error all is as it was before. */
  async send(content) {
    if (this.#busy) throw new Error("a turn is under way in this manager: await it first");
    this.#busy = true;
    try {
      const answered = await this.#turn(this.#said(this.conversation, "user", content));
      this.conversation = answered;
      this.conversation = await this.#summarizedIfDue(answered);
      return textOf(answered.transcript.at(-1));
    } finally {
      this.#busy = false;
    }
  }

  async #turn(asked) {
    const sent = this.#view(asked);
    const response = await this.#client.messages.create(this.#request(asked, sent));
    if (!response.content.length) throw new Error(`the reply has no content (stop_reason '${response.stop_reason}')`);
    const [only] = response.content;
    const plain = response.content.length === 1 && only.type === "text" && !only.citations?.length;
    const { usage, ...answered } = this.#said(asked, "assistant", plain ? only.text : response.content);
    const last = usageOf(response.usage);
    const meter = { tokens: totalInput(last) + last.output_tokens, view: sent };
    return { ...answered, usage: sum(usage, last), last, meter };
  }

  async #summarizedIfDue(conversation) {
    const { history, failures, last } = conversation;
    if (this.tokenThreshold === null || (totalInput(last) <= this.tokenThreshold && !failures)) return conversation;
    const [old, recent] = split(history, this.recentTurnsToKeep);
    if (!old.length || inOpenRound(history)) return conversation;
    const besides = systemWithFacts(conversation) + (this.tools.length ? JSON.stringify(this.tools) : "");
    if (!failures && isTooEarly(history, old, this.tokenThreshold, totalInput(last), besides)) return conversation;
    const failed = { ...conversation, failures: failures + 1 };
    if (failures >= PATIENCE && failures % (PATIENCE + PAUSE) >= PATIENCE) return failed;
    let usage = NOTHING;
    try {
      let response = await this.#client.messages.create(summaryRequest(this.model, old));
      usage = usageOf(response.usage);
      if (response.stop_reason === "max_tokens") {
        response = await this.#client.messages.create(summaryRequest(this.model, old, true));
        usage = sum(usage, usageOf(response.usage));
      }
      const text = summaryIn(response);
      const shorter = replaced(history, recent, text);
      const summaries = [...conversation.summaries, { text, messages: replacedCount(shorter), usage }];
      const rest = { failures: 0, usage: sum(conversation.usage, usage), meter: { tokens: 0, view: null } };
      return { ...conversation, history: shorter, summaries, ...rest };
    } catch (error) {
      this.warn(`no summary was made (${error.message}): nothing is lost, and only the newest turns are sent`);
      return { ...failed, usage: sum(conversation.usage, usage) };
    }
  }

  #said(conversation, role, content) {
    const message = { role, content, timestamp: this.clock() };
    checkNext(conversation.history, message);
    const transcript = [...conversation.transcript, message];
    const whole = conversation.history === conversation.transcript;
    return { ...conversation, transcript, history: whole ? transcript : [...conversation.history, message] };
  }

  /** The steps that shape what is sent: none here. */
  steps() {
    return [];
  }

  #view({ history, failures }) {
    const whileItFails =
      this.tokenThreshold !== null && failures ? [keepTurns(Math.max(this.recentTurnsToKeep, 1))] : [];
    return view(history, [...this.steps(), ...whileItFails]);
  }

  #request(conversation, sent) {
    const request = { model: this.model, max_tokens: this.maxTokens };
    const system = systemWithFacts(conversation);
    if (system) request.system = system;
    if (this.tools.length) request.tools = this.tools;
    if (this.cache) request.cache_control = { type: "ephemeral" };
    return { ...request, messages: sent.map(wire) };
  }

  /** Save conversation and settings at `path`; throws when another program saved there in the meantime. */
  async save(path) {
    const settings = Object.fromEntries(Object.keys(this.constructor.defaults).map((key) => [key, this[key]]));
    const saved = { kind: this.constructor.name, settings, conversation: this.conversation };
    const place = resolve(path);
    this.#revisions.set(place, await write(place, { ...saved, revision: this.#revisions.get(place) ?? 0 }));
  }

  /** Go on with a conversation saved here or in Python, in the manager that saved it; `settings` come first. */
  static async load(path, settings = {}) {
    const place = resolve(path);
    const saved = await read(place);
    if (!saved) throw new Error(`nothing was saved at ${path}: check the name, or call save() first`);
    const kinds = [this, SlidingWindowManager, SmartConversationManager, ConversationManager];
    const Kind =
      kinds.find((kind) => kind.name === saved.kind && (kind === this || kind.prototype instanceof this)) ?? this;
    const known = Object.entries(saved.settings).filter(([key]) => key in Kind.defaults);
    const manager = new Kind({ ...Object.fromEntries(known), ...settings });
    manager.conversation = saved.conversation;
    manager.#revisions.set(place, saved.revision);
    return manager;
  }

  /** Add what the user said, text or blocks, without sending it. */
  addUserMessage(content) {
    this.conversation = this.#said(this.conversation, "user", content);
  }

  /** Add a reply, text or blocks, that came from elsewhere. */
  addAssistantMessage(content) {
    this.conversation = this.#said(this.conversation, "assistant", content);
  }

  /** What the next request sends of the past: a copy that is yours to change. */
  getMessages() {
    return this.#view(this.conversation).map(wire);
  }

  /** The tokens billed so far, input with everything cached included, and how many messages are remembered. */
  getTokenUsage() {
    const { totalInputTokens, totalOutputTokens } = this;
    return { totalInputTokens, totalOutputTokens, messageCount: this.transcript.length };
  }

  /** The working history as the API takes it, a copy: after a summary, the pair and the recent turns. */
  get messages() {
    return this.conversation.history.map(wire);
  }

  /** Everything ever said, whatever was sent or summarized. */
  get transcript() {
    return this.conversation.transcript;
  }

  get systemPrompt() {
    return this.conversation.system;
  }

  get summary() {
    return this.conversation.summaries.at(-1)?.text ?? null;
  }

  get summaryHistory() {
    return this.conversation.summaries.map(({ text }) => text);
  }

  get lastInputTokens() {
    return totalInput(this.conversation.last);
  }

  get totalInputTokens() {
    return totalInput(this.conversation.usage);
  }

  get totalOutputTokens() {
    return this.conversation.usage.output_tokens;
  }
}

/** Sends only the last `windowSize` messages, cut between exchanges; remembers them all. */
export class SlidingWindowManager extends ConversationManager {
  static get defaults() {
    return { ...super.defaults, windowSize: 10 };
  }

  steps() {
    return [keepRecent(this.windowSize)];
  }
}

/** Summarizes the older part once a request had more than `tokenThreshold` input tokens; keeps the newest turns. */
export class SmartConversationManager extends ConversationManager {
  static get defaults() {
    return { ...super.defaults, tokenThreshold: 100_000 };
  }
}

function systemWithFacts({ system, facts }) {
  if (!facts.length) return system.trim() && system;
  const lines = facts.map(({ text, source }) => `- ${text} (source: ${source})`);
  return `${system}\n\nCase facts, word for word:\n${lines.join("\n")}`.trim();
}

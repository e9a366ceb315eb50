// The AI SDK's own chat, without React: each scenario, such as `stop=count to 5`, is a line of JSON in the output.
import { AbstractChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";

const [base, user, ...names] = process.argv.slice(2);

class State {
  messages = [];
  status = "ready";
  error = undefined;
  watchers = new Set();
  pushMessage = (message) => this.#changed(this.messages.push(message));
  popMessage = () => this.#changed(this.messages.pop());
  replaceMessage = (index, message) => this.#changed((this.messages[index] = this.snapshot(message)));
  snapshot = (value) => structuredClone(value);
  #changed = () => this.watchers.forEach((watch) => watch());
  until = (holds) =>
    new Promise((resolve) => {
      const watch = () => holds(this) && this.watchers.delete(watch) && resolve();
      this.watchers.add(watch);
      if (holds(this)) watch();
    });
}

class Chat extends AbstractChat {
  constructor(id, options = {}) {
    const state = new State();
    const query = `?user=${encodeURIComponent(user)}`;
    const transport = new DefaultChatTransport({
      api: `${base}/ai/chat${query}`,
      prepareReconnectToStreamRequest: ({ id }) => ({ api: `${base}/ai/chat/${encodeURIComponent(id)}/stream${query}` }),
    });
    const heard = [];
    super({ id, state, transport, onData: (part) => heard.push(part), ...options });
    Object.assign(this, { held: state, heard });
  }
  get answer() {
    return this.messages.findLast((message) => message.role === "assistant");
  }
  text = (message = this.answer) => text(message);
}

const text = (message) => (message?.parts ?? []).filter((part) => part.type === "text").map((part) => part.text).join("");
const stop = (id) => fetch(`${base}/ai/chat/${encodeURIComponent(id)}/stop?user=${encodeURIComponent(user)}`, { method: "POST" });
const history = async (id) =>
  (await (await fetch(`${base}/ai/chat/${encodeURIComponent(id)}?user=${encodeURIComponent(user)}`)).json()).messages;
const kinds = (message) => message.parts.map((part) => (part.state ? `${part.type}:${part.state}` : part.type));
const fresh = (name) => `${name} ${crypto.randomUUID()}/ä`;

const scenarios = {
  async chat() {
    const id = fresh("chat");
    const chat = new Chat(id);
    await chat.sendMessage({ text: "count to 3" });
    const first = structuredClone(chat.answer);
    await chat.sendMessage({ text: "count to 2" });
    return { status: chat.status, texts: chat.messages.map(text), first, last: chat.answer, heard: chat.heard, stored: await history(id) };
  },
  async resume(asked = "/trickle 400") {
    const id = fresh("resume");
    const one = new Chat(id);
    const sending = one.sendMessage({ text: asked });
    await Promise.race([one.held.until(() => one.text().length > 100), sending]);
    const other = new Chat(id);
    await other.resumeStream();
    await sending;
    const late = new Chat(id);
    await late.resumeStream();
    const same = JSON.stringify(one.answer) === JSON.stringify(other.answer);
    return { same, statuses: [one.status, other.status, late.status], text: text(one.answer), late: late.messages.length };
  },
  async stop(asked = "/hold") {
    const id = fresh("stop");
    const one = new Chat(id);
    const sending = one.sendMessage({ text: asked });
    await Promise.race([one.held.until(() => one.text().length > 0), sending]);
    const other = new Chat(id);
    const resumed = other.resumeStream();
    await Promise.race([other.held.until(() => other.text().length > 0), resumed]);
    const answer = await stop(id);
    await Promise.all([sending, resumed]);
    const late = new Chat(id);
    await late.resumeStream();
    const same = JSON.stringify(one.answer) === JSON.stringify(other.answer);
    return { answer: answer.status, same, statuses: [one.status, other.status, late.status], text: one.text(), stored: await history(id) };
  },
  async think() {
    const chat = new Chat(fresh("think"));
    await chat.sendMessage({ text: "/think" });
    return { kinds: kinds(chat.answer), reasoning: chat.answer.parts.find((part) => part.type === "reasoning").text };
  },
  async tool() {
    const id = fresh("tool");
    const chat = new Chat(id);
    await chat.sendMessage({ text: '/tool create_task {"title": "Bread"}' });
    return { kinds: kinds(chat.answer), parts: chat.answer.parts, stored: (await history(id)).at(-1) };
  },
  async restart() {
    const chat = new Chat(fresh("restart"));
    await chat.sendMessage({ text: "/restart" });
    return { text: chat.text(), kinds: kinds(chat.answer) };
  },
  async edit() {
    const id = fresh("edit");
    const chat = new Chat(id);
    await chat.sendMessage({ text: "count to 3" });
    await chat.sendMessage({ text: "count to 2", messageId: chat.messages[0].id });
    const edited = chat.messages.map(text);
    await chat.sendMessage({ text: "count to 4", messageId: chat.messages[0].id });
    const again = chat.messages.map(text);
    await chat.regenerate();
    return { edited, again, regenerated: chat.messages.map(text), status: chat.status };
  },
  async fail() {
    const errors = [];
    const chat = new Chat(fresh("fail"), { onError: (error) => errors.push(error.message) });
    await chat.sendMessage({ text: "/half upstream_malformed" });
    return { status: chat.status, errors, text: chat.text() };
  },
  async refused() {
    const errors = [];
    const chat = new Chat(fresh("refused"), { onError: (error) => errors.push(error.message) });
    await chat.sendMessage({ parts: [{ type: "file", mediaType: "image/png", url: "data:image/png;base64,AAAA" }] });
    return { status: chat.status, errors };
  },
  async approve(asked) {
    return decide(true, asked);
  },
  async reject(asked) {
    return decide(false, asked);
  },
};

async function decide(approved, text = '/ask send_mail {"to": "bob"}') {
  const id = fresh("approve");
  const chat = new Chat(id, { sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses });
  await chat.sendMessage({ text });
  const asked = kinds(chat.answer);
  const { approval } = chat.answer.parts.find((part) => part.state === "approval-requested");
  await chat.addToolApprovalResponse({ id: approval.id, approved });
  await chat.held.until(() => chat.answer.parts.at(-1).state === "done");
  return { asked, kinds: kinds(chat.answer), text: chat.text(), messages: chat.messages.length, stored: await history(id) };
}

for (const given of names) {
  const [name, ...asked] = given.split("=");
  console.log(JSON.stringify([name, await scenarios[name](...asked)]));
}

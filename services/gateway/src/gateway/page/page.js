// A client in one file: open the stream, load the messages, fold the events into them, come back with the cursor after every loss.
const list = document.getElementById("messages");
const form = document.getElementById("form");
const text = document.getElementById("text");
const stop = document.getElementById("stop");
const status = document.getElementById("status");
const user = new URLSearchParams(location.search).get("user");

let conversation = sessionStorage.getItem("conversation");
let messages = new Map();
let running = new Set();
let leave = new AbortController();

function address(path, parameters = {}) {
  const url = new URL(path, location.origin + location.pathname);
  if (user) url.searchParams.set("user", user);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

async function call(method, path, body, headers = {}) {
  const init = { method, headers };
  if (body) {
    init.headers["content-type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  const response = await fetch(address(path), init);
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
  return answer;
}

function show() {
  list.replaceChildren(
    ...[...messages.values()].map((message) => {
      const item = document.createElement("li");
      item.className = `${message.role} ${message.status}`;
      item.textContent = message.text + (message.error ? `\n(${message.error.message})` : "");
      return item;
    }),
  );
  stop.disabled = running.size === 0;
}

function begin(data) {
  const message = messages.get(data.messageId);
  if (message) message.text = "";
  running.add(data.generationId);
}

function end(data) {
  messages.set(data.message.id, { ...data.message, error: data.error });
  running.delete(data.generationId);
}

const folds = {
  "message.created": (data) => messages.has(data.message.id) || messages.set(data.message.id, data.message),
  "generation.started": begin,
  "generation.restarted": begin,
  "llm.token": (data) => {
    const message = messages.get(data.messageId);
    if (message) message.text += data.token;
  },
  "message.completed": end,
  "message.cancelled": end,
  "message.failed": end,
  "conversation.deleted": () => open(null),
};

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const fields = Object.fromEntries(part.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]));
      if (fields.event) yield { id: fields.id, name: fields.event, data: JSON.parse(fields.data ?? "{}") };
    }
  }
}

// Follows one conversation until another one is opened. Without a cursor the server begins at the start of the running answer;
// the stream is opened before the messages are loaded, so nothing can happen in between.
async function follow(id, signal) {
  let cursor = null;
  while (!signal.aborted) {
    try {
      const response = await fetch(address(`api/v1/stream/${id}`, cursor ? { after: cursor } : {}), { signal });
      if (response.status === 404) return open(null);
      if (!response.ok) throw new Error(String(response.status));
      if (!cursor) {
        const page = await call("GET", `api/v1/conversations/${id}/messages?limit=200`);
        messages = new Map(page.messages.map((message) => [message.id, message]));
        running = new Set();
        show();
      }
      status.textContent = "";
      for await (const event of events(response)) {
        cursor = event.name === "reset" ? null : (event.id ?? cursor);
        folds[event.name]?.(event.data);
        show();
      }
    } catch {
      if (!signal.aborted) status.textContent = "Connection lost; coming back…";
    }
    await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 1200));
  }
}

function open(id) {
  leave.abort();
  leave = new AbortController();
  conversation = id;
  messages = new Map();
  running = new Set();
  if (id) {
    sessionStorage.setItem("conversation", id);
    follow(id, leave.signal);
  } else sessionStorage.removeItem("conversation");
  show();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { text: text.value, ...(conversation && { conversationId: conversation }) };
  const key = [...crypto.getRandomValues(new Uint32Array(4))].join("-");
  try {
    const accepted = await call("POST", "api/v1/message", body, { "idempotency-key": key });
    text.value = "";
    if (accepted.conversationId !== conversation) open(accepted.conversationId);
  } catch (error) {
    status.textContent = error.message;
    if (error.code === "unknown_conversation") open(null);
  }
});

text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    form.requestSubmit();
  }
});

stop.addEventListener("click", () =>
  call("POST", `api/v1/conversations/${conversation}/stop`, {}).catch((error) => (status.textContent = error.message)),
);
document.getElementById("new").addEventListener("click", () => open(null));

if (conversation) open(conversation);
else
  call("GET", "api/v1/conversations?limit=1")
    .then((page) => page.conversations[0] && open(page.conversations[0].id))
    .catch((error) => (status.textContent = error.message));

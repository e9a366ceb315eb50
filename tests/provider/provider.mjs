// A certified OpenID provider with its own pages, for tests: node provider.mjs PORT SECONDS. Its id tokens live for SECONDS. A line
// on the standard input, `rotate`, gives it new keys; `down` and `up` close its port and open it again. It says what it did as JSON lines:
// each grant by its type, and why one was refused.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const [port, seconds] = process.argv.slice(2).map(Number);
const issuer = `http://127.0.0.1:${port}`;
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

function key() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), alg: "RS256", use: "sig" };
}

// What is remembered survives a provider that is made anew with other keys.
const cookies = { keys: [randomUUID()] };
const memory = new Map();

class Memory {
  constructor(kind) {
    this.kind = kind;
  }
  of = (id) => `${this.kind}:${id}`;
  find = async (id) => memory.get(this.of(id));
  findByUid = async (uid) => [...memory].find(([name, one]) => name.startsWith(`${this.kind}:`) && one.uid === uid)?.[1];
  findByUserCode = async () => undefined;
  upsert = async (id, one) => void memory.set(this.of(id), one);
  destroy = async (id) => void memory.delete(this.of(id));
  consume = async (id) => void (memory.get(this.of(id)).consumed = Math.floor(Date.now() / 1000));
  revokeByGrantId = async (grantId) => {
    for (const [name, one] of memory) if (one.grantId === grantId && name.startsWith(`${this.kind}:`)) memory.delete(name);
  };
}

function provider() {
  const made = new Provider(issuer, {
    adapter: Memory,
    jwks: { keys: [key()] },
    cookies,
    scopes: ["openid", "offline_access", "profile"],
    claims: { openid: ["sub"], profile: ["name"] },
    features: {
      registration: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    ttl: { IdToken: seconds, AccessToken: seconds, AuthorizationCode: 60, RefreshToken: 86_400, Session: 86_400, Grant: 86_400, Interaction: 3_600 },
    // Each refresh token counts once; who shows one twice loses all of them.
    rotateRefreshToken: true,
  });
  made.on("grant.success", (ctx) => say({ grant: ctx.oidc.params.grant_type }));
  made.on("grant.error", (ctx, error) => say({ grant: ctx.oidc.params?.grant_type, error: error.message, detail: error.error_detail }));
  made.on("refresh_token.destroyed", () => say({ ended: "refresh_token" }));
  made.on("server_error", (_ctx, error) => say({ error: String(error.stack) }));
  return made.callback();
}

let answer = provider();
const server = createServer((request, response) => answer(request, response));
const orders = {
  rotate: () => {
    answer = provider();
    say({ done: "rotate" });
  },
  down: () => {
    server.close(() => say({ done: "down" }));
    server.closeAllConnections();
  },
  up: () => server.listen(port, "127.0.0.1", () => say({ done: "up" })),
};
createInterface({ input: process.stdin }).on("line", (line) => orders[line]?.());
orders.up();

// Signing in: with the provider that the server knows, or with a token that is pasted. Both become a cookie that scripts can't read;
// where a browser keeps no such cookie, a pasted token stays in this tab's memory.

import { ApiError, faultOf, Unreachable, type Api } from "./api";

export interface Config {
  auth: "dev" | "jwt";
  oidc?: { issuer: string; clientId: string; scopes: string } | null;
}

const RENEWED = "colloquy.renewed";
const LEFT = "colloquy.left";
const PATIENCE = 20_000;
/** After it another tab's signing out has reached the server. */
const LEAVING = 1_000;

export function config(api: Api): Promise<Config> {
  return api.get<Config>("/api/v1/config");
}

/** Leaves for the provider's page; the server brings us back to what is open now. */
export function signInWithProvider(): void {
  location.assign(`/api/v1/session/login?back=${encodeURIComponent(location.hash)}`);
}

/** Believes a token from now on. Raises ApiError when the server does not. */
export async function signIn(api: Api, token: string): Promise<void> {
  api.bearer = token.trim();
  try {
    await api.call("POST", "/api/v1/session");
    const bearer = api.bearer;
    api.bearer = undefined;
    // Over plain HTTP a browser drops the cookie: then the token itself is shown each time.
    await api.get("/api/v1/preferences").catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 401) api.bearer = bearer;
    });
  } catch (error) {
    api.bearer = undefined;
    throw error;
  }
  dispatchEvent(new Event("colloquy:signed-in"));
}

/** Forgets who it was, in every tab; with a provider, there as well. */
export async function signOut(api: Api, provider: boolean): Promise<void> {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith("colloquy.")) sessionStorage.removeItem(key);
  if (provider && !api.bearer) {
    localStorage.setItem(LEFT, String(Date.now()));
    return location.assign("/api/v1/session/logout");
  }
  await api.call("DELETE", "/api/v1/session");
  api.bearer = undefined;
  localStorage.setItem(LEFT, String(Date.now()));
  location.reload();
}

/** Renews a session that has ended, wherever that shows. Two tabs never spend one refresh token twice. */
export function keepSession(api: Api): void {
  let known: Config | undefined;
  let over = 0;
  addEventListener("storage", (event) => event.key === LEFT && setTimeout(() => location.reload(), LEAVING));
  api.renew = async (since) => {
    known ??= await config(api);
    if (!known.oidc) return false;
    return alone(async () => {
      if (Number(localStorage.getItem(RENEWED)) >= since) return true; // by another tab, or for another call of this one
      if (over >= since) return false;
      const renewed = await renew(api);
      if (renewed) localStorage.setItem(RENEWED, String(Date.now()));
      else over = Date.now();
      return renewed;
    });
  };
}

/** False when there is nothing to renew. Raises ApiError or Unreachable when it can't be said right now. */
async function renew(api: Api): Promise<boolean> {
  let response: Response;
  try {
    // It must end well even if this tab is closed: the old token counts no more.
    const signal = AbortSignal.timeout(PATIENCE);
    response = await fetch(api.address("/api/v1/session/refresh"), { method: "POST", keepalive: true, redirect: "error", signal });
  } catch {
    throw new Unreachable();
  }
  if (response.ok) return true;
  if (response.status === 401) return false;
  throw await faultOf(response);
}

function alone(deed: () => Promise<boolean>): Promise<boolean> {
  // Without locks there are no cookies of a session either: both need a secure page.
  return navigator.locks ? navigator.locks.request("colloquy.session", deed) : deed();
}

let trouble: string | null = null;

/** What went wrong while signing in, as the server told it in our address. It does not stay there. */
export function takeTrouble(): void {
  const query = new URLSearchParams(location.search);
  trouble = query.get("trouble");
  if (trouble === null) return;
  query.delete("trouble");
  const rest = query.toString();
  history.replaceState(null, "", `${location.pathname}${rest && `?${rest}`}${location.hash}`);
}

export const troubleOnArrival = (): string | null => trouble;

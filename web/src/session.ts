// Signing in: a token that is pasted, or one that an OpenID provider gives for a code (with PKCE). It is traded for a cookie that scripts
// can't read; where that isn't possible it stays in this tab's memory.

import type { Api } from "./api";
import { ApiError } from "./api";

export interface Config {
  auth: "dev" | "jwt";
  oidc?: { issuer: string; clientId: string; scopes: string } | null;
}

interface Discovery {
  authorization_endpoint: string;
  token_endpoint: string;
}

const KEPT = "colloquy.oidc";

export function config(api: Api): Promise<Config> {
  return api.get<Config>("/api/v1/config");
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

export async function signOut(api: Api): Promise<void> {
  api.bearer = undefined;
  await api.call("DELETE", "/api/v1/session");
  location.reload();
}

/** Leaves for the provider's page. */
export async function beginOidc(oidc: NonNullable<Config["oidc"]>): Promise<void> {
  const { authorization_endpoint: place } = await discovered(oidc.issuer);
  const [state, verifier] = [secret(), secret()];
  sessionStorage.setItem(KEPT, JSON.stringify({ state, verifier, back: location.hash }));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  const url = new URL(place);
  const wanted = { response_type: "code", client_id: oidc.clientId, redirect_uri: here(), scope: oidc.scopes, state, code_challenge: base64url(digest), code_challenge_method: "S256" };
  for (const [name, value] of Object.entries(wanted)) url.searchParams.set(name, value);
  location.assign(url);
}

/** Whether the page was opened by the provider, with a code to be traded. */
export function returning(): boolean {
  const query = new URLSearchParams(location.search);
  return query.has("code") && query.has("state") && sessionStorage.getItem(KEPT) !== null;
}

export async function finishOidc(api: Api, oidc: NonNullable<Config["oidc"]>): Promise<void> {
  const query = new URLSearchParams(location.search);
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") as { state?: string; verifier?: string; back?: string };
  sessionStorage.removeItem(KEPT);
  history.replaceState(null, "", `${location.pathname}${kept.back ?? ""}`);
  if (!kept.verifier || query.get("state") !== kept.state) throw new Error("state");
  const { token_endpoint: place } = await discovered(oidc.issuer);
  const body = new URLSearchParams({ grant_type: "authorization_code", code: query.get("code") ?? "", redirect_uri: here(), client_id: oidc.clientId, code_verifier: kept.verifier });
  const response = await fetch(place, { method: "POST", body, credentials: "omit" });
  const tokens = (await response.json()) as { id_token?: string; error?: string };
  if (!response.ok || !tokens.id_token) throw new Error(tokens.error ?? String(response.status));
  await signIn(api, tokens.id_token);
}

async function discovered(issuer: string): Promise<Discovery> {
  const response = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, { credentials: "omit" });
  return (await response.json()) as Discovery;
}

const here = () => `${location.origin}${location.pathname}`;
const secret = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

// Calls of the server: one way to ask, one way to fail.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

/** No answer at all: the network is away, or the server is. */
export class Unreachable extends Error {}

export class Api {
  /** A token of this tab; it lies in no storage. */
  bearer: string | undefined;
  /** Asked when a session has ended that a call begun at `since` relied on: whether there is a new one. */
  renew: (since: number) => Promise<boolean> = async () => false;

  constructor(
    private readonly origin: string,
    /** In `dev` a name in the page's address says who it is. */
    readonly user: string | null = null,
  ) {}

  address(path: string, parameters: Record<string, string | number | boolean | undefined> = {}): string {
    const url = new URL(path, this.origin);
    if (this.user) url.searchParams.set("user", this.user);
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, String(value));
    return url.href;
  }

  socket(path: string): string {
    return this.address(path).replace(/^http/, "ws");
  }

  headers(extra: Record<string, string> = {}): Record<string, string> {
    return this.bearer ? { ...extra, authorization: `Bearer ${this.bearer}` } : extra;
  }

  async raw(method: string, path: string, init: { body?: BodyInit; headers?: Record<string, string>; signal?: AbortSignal } = {}): Promise<Response> {
    const response = await this.answered(this.address(path), { method, ...init });
    if (response.ok) return response;
    throw await faultOf(response);
  }

  /** Whatever the answer is; asked again when the session had ended and could be renewed. A short one may have ended again by then. */
  async answered(address: string, init: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
    for (let left = 2; ; left--) {
      const since = Date.now();
      const response = await this.fetched(address, init);
      if (response.status !== 401 || this.bearer || left === 0 || !(await this.renew(since))) return response;
    }
  }

  private async fetched(address: string, init: RequestInit & { headers?: Record<string, string> }): Promise<Response> {
    try {
      return await fetch(address, { ...init, headers: this.headers(init.headers), redirect: "error" });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new Unreachable();
    }
  }

  async call<T>(method: string, path: string, body?: unknown, options: { key?: string; signal?: AbortSignal } = {}): Promise<T> {
    const headers: Record<string, string> = options.key ? { "idempotency-key": options.key } : {};
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await this.raw(method, path, {
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(options.signal && { signal: options.signal }),
    });
    return (response.status === 204 ? undefined : await whole(response)) as T;
  }

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.call<T>("GET", path, undefined, signal ? { signal } : {});
  }

  /** Repeats what a lost connection, a 429 or a 503 says to repeat. The key makes that safe. */
  surely<T>(method: string, path: string, body: unknown, key: string = newKey(), patience = 120_000): Promise<T> {
    return this.patiently(() => this.call<T>(method, path, body, { key }), patience);
  }

  async patiently<T>(deed: () => Promise<T>, patience: number): Promise<T> {
    const deadline = Date.now() + patience;
    for (let wait = 400; ; wait = Math.min(wait * 2, 8_000)) {
      try {
        return await deed();
      } catch (error) {
        const pause = pauseAfter(error, wait);
        if (pause === undefined || Date.now() + pause > deadline) throw error;
        await untilOnline(pause);
      }
    }
  }
}

function pauseAfter(error: unknown, wait: number): number | undefined {
  if (error instanceof Unreachable) return wait * (0.5 + Math.random());
  if (error instanceof ApiError && error.status === 503) return (error.retryAfter ?? 1) * 1_000 * (0.5 + Math.random());
  if (error instanceof ApiError && error.status === 429 && error.code !== "budget_exhausted" && (error.retryAfter ?? 0) <= 10) {
    return (error.retryAfter ?? 1) * 1_000;
  }
  return undefined;
}

/** A pause that ends early when the network comes back. */
export function untilOnline(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done);
  });
}

/** An answer that breaks off is none. */
async function whole(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw new Unreachable();
  }
}

export async function faultOf(response: Response): Promise<ApiError> {
  const after = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfter = Number.isFinite(after) ? after : undefined;
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string } & Record<string, unknown> };
    return new ApiError(response.status, error.code, error.message, error, retryAfter);
  } catch {
    return new ApiError(response.status, "http_error", `HTTP ${response.status}`, {}, retryAfter);
  }
}

export function newKey(): string {
  return crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("-");
}

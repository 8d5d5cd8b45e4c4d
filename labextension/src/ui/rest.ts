/** HTTP to the hub: who we are, what it refuses, and where its WebSocket is. */

import type { ErrorBody, ErrorReply } from "../protocol";

export interface Address {
  /** Where the hub listens; ends in a slash (`…/agentchat/`, or `/` for the stand-alone server). */
  baseUrl: string;
  /** `jupyter`: the identity of this Jupyter page. `session`: the hub's own cookie, whatever Jupyter thinks. */
  auth: "jupyter" | "session";
  /** Jupyter's token, where the page has one; without it the cookie speaks. */
  token?: string | undefined;
}

/** The hub said no: `status` and the contract's error, or as much of it as there was. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly body: ErrorBody,
  ) {
    super(body.message);
  }
}

/** Nobody answered, or no hub did: worth trying again. */
export class Unreachable extends Error {}

function cookie(name: string): string | undefined {
  const pair = document.cookie.split("; ").find((each) => each.startsWith(`${name}=`));
  return pair && decodeURIComponent(pair.slice(name.length + 1));
}

function headers(address: Address, method: string): Headers {
  const found = new Headers({ Accept: "application/json" });
  if (address.auth === "session") found.set("X-AgentChat-Auth", "session");
  if (address.token) found.set("Authorization", `token ${address.token}`);
  if (method !== "GET") {
    found.set("Content-Type", "application/json");
    const xsrf = cookie("_xsrf");
    if (xsrf) found.set("X-XSRFToken", xsrf);
  }
  return found;
}

function isErrorReply(value: unknown): value is ErrorReply {
  return typeof value === "object" && value !== null && "error" in value;
}

/** Calls `api/v1/{path}`. Throws `Refusal` or `Unreachable`. */
export async function call<Reply>(address: Address, method: string, path: string, body?: unknown): Promise<Reply> {
  let response: Response;
  try {
    response = await fetch(new URL(`${address.baseUrl}api/v1/${path}`, location.href), {
      method,
      headers: headers(address, method),
      credentials: "same-origin",
      cache: "no-store",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    throw new Unreachable("The server does not answer.", { cause: error });
  }
  const reply: unknown = await response.json().catch(() => undefined);
  if (response.ok && reply !== undefined) return reply as Reply;
  if (response.status >= 500) throw new Unreachable(isErrorReply(reply) ? reply.error.message : "The server is in trouble.");
  throw new Refusal(response.status, isErrorReply(reply) ? reply.error : unexplained(response));
}

/** What a server says that is no hub: one without our extension, or a login page in front of it. */
function unexplained(response: Response): ErrorBody {
  if (response.ok || response.status === 401 || response.status === 403) {
    return { code: "unauthenticated", message: "You are not signed in here." };
  }
  return { code: "not_found", message: `There is no agent chat on this server (HTTP ${response.status}).` };
}

/** The address of the hub's WebSocket, with what a browser cannot send as a header. */
export function socketUrl(address: Address): string {
  const url = new URL(`${address.baseUrl}ws`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  if (address.auth === "session") url.searchParams.set("auth", "session");
  if (address.token) url.searchParams.set("token", address.token);
  return url.href;
}

/** `crypto.randomUUID` exists on https and localhost only; a notebook server on plain http has no such luck. */
export function uniqueId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

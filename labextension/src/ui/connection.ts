/** One WebSocket to the hub that comes back by itself. It knows nothing of channels. */

import type { ClientFrame, ServerFrame } from "../protocol";

export const PING_EVERY = 20_000;
export const PONG_WITHIN = 10_000;
const FIRST_DELAY = 500;
const LONGEST_DELAY = 8_000;

export interface Socket {
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string): void;
  close(): void;
}

/** What the connection takes from its surroundings, so that a test can hold the clock. */
export interface Surroundings {
  open: () => Socket;
  random: () => number;
  later: (run: () => void, milliseconds: number) => () => void;
}

export interface Listener {
  /** The hub has said `connected`; frames may be sent. */
  onUp(): void;
  onFrame(frame: ServerFrame): void;
  /** The connection is gone, or never came to be; the next attempt is on its way. */
  onDown(attempts: number): void;
}

export function browserSurroundings(url: () => string): Surroundings {
  return {
    open: () => new WebSocket(url()),
    random: Math.random,
    later: (run, milliseconds) => {
      const timer = setTimeout(run, milliseconds);
      return () => {
        clearTimeout(timer);
      };
    },
  };
}

/** Full jitter: a server that comes back is not met by all of its panels in the same instant (AWS, "Exponential backoff"). */
export function backoff(attempts: number, random: () => number): number {
  return random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempts);
}

export class Connection {
  private socket: Socket | undefined;
  private up = false;
  private attempts = 0;
  private cancelRetry: (() => void) | undefined;
  private cancelPing: (() => void) | undefined;

  constructor(
    private readonly surroundings: Surroundings,
    private readonly listener: Listener,
  ) {}

  open(): void {
    if (this.socket) return;
    this.cancelRetry?.();
    const socket = this.surroundings.open();
    this.socket = socket;
    socket.onmessage = (event) => {
      this.receive(JSON.parse(String(event.data)) as ServerFrame);
    };
    socket.onclose = () => {
      this.drop();
    };
    // A handshake can hang for minutes behind a proxy, so it is watched like a ping.
    this.expectSomethingWithin(PONG_WITHIN);
  }

  /** False if there is no connection to send it on: the caller keeps it. */
  send(frame: ClientFrame): boolean {
    if (!this.up || !this.socket) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Gives this connection up and tries anew, after the usual delay. */
  drop(): void {
    if (!this.socket) return;
    this.discard();
    this.attempts += 1;
    this.cancelRetry = this.surroundings.later(() => {
      this.open();
    }, backoff(this.attempts - 1, this.surroundings.random));
    this.listener.onDown(this.attempts);
  }

  /** The network came or went, or the page is looked at again: no reason to wait for the next attempt, or for the next ping. */
  hurry(): void {
    if (this.up) this.ping();
    else if (!this.socket && this.cancelRetry) this.open();
  }

  close(): void {
    this.cancelRetry?.();
    this.cancelRetry = undefined;
    this.discard();
  }

  private discard(): void {
    this.cancelPing?.();
    const socket = this.socket;
    this.socket = undefined;
    this.up = false;
    if (!socket) return;
    // A dying socket may still deliver; what it says no longer counts.
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private receive(frame: ServerFrame): void {
    this.pingLater();
    if (frame.type === "connected") {
      this.up = true;
      this.attempts = 0;
    }
    this.listener.onFrame(frame);
    if (frame.type === "connected") this.listener.onUp();
  }

  private pingLater(): void {
    this.cancelPing?.();
    this.cancelPing = this.surroundings.later(() => {
      this.ping();
    }, PING_EVERY);
  }

  private ping(): void {
    this.send({ type: "ping" });
    this.expectSomethingWithin(PONG_WITHIN);
  }

  private expectSomethingWithin(milliseconds: number): void {
    this.cancelPing?.();
    this.cancelPing = this.surroundings.later(() => {
      this.drop();
    }, milliseconds);
  }
}

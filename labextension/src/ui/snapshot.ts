/** What a page knows of a conversation at one moment: what there is to draw. */

import type { ErrorBody, Participant } from "../protocol";
import type { Outbox } from "./outbox";
import type { Log } from "./store";

export type ConnectionState = "connecting" | "live" | "retrying" | "unreachable";

export interface Snapshot {
  connection: ConnectionState;
  /** The hub knows us, or the channel, not: trying again would not help. */
  refusal?: { status: number; body: ErrorBody };
  me?: Participant;
  log?: Log;
  outbox: Outbox;
  /** Until when this human wants to be left alone with a question, by its id. */
  snoozed: Readonly<Record<string, string>>;
  /** The questions of which we do not have what is shown beside them, by id. */
  bare: ReadonlySet<string>;
  loadingOlder: boolean;
}

export const BEGINNING: Snapshot = { connection: "connecting", outbox: [], snoozed: {}, bare: new Set(), loadingOlder: false };

// GENERATED from jupyter_agentchat/protocol.py. Do not edit; write it anew with `make protocol`, that is
//     python -m jupyter_agentchat.schema typescript > labextension/src/protocol.ts
//
// A field without a default is always there. One with a default is optional: it is left out while it has it.

export const PROTOCOL = 1;
export const MAX_MESSAGE_BYTES = 1048576;
export const PANEL_MIME = "application/vnd.agentchat.v1+json";

export type Kind = "agent" | "human";
export type Role = "owner" | "member" | "observer";
export type Outcome = "answered" | "default" | "timed_out" | "withdrawn" | "escalated";
export type QuestionState = "open" | "answered" | "default" | "timed_out" | "withdrawn" | "escalated";
export type Ending = "answered" | "default" | "timed_out" | "withdrawn" | "escalated" | "reopened";
export type AskKind = "question" | "approval" | "secret";
export type IntentKind = "pause" | "resume" | "stop" | "steer";
export type RunState = "idle" | "running" | "paused" | "stopped" | "finished" | "failed";
export type SignalKind = "typing" | "presence" | "status" | "progress" | "stream";
export type ErrorCode = "invalid_request" | "empty_message" | "not_a_question" | "unauthenticated" | "forbidden" | "xsrf_failed" | "not_found" | "channel_not_found" | "method_not_allowed" | "conflict" | "already_closed" | "question_changed" | "already_used" | "name_taken" | "invite_gone" | "message_too_large" | "invalid_answer" | "rate_limited" | "internal_error" | "store_unavailable" | "overloaded" | "newer_database" | "outbox_full" | "stopped" | "rejected" | "arguments_changed";

export interface Participant {
  id: string;
  kind: Kind;
  name: string;
  description?: string;
  owner_id?: string;
  created_at?: string;
}

/** A participant in one channel. ``read_seq`` is the reader's cursor there; ``online``: connected now, or a moment ago. */
export interface Member {
  participant_id: string;
  kind: Kind;
  name: string;
  role: Role;
  read_seq: number;
  joined_at: string;
  online?: boolean;
}

export interface Channel {
  id: string;
  name: string;
  last_seq: number;
  unread: number;
  members: Member[];
  created_at: string;
  topic?: string;
  archived?: boolean;
}

/** How a question ended. ``value`` is absent when there is none (a secret's never is here); ``source`` is set when no human did it live. ``escalated``: answered by whom it was escalated to. ``batch_id``: the `Batch` of the question, if it is of one, for readers who do not have the question. */
export interface Closing {
  question_id: string;
  outcome: Ending;
  value?: unknown;
  by_id?: string;
  by_name?: string;
  at?: string;
  source?: string;
  batch_id?: string;
}

/** What an approval is about: ``arguments`` (JSON) of ``action``; the human may change those in ``editable``, within ``schema``, an object's form (`forms.normal`) of them. ``always``: whether the human may approve the action once for all. */
export interface Approval {
  action: string;
  arguments?: Record<string, unknown>;
  editable?: string[];
  schema?: Record<string, unknown>;
  always?: boolean;
}

/** One of many questions that are answered in one go: the ``index``-th (from 0) of ``total``. */
export interface Batch {
  id: string;
  index: number;
  total: number;
  name?: string;
}

/** Unanswered ``after`` seconds, the question is put to ``to`` as well; ``at``: when that happened. */
export interface Escalation {
  after: number;
  to: string;
  at?: string;
}

/** One of the answers that a ``quorum`` needs. */
export interface Vote {
  by_id: string;
  by_name: string;
  at: string;
  value: unknown;
}

/** The question in a message. Without ``choices`` and ``schema`` any text answers it. ``to`` names who may answer now (all humans if empty): delegating and escalating change it. ``kind``: an ``approval`` is answered by ``{"approved", "arguments"?, "comment"?, "always"?}``, ``arguments`` being those that were edited; a ``secret``'s answer is told to its asker alone. ``multiple``: a list of choices answers. ``schema``: a JSON value of this form answers (`forms.normal`). ``quorum``: so many people must give the same answer. ``digest``: SHA-256 of all that is shown, in hexadecimal; who answers may say which they ``saw``. */
export interface Question {
  key: string;
  state: QuestionState;
  choices?: string[];
  default?: unknown;
  to?: string[];
  deadline_at?: string;
  closing?: Closing;
  kind?: AskKind;
  multiple?: boolean;
  schema?: Record<string, unknown>;
  initial?: unknown;
  approval?: Approval;
  batch?: Batch;
  quorum?: number;
  votes?: Vote[];
  remind?: number;
  reminded?: number;
  reminded_at?: string;
  escalate?: Escalation[];
  digest?: string;
}

/** One durable entry of a channel's log. ``prev_seq`` (live events only) is the seq before it in this channel. ``parts``: what is shown beside the content, each ``{"data": {mimetype: …}, "name"?}`` as in a notebook's outputs: pictures in base64, ``text/x-diff``, ``application/vnd.agentchat.table+json`` (see `notebook.parts`), ``application/json``. */
export interface Message {
  id: string;
  channel_id: string;
  seq: number;
  author_id: string;
  author_name: string;
  author_kind: Kind;
  content: string;
  created_at: string;
  client_id?: string;
  parent_id?: string;
  lamport?: number;
  mentions?: string[];
  parts?: Record<string, unknown>[];
  question?: Question;
  closes?: Closing;
  edited_at?: string;
  deleted_at?: string;
  prev_seq?: number;
}

/** What an agent last said of itself, by a `status` or `progress` signal; ``done`` of ``total`` in its own units. ``ended``: there is nothing more to come of it. */
export interface Activity {
  text: string;
  at: string;
  done?: number;
  total?: number;
  ended?: boolean;
}

/** What somebody wants of an agent; ``seq`` orders the intents of a channel. ``acknowledged_at``: when the agent did it, or something else was wanted instead: a later pause or stop, or a resume. */
export interface Intent {
  id: string;
  seq: number;
  channel_id: string;
  agent_id: string;
  kind: IntentKind;
  by_id: string;
  by_name: string;
  created_at: string;
  text?: string;
  acknowledged_at?: string;
}

/** The control plane's view of an agent in one channel: what it said of its run, since when, and what it is still asked. */
export interface Control {
  channel_id: string;
  agent_id: string;
  state: RunState;
  run?: string;
  at?: string;
  pending?: Intent[];
}

/** Somebody approved an agent's action for good in a channel ("always for this notebook"). */
export interface StandingApproval {
  id: string;
  channel_id: string;
  agent_id: string;
  action: string;
  by_id: string;
  by_name: string;
  created_at: string;
}

/** One decision, or one intent: who, when, from where (``origin``: the front end and the address), about which message or agent, with the digest of what they ``saw``. */
export interface AuditEntry {
  seq: number;
  at: string;
  action: string;
  by_id: string;
  by_name: string;
  message_id?: string;
  agent_id?: string;
  origin?: string;
  saw?: string;
  detail?: unknown;
}

/** An agent now. ``status``, ``progress`` and ``seen_at`` are gone when the hub restarts: signals are never stored. ``seen_at``: its last sign of life, a signal, a report or a message; of one that went, when its last connection did. */
export interface AgentStatus {
  participant_id: string;
  name: string;
  connections: number;
  open_questions: number;
  online?: boolean;
  status?: Activity;
  progress?: Activity;
  control?: Control;
  seen_at?: string;
}

export type Nothing = Record<string, never>;

export interface Bootstrap {
  owner_email: string;
  owner_password: string;
  agent_name: string;
  agent_description?: string;
}

export interface Login {
  email: string;
  password: string;
}

/** ``client_id``, 16 random characters or more, is a secret here: who accepts again under it is the same guest. */
export interface AcceptInvite {
  token: string;
  name?: string;
  client_id?: string;
}

export interface LookUpInvite {
  token: string;
}

export interface CreateChannel {
  name: string;
  topic?: string;
  client_id?: string;
}

export interface OneChannel {
  channel_id: string;
}

export interface ArchiveChannel {
  channel_id: string;
  client_id?: string;
}

export interface UpdateChannel {
  channel_id: string;
  name?: string;
  topic?: string;
  client_id?: string;
}

export interface AddMember {
  channel_id: string;
  participant_id: string;
  role?: Role;
  client_id?: string;
}

export interface RemoveMember {
  channel_id: string;
  participant_id: string;
  client_id?: string;
}

/** A page in seq order: the first after ``after``, or the last before ``before``. ``wait`` seconds for the first. */
export interface ReadMessages {
  channel_id: string;
  after?: number;
  before?: number;
  limit?: number;
  wait?: number;
}

/** An event stream: the channel from after ``after``, from now on if absent. A cursor of another ``epoch`` starts anew. */
export interface FollowChannel {
  channel_id: string;
  after?: number;
  epoch?: string;
}

/** An answer that the asker already holds (``AGENTCHAT_ANSWERS``, a ledger): the question is born closed, and says so. */
export interface Decided {
  value: unknown;
  source: string;
}

/** As it is asked. */
export interface AskApproval {
  action: string;
  arguments?: Record<string, unknown>;
  editable?: string[];
  schema?: Record<string, unknown>;
  always?: boolean;
}

/** As it is asked. */
export interface AskBatch {
  id: string;
  index: number;
  total: number;
  name?: string;
}

/** As it is asked: ``[{"after": 300, "to": "@lead"}]``. */
export interface AskEscalation {
  after: number;
  to: string;
}

/** The question that a message asks. What is shown beside it are the message's ``parts``. ``key`` is the asker's own name for it: while a question with that key is open, or closed and not yet consumed, asking again takes it up. ``timeout`` counts from when the hub takes the question; then ``default`` closes it, or nothing does and the outcome is ``timed_out``. ``remind``: every so many seconds until it is answered. ``initial``: what a form begins with. The rest: see `Question`. */
export interface Ask {
  key?: string;
  choices?: string[];
  timeout?: number;
  default?: unknown;
  to?: string[];
  decided?: Decided;
  kind?: AskKind;
  multiple?: boolean;
  schema?: Record<string, unknown>;
  initial?: unknown;
  remind?: number;
  escalate?: AskEscalation[];
  quorum?: number;
  approval?: AskApproval;
  batch?: AskBatch;
}

export interface PostMessage {
  channel_id: string;
  content: string;
  parent_id?: string;
  lamport?: number;
  mentions?: string[];
  parts?: Record<string, unknown>[];
  question?: Ask;
  client_id?: string;
}

export interface EditMessage {
  channel_id: string;
  message_id: string;
  content: string;
  client_id?: string;
}

export interface OneMessage {
  channel_id: string;
  message_id: string;
}

export interface ChangeMessage {
  channel_id: string;
  message_id: string;
  client_id?: string;
}

export interface MarkRead {
  channel_id: string;
  seq: number;
  client_id?: string;
}

/** ``saw``: the `Question.digest` of what was on the screen; another one is refused. ``via``: for the audit trail. */
export interface Answer {
  channel_id: string;
  message_id: string;
  value: unknown;
  saw?: string;
  via?: string;
  client_id?: string;
}

/** Who may answer hands the question to others instead. */
export interface Delegate {
  channel_id: string;
  message_id: string;
  to: string[];
  via?: string;
  client_id?: string;
}

/** The caller wants to be left alone with this question for so many seconds; 0: no longer. */
export interface Snooze {
  channel_id: string;
  message_id: string;
  seconds: number;
  client_id?: string;
}

/** The asker has all answers of the batch: asked again under the same keys, it is asked anew. */
export interface FinishBatch {
  channel_id: string;
  batch_id: string;
  client_id?: string;
}

export interface RevokeApproval {
  channel_id: string;
  approval_id: string;
  client_id?: string;
}

/** The newest first, those before ``before``; of one message, if that is given. */
export interface ReadAudit {
  channel_id: string;
  message_id?: string;
  before?: number;
  limit?: number;
}

export interface ListQuestions {
  state?: "open";
  channel_id?: string;
}

/** ``text`` is what a ``steer`` says; the other kinds may give a reason. */
export interface CreateIntent {
  channel_id: string;
  agent_id: string;
  kind: IntentKind;
  text?: string;
  via?: string;
  client_id?: string;
}

/** In their order, after ``after``: those of one agent, if that is given, and those that it has not acknowledged, if ``pending``. A WebSocket is told of new ones at once; who reads by event stream or long-poll asks here. */
export interface ListIntents {
  channel_id: string;
  agent_id?: string;
  after?: number;
  pending?: boolean;
  limit?: number;
}

/** An agent says of itself how its run stands. ``acknowledged``: the ``seq`` up to which it has done what was asked. */
export interface Report {
  channel_id: string;
  state: RunState;
  run?: string;
  acknowledged?: number;
  client_id?: string;
}

/** With ``channel_id``: its agents, and what they last said there. */
export interface ReadStatus {
  channel_id?: string;
}

export interface CreateAgent {
  name: string;
  description?: string;
  client_id?: string;
}

export interface RevokeKey {
  agent_id: string;
  key_id: string;
  client_id?: string;
}

export interface CreateKey {
  agent_id: string;
  client_id?: string;
}

export interface CreateInvite {
  channel_id: string;
  name?: string;
  email?: string;
  expires_in?: number;
  max_uses?: number;
  client_id?: string;
}

/** A kernel asks its own server for a key: ``proof`` is HMAC-SHA256 under its connection key of the other fields. The signed text is ``agentchat-kernel\n{kernel_id}\n{agent_name}\n{notebook}\n{at}``; ``at`` may be 60 seconds off. */
export interface ProveKernel {
  kernel_id: string;
  agent_name: string;
  notebook: string;
  at: number;
  proof: string;
}

/** Another server of the same operating system user vouches for whom it let in, by the same secret. */
export interface ProveUser {
  secret: string;
  username: string;
  name: string;
}

/** A process of the same operating system user shows the secret that lies, mode 0600, beside the database. */
export interface ProveLocal {
  secret: string;
  agent_name: string;
  notebook: string;
}

export interface Done {
  ok: boolean;
}

export interface Bootstrapped {
  api_key: string;
  channel_id: string;
  invite_url: string;
  agent_id: string;
  owner_id?: string;
}

export interface SignedIn {
  participant: Participant;
  session_token: string;
  channel_id?: string;
}

/** What an invite page may know before anyone joined. */
export interface InviteState {
  channel_name: string;
  invited_by: string;
  name?: string;
}

export interface OneChannelReply {
  channel: Channel;
}

export interface ChannelsReply {
  channels: Channel[];
}

export interface MembersReply {
  members: Member[];
}

export interface MessageReply {
  message: Message;
}

export interface MessagesReply {
  messages: Message[];
  last_seq: number;
  has_more: boolean;
  epoch: string;
}

/** ``snoozed``: until when the caller wants to be left alone, by message id. Past 4 MiB the questions come without what is shown beside them: those ``without_parts``, by message id, have more to show, which `get_message` gives. Past 8 MiB of questions ``has_more`` says that others come when some of these are closed. */
export interface QuestionsReply {
  questions: Message[];
  snoozed?: Record<string, string>;
  without_parts?: string[];
  has_more?: boolean;
}

/** The answer that was taken: whoever gave it may have changed theirs just before. */
export interface ConsumedReply {
  ok: boolean;
  closing: Closing;
}

export interface SecretReply {
  value: string;
}

export interface ApprovalsReply {
  approvals: StandingApproval[];
}

export interface AuditReply {
  entries: AuditEntry[];
  has_more: boolean;
}

export interface IntentReply {
  intent: Intent;
}

export interface IntentsReply {
  intents: Intent[];
}

export interface ControlReply {
  control: Control;
}

export interface AgentReply {
  agent: Participant;
  api_key: string;
  key_id: string;
}

export interface AgentsReply {
  agents: Participant[];
}

export interface KeyReply {
  api_key: string;
  key_id: string;
}

/** A kernel's agent: its key, and the channel of its notebook. ``hub_url`` is there when the hub is not at the server that was asked but at another of the same user. */
export interface KernelReply {
  agent: Participant;
  api_key: string;
  channel_id: string;
  channel_name: string;
  hub_url?: string;
}

export interface InviteReply {
  invite_url: string;
  token: string;
  expires_at: string;
}

export interface MeReply {
  participant: Participant;
  epoch: string;
  protocol: number;
}

export interface ParticipantsReply {
  participants: Participant[];
}

export interface StatusReply {
  version: string;
  epoch: string;
  agents: AgentStatus[];
  connections: number;
  open_questions: number;
}

/** The inside of ``{"error": ...}``. Beside code and message, what the code's row in errors.py says. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  retry_after?: number;
  limit_bytes?: number;
  outcome?: Outcome;
  by_id?: string;
  by_name?: string;
  at?: string;
  choices?: string[];
  asked?: string;
  asking?: string;
  problems?: Record<string, string>;
}

export interface ErrorReply {
  error: ErrorBody;
}

export interface SendMessage {
  type: "send_message";
  channel_id: string;
  content: string;
  parent_id?: string;
  lamport?: number;
  mentions?: string[];
  parts?: Record<string, unknown>[];
  question?: Ask;
  request_id?: string;
  client_id?: string;
}

/** Replays the channel from after ``after`` (from now on, if absent), then goes live. */
export interface Subscribe {
  type: "subscribe";
  channel_id: string;
  after?: number;
  epoch?: string;
  request_id?: string;
}

export interface Unsubscribe {
  type: "unsubscribe";
  channel_id: string;
  request_id?: string;
}

/** Everything up to ``seq`` was handled; sending it again changes nothing. */
export interface Ack {
  type: "ack";
  channel_id: string;
  seq: number;
  request_id?: string;
}

/** Ephemeral: coalesced per sender and kind, dropped where a reader is busy, never in the log. ``status`` takes ``{"text"}``; ``progress`` ``{"text", "done", "total", "ended"?}``; ``stream`` ``{"id", "text"}``, a message in the making, its whole text each time, until one with that ``client_id`` is posted. If its author's connection is lost for good, the hub posts what there is. ``presence`` comes from connections: what a client says of it (``{"state": "away"}``) goes along. */
export interface SendSignal {
  type: "signal";
  channel_id: string;
  kind: SignalKind;
  data?: Record<string, unknown>;
  request_id?: string;
}

export interface SendAnswer {
  type: "answer";
  message_id: string;
  value: unknown;
  channel_id?: string;
  saw?: string;
  via?: string;
  request_id?: string;
  client_id?: string;
}

/** The asker has taken its question's answer: asking with the same key now asks anew. */
export interface Consume {
  type: "consume";
  channel_id: string;
  message_id: string;
  request_id?: string;
  client_id?: string;
}

/** An agent says of itself how its run stands: as `report`, in its place among what this connection sends. */
export interface SendReport {
  type: "report";
  channel_id: string;
  state: RunState;
  run?: string;
  acknowledged?: number;
  request_id?: string;
  client_id?: string;
}

export interface Ping {
  type: "ping";
  request_id?: string;
}

/** ``heartbeat``: seconds between the server's pings; silence for three of them means that the connection is dead. */
export interface Connected {
  type: "connected";
  participant: Participant;
  protocol: number;
  epoch: string;
  heartbeat: number;
}

export interface NewMessage {
  type: "new_message";
  message: Message;
}

/** ``seq`` is the update's own place in the log, the cursor behind it. */
export interface MessageUpdated {
  type: "message_updated";
  message: Message;
  seq: number;
}

export interface MessageDeleted {
  type: "message_deleted";
  channel_id: string;
  message_id: string;
  seq: number;
}

/** The message is durable. ``message`` comes along for a question, which may be an older one taken up. */
export interface Sent {
  type: "sent";
  message_id: string;
  seq: number;
  client_id?: string;
  created_at?: string;
  request_id?: string;
  message?: Message;
}

export interface Subscribed {
  type: "subscribed";
  channel_id: string;
  last_seq: number;
  request_id?: string;
}

/** The reply to a frame that has no other. ``closing``: what a `Consume` took. */
export interface DoneFrame {
  type: "done";
  request_id?: string;
  closing?: Closing;
}

export interface Signal {
  type: "signal";
  channel_id: string;
  participant_id: string;
  kind: SignalKind;
  data: Record<string, unknown>;
}

/** Somebody wants something of an agent. A connection that was away, or ``lagged``, asks for the `ListIntents` it missed. */
export interface IntentFrame {
  type: "intent";
  id: string;
  seq: number;
  channel_id: string;
  agent_id: string;
  kind: IntentKind;
  by_id: string;
  by_name: string;
  created_at: string;
  text?: string;
  acknowledged_at?: string;
}

/** An agent reported how its run stands, or was asked for something. */
export interface ControlFrame {
  type: "control";
  channel_id: string;
  agent_id: string;
  state: RunState;
  run?: string;
  at?: string;
  pending?: Intent[];
}

/** This connection did not read, and its send buffer is full: it no longer gets the channel. `subscribe` with ``after=resume_after`` goes on where it stopped, nothing missed and nothing twice; its other channels go on by themselves. */
export interface Lagged {
  type: "lagged";
  channel_id: string;
  resume_after: number;
}

export interface Reset {
  type: "reset";
  channel_id: string;
  epoch: string;
  reason: string;
}

export interface ErrorFrame {
  type: "error";
  code: ErrorCode;
  message: string;
  retry_after?: number;
  limit_bytes?: number;
  outcome?: Outcome;
  by_id?: string;
  by_name?: string;
  at?: string;
  choices?: string[];
  asked?: string;
  asking?: string;
  problems?: Record<string, string>;
  request_id?: string;
}

export interface Pong {
  type: "pong";
  request_id?: string;
}

/** The data of ``PANEL_MIME``: which channel a panel shows; never a secret. ``page_url`` is where a browser may answer too. */
export interface PanelData {
  channel_id: string;
  channel_name: string;
  question_id?: string;
  page_url?: string;
}

export type ClientFrame =
  | SendMessage
  | Subscribe
  | Unsubscribe
  | Ack
  | SendSignal
  | SendAnswer
  | Consume
  | SendReport
  | Ping;

export type ServerFrame =
  | Connected
  | NewMessage
  | MessageUpdated
  | MessageDeleted
  | Sent
  | Subscribed
  | DoneFrame
  | Signal
  | IntentFrame
  | ControlFrame
  | Lagged
  | Reset
  | ErrorFrame
  | Pong;

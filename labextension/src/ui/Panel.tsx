import { useEffect, useState } from "preact/hooks";

import type { MountOptions } from ".";
import { Composer } from "./Composer";
import { MessageList } from "./MessageList";
import { Notice, PageLink } from "./Notice";
import { Here, NowLine } from "./Now";
import type { ConnectionState, Conversation, Snapshot } from "./conversation";
import { isOpenQuestion } from "./store";

interface Props {
  conversation: Conversation;
  options: MountOptions;
}

const SAYS: Record<ConnectionState, string> = {
  connecting: "Connecting…",
  live: "Live",
  retrying: "Reconnecting…",
  unreachable: "Offline",
};

export function Panel({ conversation, options }: Props) {
  const snapshot = useSnapshot(conversation);
  const { connection, log, refusal } = snapshot;
  useTold(snapshot, options);
  if (refusal) return <Refused snapshot={snapshot} options={options} />;
  return (
    <section class={`panel ${options.layout ?? "inline"}`} aria-label={`Agent chat: ${options.channelName}`}>
      <header>
        {options.backUrl && (
          <a class="back" href={options.backUrl} aria-label="All channels">
            ‹
          </a>
        )}
        <span class="name">{options.channelName}</span>
        {connection === "live" && <Here live={conversation.live} />}
        <span class={`connection ${connection}`} role="status">
          {SAYS[connection]}
        </span>
      </header>
      {log ? <MessageList conversation={conversation} snapshot={{ ...snapshot, log }} channelName={options.channelName} /> : <Loading />}
      {connection === "unreachable" && <Offline pageUrl={options.pageUrl} />}
      <NowLine conversation={conversation} me={snapshot.me?.id} />
      <Composer
        channelId={conversation.channelId}
        channelName={options.channelName}
        onSend={(text) => {
          conversation.say(text);
        }}
        onTyping={() => {
          conversation.typing();
        }}
      />
    </section>
  );
}

function useSnapshot(conversation: Conversation): Snapshot {
  const [snapshot, setSnapshot] = useState(conversation.current);
  useEffect(() => {
    const look = () => {
      setSnapshot(conversation.current);
    };
    look();
    return conversation.watch(look);
  }, [conversation]);
  return snapshot;
}

const told = new Set<string>();

/** Tells the page around us what it asked to know. */
function useTold({ connection, log }: Snapshot, { onConnection, onQuestionOpen, questionId }: MountOptions): void {
  useEffect(() => {
    onConnection?.(connection);
  }, [connection, onConnection]);
  const open = log?.messages.findLast((message) => isOpenQuestion(message) && (!questionId || message.id === questionId));
  // All questions of a batch are one to look at: not each of a thousand saves the notebook.
  const batch = open?.question?.batch;
  const key = open && batch ? `${open.author_id} ${batch.id}` : open?.id;
  useEffect(() => {
    if (key === undefined || told.has(key) || !onQuestionOpen) return;
    told.add(key);
    onQuestionOpen();
    // Asked anew under the same name, it is another.
    if (batch) return () => void told.delete(key);
    return undefined;
  }, [key, onQuestionOpen]);
}

function Loading() {
  return (
    <div class="loading" aria-label="Loading messages" role="status">
      <span />
      <span />
    </div>
  );
}

function Offline({ pageUrl }: { pageUrl: string | undefined }) {
  return (
    <p class="banner" role="status">
      The chat server does not answer. What you write is kept and sent when it is back.
      {pageUrl && (
        <>
          {" "}
          <PageLink url={pageUrl} />
        </>
      )}
    </p>
  );
}

/** The hub knows the channel, or us, not: a notice, and no more knocking. */
function Refused({ snapshot, options }: { snapshot: Snapshot; options: MountOptions }) {
  const { onRefused } = options;
  useEffect(() => {
    onRefused?.();
  }, [onRefused]);
  const text =
    snapshot.refusal?.status === 404
      ? "This conversation is not on this server. The notebook may come from somewhere else; run its cells to start one here."
      : (snapshot.refusal?.body.message ?? "You may not read this conversation.");
  return <Notice title={options.channelName} text={text} pageUrl={options.pageUrl} />;
}

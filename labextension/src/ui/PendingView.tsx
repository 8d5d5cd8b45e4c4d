import type { Conversation, ConnectionState } from "./conversation";
import type { Entry } from "./outbox";
import { Markdown } from "./MessageView";

interface Props {
  entry: Entry;
  conversation: Conversation;
  connection: ConnectionState;
}

/** A message of ours that the log does not hold yet. */
export function PendingView({ entry, conversation, connection }: Props) {
  if (entry.frame.type !== "send_message") return null;
  const { client_id: clientId, content } = entry.frame;
  return (
    <article class={`message own pending ${entry.state}`} aria-label="Your message, not sent yet">
      <span class="avatar" />
      <div class="body">
        <Markdown text={content} />
        {entry.state === "failed" ? (
          <p class="note problem" role="status">
            Not sent: {entry.error?.message}
            <button
              class="quiet"
              onClick={() => {
                conversation.retry(clientId);
              }}
            >
              Retry
            </button>
            <button
              class="quiet"
              onClick={() => {
                conversation.discard(clientId);
              }}
            >
              Discard
            </button>
          </p>
        ) : (
          connection !== "live" && <p class="note">Waiting for the connection</p>
        )}
      </div>
    </article>
  );
}

import { useEffect, useRef, useState } from "preact/hooks";

import type { Channel, ChannelsReply } from "../protocol";
import { mount } from "../ui";
import { Refusal, call, type Address } from "../ui/rest";
import { Field, Sheet, messageOf } from "./Sheet";

interface Props {
  address: Address;
  channelId: string | undefined;
}

/** A channel if one is named or there is only one; else the list of them. Who is not signed in is told how. */
export function ChatPage({ address, channelId }: Props) {
  const [channels, setChannels] = useState<Channel[]>();
  const [problem, setProblem] = useState<{ status: number; message: string }>();
  const load = () => {
    call<ChannelsReply>(address, "GET", "channels").then(
      (reply) => {
        setProblem(undefined);
        setChannels(reply.channels);
      },
      (error: unknown) => {
        setProblem({ status: error instanceof Refusal ? error.status : 0, message: messageOf(error) });
      },
    );
  };
  useEffect(load, []);
  if (problem?.status === 401) return <SignIn address={address} onSignedIn={load} />;
  if (problem) return <Sheet title="The chat cannot be shown" error={problem.message} retry={load} />;
  if (!channels) return null;
  const only = channels.length === 1 ? channels[0] : undefined;
  const channel = channelId ? channels.find((each) => each.id === channelId) : only;
  if (channel) return <Chat address={address} channel={channel} alone={channels.length === 1} />;
  if (channelId) {
    return (
      <Sheet title="No such conversation">
        <p>It does not exist, or you are not a member of it. Ask whoever sent you the link for an invite.</p>
        {channels.length > 0 && <a href={`${address.baseUrl}chat/`}>Your channels</a>}
      </Sheet>
    );
  }
  return <ChannelList address={address} channels={channels} />;
}

function ChannelList({ address, channels }: { address: Address; channels: Channel[] }) {
  if (channels.length === 0) {
    return (
      <Sheet title="No channels yet">
        <p>When an agent or a person invites you, the conversation will stand here.</p>
      </Sheet>
    );
  }
  return (
    <Sheet title="Your channels">
      <ul class="channels">
        {channels.map((channel) => (
          <li key={channel.id}>
            <a href={`${address.baseUrl}chat/${channel.id}`}>
              {channel.name}
              {channel.unread > 0 && (
                <span class="count" aria-label={`${channel.unread} unread`}>
                  {channel.unread}
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}

function Chat({ address, channel, alone }: { address: Address; channel: Channel; alone: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!host.current) return;
    document.title = `${channel.name} · Agent chat`;
    const mounted = mount(host.current, {
      ...address,
      channelId: channel.id,
      channelName: channel.name,
      layout: "page",
      backUrl: alone ? undefined : `${address.baseUrl}chat/`,
    });
    return () => {
      mounted.dispose();
    };
  }, [channel.id]);
  return (
    <main class="chat">
      <div ref={host} />
    </main>
  );
}

/** Owners of the stand-alone server have a password. Inside Jupyter there is none: its own login is elsewhere. */
function SignIn({ address, onSignedIn }: { address: Address; onSignedIn: () => void }) {
  const [error, setError] = useState<string>();
  const hasPasswords = address.auth === "session" && !address.baseUrl.endsWith("agentchat/");
  const signIn = (form: HTMLFormElement) => {
    const { email, password } = Object.fromEntries(new FormData(form));
    call(address, "POST", "login", { email, password }).then(onSignedIn, (refusal: unknown) => {
      setError(messageOf(refusal));
    });
  };
  return (
    <Sheet title="You are not signed in" error={error}>
      <p>
        Open your invite link again, or ask whoever sent it for a new one.
        {hasPasswords && " Have an account here? Sign in."}
      </p>
      {hasPasswords && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            signIn(event.currentTarget);
          }}
        >
          <Field label="E-mail" name="email" type="email" autocomplete="username" />
          <Field label="Password" name="password" type="password" autocomplete="current-password" />
          <button class="primary" type="submit">
            Sign in
          </button>
        </form>
      )}
    </Sheet>
  );
}

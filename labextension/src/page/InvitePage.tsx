import { useEffect, useMemo, useState } from "preact/hooks";

import type { InviteState, SignedIn } from "../protocol";
import { Refusal, call, uniqueId, type Address } from "../ui/rest";
import { Field, Sheet, messageOf } from "./Sheet";

interface Props {
  address: Address;
  token: string;
}

/** Who invites to what, and one question: your name. */
export function InvitePage({ address, token }: Props) {
  const path = `invites/${encodeURIComponent(token)}`;
  const [invite, setInvite] = useState<InviteState>();
  const [problem, setProblem] = useState<string>();
  const [joining, setJoining] = useState(false);
  const load = () => {
    call<InviteState>(address, "GET", path).then(
      (state) => {
        setProblem(undefined);
        setInvite(state);
        document.title = `Join ${state.channel_name} · Agent chat`;
      },
      (error: unknown) => {
        const unknown = error instanceof Refusal && error.status === 404;
        setProblem(unknown ? "This link is not complete, or was never given out. Ask for it once more." : messageOf(error));
      },
    );
  };
  useEffect(load, []);
  // The reply to the first try may get lost on the way to a phone: under the same id the single-use link opens once more.
  const clientId = useMemo(uniqueId, []);
  const join = (form: HTMLFormElement) => {
    const name = new FormData(form).get("name");
    if (typeof name !== "string" || !name.trim()) return;
    setJoining(true);
    call<SignedIn>(address, "POST", `${path}/accept`, { name: name.trim(), client_id: clientId }).then(
      (reply) => {
        location.assign(`${address.baseUrl}chat/${reply.channel_id ?? ""}`);
      },
      (error: unknown) => {
        setJoining(false);
        setProblem(messageOf(error));
      },
    );
  };
  if (!invite) return problem ? <Sheet title="This invite does not open" error={problem} retry={load} /> : null;
  return (
    <Sheet title={`Join ${invite.channel_name}`} error={problem}>
      <p>{invite.invited_by} invites you to this conversation. You can read along, write, and answer what its agents ask.</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          join(event.currentTarget);
        }}
      >
        <Field label="Your name" name="name" autocomplete="name" value={invite.name ?? ""} />
        <button class="primary" type="submit" disabled={joining}>
          Join
        </button>
      </form>
    </Sheet>
  );
}

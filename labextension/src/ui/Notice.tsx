interface Props {
  title: string;
  text: string;
  pageUrl?: string | undefined;
}

/** Where there is no conversation to draw: why, and where else to go. */
export function Notice({ title, text, pageUrl }: Props) {
  return (
    <section class="panel notice" aria-label={`Agent chat: ${title}`}>
      <p>
        <strong>{title}</strong>
        {text}
      </p>
      {pageUrl && (
        <p>
          <PageLink url={pageUrl} />
        </p>
      )}
    </section>
  );
}

export function PageLink({ url }: { url: string }) {
  // It may come from a notebook of a stranger.
  if (!/^https?:/.test(url)) return null;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      Open the chat in its own page
    </a>
  );
}

import type { ComponentChildren } from "preact";

import { Refusal, Unreachable } from "../ui/rest";

interface SheetProps {
  title: string;
  error?: string | undefined;
  retry?: () => void;
  children?: ComponentChildren;
}

export function Sheet({ title, error, retry, children }: SheetProps) {
  return (
    <main class="sheet">
      <h1>{title}</h1>
      {error && (
        <div class="error" role="alert">
          {error}
        </div>
      )}
      {children}
      {retry && (
        <button class="primary" onClick={retry}>
          Try again
        </button>
      )}
    </main>
  );
}

interface FieldProps {
  label: string;
  name: string;
  type?: "text" | "email" | "password";
  autocomplete: string;
  value?: string;
}

export function Field({ label, name, type = "text", autocomplete, value = "" }: FieldProps) {
  return (
    <label>
      {label}
      <input name={name} type={type} autoComplete={autocomplete} defaultValue={value} maxLength={200} required />
    </label>
  );
}

export function messageOf(error: unknown): string {
  if (error instanceof Refusal || error instanceof Unreachable) return error.message;
  throw error;
}
